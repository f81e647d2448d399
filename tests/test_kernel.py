"""Whole turns on the kernel's own session and loader, with the orchestrator of `examples/`: as in a host."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from amplifier_core import AmplifierSession, module_sources
from amplifier_core.module_sources import ModuleSource

from tests.backends import ROOT, BackendUnderTest
from tests.emulator import Emulator, Say, Slow, Turn
from tests.support import Recorder, items, other_tasks

EXAMPLES = ROOT / "examples" / "modules"
SLOW = Turn(Say("word " * 400), Slow(0.02))


class Folder(ModuleSource):
    def __init__(self, path: Path) -> None:
        self.path = path

    def resolve(self) -> Path:
        return self.path


class Checkout:
    """Finds modules in this checkout; those under test only where `by_path` says so, else by their entry point."""

    def __init__(self, *, by_path: bool) -> None:
        self.by_path = by_path

    def resolve(self, module_id: str, source_hint: object = None, profile_hint: object = None) -> ModuleSource:
        if (EXAMPLES / f"amplifier_module_{module_id.replace('-', '_')}").is_dir():
            return Folder(EXAMPLES)
        if self.by_path:
            return Folder(ROOT / "modules" / module_id)
        raise module_sources.ModuleNotFoundError(module_id)


class Kernel:
    """A session of the kernel's own, with a recorder on it."""

    def __init__(self, providers: list[dict[str, Any]], *, by_path: bool = True) -> None:
        self.by_path = by_path
        self.session = AmplifierSession(
            {
                "session": {
                    "orchestrator": {"module": "loop-chat"},
                    "context": {"module": "context-chat", "config": {"system": "Use your tools."}},
                },
                "providers": providers,
                "tools": [{"module": "tool-calculate"}],
            }
        )
        self.coordinator: Any = self.session.coordinator
        self.recorder = Recorder(self.coordinator.hooks)

    async def start(self) -> Kernel:
        await self.coordinator.mount("module-source-resolver", Checkout(by_path=self.by_path))
        await self.session.initialize()
        return self

    async def cost(self) -> Decimal:
        """What the session says that it cost."""
        found = await self.coordinator.collect_contributions("session.cost")
        return sum((Decimal(str(each["cost_usd"])) for each in found if each), Decimal(0))


Start = Callable[..., Any]


@pytest.fixture
async def start(backend: BackendUnderTest, emulator: Emulator) -> AsyncIterator[Start]:
    """Starts kernel sessions on the backend's provider."""
    started: list[Kernel] = []

    async def start_one(*providers: Mapping[str, Any], by_path: bool = True) -> Kernel:
        own = {"module": backend.module, "config": backend.settings(emulator)}
        started.append(await Kernel([dict(each) for each in providers or [own]], by_path=by_path).start())
        return started[-1]

    yield start_one
    for kernel in started:
        await kernel.session.cleanup()
    assert not other_tasks()
    assert await emulator.until(lambda: emulator.open_connections == 0)


async def test_a_turn_with_tools(start: Start, emulator: Emulator, backend: BackendUnderTest) -> None:
    kernel = await start()
    assert not kernel.recorder.named("module:load_failed")
    text = await kernel.session.execute("What is 12 * 7?")
    assert "84" in text
    assert len(emulator.model_requests) == 2
    assert kernel.recorder.one("tool:post")["tool_name"] == "calculate"
    assert len(kernel.recorder.named("llm:request")) == len(kernel.recorder.named("llm:response")) == 2
    assert kernel.recorder.shown().endswith(text)
    if backend.priced:
        usages = [Decimal(event["usage"]["cost_usd"]) for event in kernel.recorder.named("llm:response")]
        assert await kernel.cost() == sum(usages) > 0


async def test_turn_after_turn_keeps_reasoning_and_prefix(start: Start, emulator: Emulator) -> None:
    kernel = await start()
    for question in ("What is 12 * 7?", "And what is 3 + 4?", "hello again"):
        await kernel.session.execute(question)
    bodies = emulator.bodies
    assert len(bodies) == 5
    for before, after in itertools.pairwise(bodies):
        assert after["input"][: len(before["input"])] == before["input"]
    assert len(items(bodies[-1], "reasoning")) == 4
    assert {body["prompt_cache_key"] for body in bodies} == {kernel.session.session_id}
    assert not kernel.recorder.named("provider:tool_sequence_repaired")


async def test_two_sessions_in_one_process(start: Start, emulator: Emulator) -> None:
    first, second = await start(), await start()
    texts = await asyncio.gather(first.session.execute("What is 2 * 3?"), second.session.execute("What is 5 * 5?"))
    assert ("6" in texts[0], "25" in texts[1]) == (True, True)
    assert len({body["prompt_cache_key"] for body in emulator.bodies}) == 2
    for kernel in (first, second):
        assert {event["session_id"] for event in kernel.recorder.named("llm:request")} == {kernel.session.session_id}
        assert await kernel.cost() == sum(
            Decimal(event["usage"]["cost_usd"] or 0) for event in kernel.recorder.named("llm:response")
        )


async def test_two_instances_in_one_session(start: Start, backend: BackendUnderTest, emulator: Emulator) -> None:
    rows = [
        {"module": backend.module, "config": backend.settings(emulator, priority="20")},
        {
            "module": backend.module,
            "instance_id": "second",
            "config": backend.settings(emulator, priority="10", default_model="gpt-5.6-luna"),
        },
    ]
    kernel = await start(*rows)
    providers = kernel.coordinator.get("providers")
    assert set(providers) == {backend.name, "second"}
    assert providers["second"].default_model == "gpt-5.6-luna"
    await kernel.session.execute("hello")
    assert emulator.bodies[-1]["model"] == "gpt-5.6-luna", "the lower priority number wins"
    assert await kernel.cost() == providers["second"].spent_usd


async def test_without_credentials_the_session_starts_and_the_turn_says_why(
    start: Start, backend: BackendUnderTest
) -> None:
    kernel = await start({"module": backend.module, "config": {}})
    assert not kernel.recorder.named("module:load_failed")
    with pytest.raises(RuntimeError, match="AuthenticationError"):  # as the kernel passes it on
        await kernel.session.execute("hello")
    assert kernel.recorder.one("provider:error")["error"]["type"] == "AuthenticationError"


async def test_an_interrupted_turn_leaves_nothing_behind(start: Start, emulator: Emulator) -> None:
    kernel = await start()
    emulator.script(SLOW)
    turn = asyncio.ensure_future(kernel.session.execute("tell me a story"))
    assert await emulator.until(kernel.recorder.shown)
    await kernel.coordinator.request_cancel(immediate=True)
    await kernel.coordinator.cancellation.trigger_callbacks()
    await asyncio.gather(turn, return_exceptions=True)
    assert await emulator.until(lambda: emulator.aborted)
    assert kernel.recorder.one("llm:response")["status"] == "cancelled"


async def test_loading_by_entry_point(start: Start, backend: BackendUnderTest) -> None:
    """The way of providers that only a settings file names: nobody validates them before."""
    installed = {point.name: point.value for point in entry_points(group="amplifier.modules")}
    if backend.module not in installed:
        pytest.skip("the module is on the path here, not installed; `nox -s tests` installs it")
    assert installed[backend.module] == f"{backend.package}:mount"
    kernel = await start(by_path=False)
    assert "84" in await kernel.session.execute("What is 12 * 7?")
