"""The orchestrator and the memory of the chat, with the real provider on the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from amplifier_core.models import HookResult, ToolResult
from amplifier_core.testing import MockCoordinator
from amplifier_module_provider_openai_v2 import OpenaiV2Provider
from responses_emulator import Call, Emulator, Say, Turn

from examples.chat import offline_model
from examples.modules.amplifier_module_context_chat import ChatContext
from examples.modules.amplifier_module_loop_chat import ChatLoop


class Slow:
    """A tool that takes its time, or fails."""

    name = "slow"
    description = "Wait."
    input_schema: Any = {"type": "object", "properties": {"seconds": {"type": "number"}}}  # noqa: RUF012

    async def execute(self, input: dict[str, Any]) -> ToolResult:  # noqa: A002
        if input["seconds"] < 0:
            raise ValueError("time runs one way")
        await asyncio.sleep(input["seconds"])
        return ToolResult(output=f"waited {input['seconds']}")


class Desk:
    """The loop and what it works with: a provider on the emulator, a memory, tools and hooks."""

    def __init__(self, service: Emulator, **loop: Any) -> None:
        self.coordinator: Any = MockCoordinator()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.first_result = asyncio.Event()
        self.context = ChatContext(system="Be brief.")
        self.loop = ChatLoop(**loop)
        self.provider = OpenaiV2Provider(
            base_url=service.base_url, api_key="sk-x", config={"default_model": "gpt-5.6-sol"}
        )
        for name in (
            "execution:start",
            "tool:pre",
            "tool:post",
            "tool:error",
            "orchestrator:complete",
            "execution:end",
        ):
            self.coordinator.hooks.register(name, self._record, name=f"desk:{name}")

    async def _record(self, event: str, data: dict[str, Any]) -> HookResult:
        self.events.append((event, data))
        if event == "tool:post":
            self.first_result.set()
        return HookResult(action="continue")

    def asks(self, prompt: str) -> asyncio.Task[str]:
        turn = self.loop.execute(
            prompt,
            context=self.context,
            providers={"openai-v2": self.provider},
            tools={"slow": Slow()},
            hooks=self.coordinator.hooks,
            coordinator=self.coordinator,
        )
        return asyncio.create_task(turn)


@pytest.fixture
async def service() -> AsyncIterator[Emulator]:
    """The service that the loop's provider talks to."""
    with Emulator(responder=offline_model.respond) as emulator:
        yield emulator


def outputs(service: Emulator) -> list[str]:
    """The tool results in the newest request."""
    return [
        str(item["output"]) for item in service.request_bodies[-1]["input"] if item["type"] == "function_call_output"
    ]


async def test_calls_run_side_by_side_and_are_answered_in_order(service: Emulator) -> None:
    desk = Desk(service)
    calls = [Call("slow", {"seconds": 0.3}), Call("slow", {"seconds": -1}), Call("slow", {"seconds": 0.2}), Call("no")]
    service.script(Turn(*calls), Say("Done."))
    assert await desk.asks("go") == "Done."
    assert outputs(service) == [
        "waited 0.3",
        "Error: ValueError: time runs one way",
        "waited 0.2",
        "Error: there is no tool called 'no'",
    ]
    begun = [at for at, (name, _) in enumerate(desk.events) if name == "tool:pre"]
    ended = [at for at, (name, data) in enumerate(desk.events) if name == "tool:post" and "waited" in str(data)]
    assert len(begun) == 4
    assert max(begun) < min(ended)
    assert desk.events[-2][1]["status"] == "success"
    assert desk.events[-2][1]["turn_count"] == 2
    await desk.provider.close()


async def test_a_hook_may_forbid_a_call_or_change_it(service: Emulator) -> None:
    async def judge(_event: str, data: dict[str, Any]) -> HookResult:
        if data["tool_input"]["seconds"] > 5:
            return HookResult(action="deny", reason="too long")
        return HookResult(action="modify", data={**data, "tool_input": {"seconds": 0}})

    desk = Desk(service)
    desk.coordinator.hooks.register("tool:pre", judge, name="judge")
    service.script(Turn(Call("slow", {"seconds": 9}), Call("slow", {"seconds": 1})), Say("Done."))
    await desk.asks("go")
    assert outputs(service) == ["Denied by hook: too long", "waited 0"]
    await desk.provider.close()


async def test_the_last_step_may_call_nothing(service: Emulator) -> None:
    desk = Desk(service, max_steps=2)
    service.script(Call("slow", {"seconds": 0}), Say("Enough."))
    assert await desk.asks("go") == "Enough."
    first, last = service.request_bodies
    assert last["tool_choice"] == "none"
    assert last["tools"] == first["tools"]
    await desk.provider.close()


async def test_the_application_may_choose_the_model_and_how_much_of_the_history_it_takes(service: Emulator) -> None:
    desk = Desk(service)
    service.script(Say("One."), Say("Two."))
    await desk.asks("x" * 4000)
    request = {"model": "gpt-5.6-luna", "reasoning_effort": "high"}
    desk.coordinator.session_state["loop-chat"] = {"request": request, "token_budget": 500}
    await desk.asks("and now?")
    first, second = service.request_bodies
    assert (first["model"], second["model"], second["reasoning"]["effort"]) == ("gpt-5.6-sol", "gpt-5.6-luna", "high")
    assert "x" * 4000 in str(first["input"])
    assert "x" * 4000 not in str(second["input"])
    await desk.provider.close()


async def test_a_stopped_turn_leaves_a_whole_history(service: Emulator) -> None:
    desk = Desk(service)
    service.script(Turn(Call("slow", {"seconds": 0}), Call("slow", {"seconds": 60})))
    turn = desk.asks("go")
    await desk.first_result.wait()
    await asyncio.sleep(0.1)
    await desk.loop.stop()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert desk.events[-2][1]["status"] == "cancelled"
    await desk.loop.stop()
    service.script(Say("Still here."))
    assert await desk.asks("and now?") == "Still here."
    assert outputs(service) == ["waited 0", "Error: the user stopped this call before it was done."]
    await desk.provider.close()


async def test_the_oldest_turns_are_forgotten_by_half_at_a_time() -> None:
    context = ChatContext(system="s")
    model = SimpleNamespace(context_window=3000, max_output_tokens=1000)
    provider = SimpleNamespace(get_model_info=lambda: model)
    sizes: list[int] = []
    for number in range(40):
        await context.add_message({"role": "user", "content": f"{number} " + "x" * 600})
        await context.add_message({"role": "assistant", "content": "y"})
        view = await context.get_messages_for_request(provider=provider)
        assert [message["role"] for message in view[:2]] == ["system", "user"]
        assert view[-1] == {"role": "assistant", "content": "y"}
        sizes.append(len(view))
    assert max(sizes) < 30
    assert sum(later < earlier for earlier, later in pairwise(sizes)) <= 6
    assert len(await context.get_messages()) == 80
