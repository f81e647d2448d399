"""Who is compared: the bare bytes as the limit, and providers of Amplifier, ours and others'.

A contender holds a conversation in its own objects, which nobody times, and is timed while it asks. This file needs
nothing of this repository but what a contender itself imports, so that a peer can be measured in its own environment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeAlias

from .conversation import DESCRIPTION, KEY, MODEL, PARAMETERS, RESULT, TOOL_NAMES, Asked, Called, Step

Hear: TypeAlias = Callable[[str], None]
"""Takes every piece of text as soon as it arrives."""


def _nobody(_: str) -> None:
    pass


class Contender(Protocol):
    """One client of the service."""

    hear: Hear

    async def open(self, url: str, *, hooks: str) -> None:
        """Be ready to call a port; `hooks` says who listens: `none`, or the `kernel`'s own registry."""
        ...

    def history(self, steps: Sequence[Step]) -> Any:
        """A conversation in the contender's own objects."""
        ...

    async def ask(self, history: Any) -> Any:
        """The measured call; gives its own answer."""
        ...

    def grow(self, history: Any, answer: Any) -> Any:
        """The conversation with an answer, and the results of the calls in it."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Limit:
    """The request through `json.dumps`, its answer's bytes through the bare HTTP client and `jiter`."""

    def __init__(self) -> None:
        import httpx2

        self.hear: Hear = _nobody
        self._client = httpx2.AsyncClient(timeout=60)
        self._url = ""

    async def open(self, url: str, *, hooks: str) -> None:
        self._url = f"{url}/v1/responses"

    def history(self, steps: Sequence[Step]) -> Any:
        return wire_body(steps)

    async def ask(self, history: Any) -> Any:
        import jiter

        content = json.dumps(history).encode()
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        pending, last, hear = b"", b"", self.hear
        async with self._client.stream("POST", self._url, content=content, headers=headers) as response:
            async for chunk in response.aiter_bytes():
                *events, pending = (pending + chunk).split(b"\n\n")
                for event in events:
                    last = event[event.index(b"data: ") + 6 :]
                    if delta := jiter.from_json(last).get("delta"):
                        hear(delta)
        return jiter.from_json(last)["response"]["output"]

    def grow(self, history: Any, answer: Any) -> Any:
        results = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": RESULT}
            for item in answer
            if item["type"] == "function_call"
        ]
        return {**history, "input": [*history["input"], *answer, *results]}

    async def close(self) -> None:
        await self._client.aclose()


class Provider:
    """A provider module of Amplifier, mounted as a host does it.

    Args:
        module: its id, which is its entry point.
        settings: what a settings file would hold, from the address of a port.
    """

    def __init__(self, module: str, settings: Callable[[str], dict[str, Any]]) -> None:
        self.hear: Hear = _nobody
        self._module = module
        self._settings = settings
        self._provider: Any = None
        self._cleanup: Any = None

    async def open(self, url: str, *, hooks: str) -> None:
        from amplifier_core.testing import MockCoordinator

        await self.close()
        (found,) = entry_points(group="amplifier.modules", name=self._module)
        coordinator: Any = MockCoordinator()
        if hooks == "kernel":
            _listen(coordinator.hooks)
        else:
            coordinator = _Unhooked(coordinator, self)
        self._cleanup = await found.load()(coordinator, self._settings(url))
        (self._provider,) = coordinator.get("providers").values()

    def history(self, steps: Sequence[Step]) -> Any:
        return request(steps)

    async def ask(self, history: Any) -> Any:
        return await self._provider.complete(history)

    def grow(self, history: Any, answer: Any) -> Any:
        from amplifier_core.message_models import Message

        said = Message(role="assistant", content=answer.content)
        calls = self._provider.parse_tool_calls(answer)
        results = [Message(role="tool", tool_call_id=call.id, name=call.name, content=RESULT) for call in calls]
        return history.model_copy(update={"messages": [*history.messages, said, *results]})

    async def close(self) -> None:
        if self._cleanup is not None:
            await self._cleanup()


class _Unhooked:
    """A coordinator whose hooks only pass the text on."""

    def __init__(self, coordinator: Any, provider: Provider) -> None:
        self._coordinator = coordinator
        self._contender = provider
        self.hooks = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coordinator, name)

    async def emit(self, event: str, data: dict[str, Any]) -> None:
        if event == "llm:stream_block_delta":
            self._contender.hear(data["text"])


def _listen(hooks: Any) -> None:
    """What a host's screen registers."""
    from amplifier_core.models import HookResult

    async def handler(event: str, data: dict[str, Any]) -> HookResult:
        return HookResult(action="continue")

    for name in ("llm:stream_block_start", "llm:stream_block_delta", "llm:stream_block_end"):
        hooks.register(name, handler, name=f"screen:{name}")


def request(steps: Sequence[Step]) -> Any:
    """The conversation as Amplifier's loops hand it over."""
    from amplifier_core.message_models import ChatRequest, ToolSpec

    tools = [ToolSpec(name=name, description=DESCRIPTION, parameters=PARAMETERS) for name in TOOL_NAMES]
    return ChatRequest(messages=[_message(step) for step in steps], tools=tools, model=MODEL)


def _message(step: Step) -> Any:
    from amplifier_core.message_models import Message

    match step:
        case Asked():
            return Message(role="user", content=step.text)
        case Called():
            call = {"type": "tool_call", "id": step.call_id, "name": "tool_1", "input": {"path": step.path}}
            return Message.model_validate({"role": "assistant", "content": [{"type": "text", "text": step.text}, call]})
        case _:
            return Message(role="tool", tool_call_id=step.call_id, content=step.text)


def wire_body(steps: Sequence[Step]) -> dict[str, Any]:
    """The request that our provider sends."""
    from openai_responses_common.facts.amendments import Amendments
    from openai_responses_common.facts.backend_profile import BackendProfile
    from openai_responses_common.facts.model_traits import find_traits
    from openai_responses_common.options.options import Options
    from openai_responses_common.translate.encode import encode_request

    encoded = encode_request(
        request(steps),
        Options(model=MODEL),
        profile=BackendProfile(name="benchmark", display_name="Benchmark"),
        traits=find_traits(MODEL),
        amendments=Amendments(),
        origin="benchmark",
    )
    return dict(encoded.body.items())


def key_settings(url: str) -> dict[str, Any]:
    """Of a module that takes an address and a key."""
    return {"base_url": f"{url}/v1", "api_key": KEY, "default_model": MODEL}


def azure_settings(url: str) -> dict[str, Any]:
    return {"azure_endpoint": url, "api_key": KEY, "default_model": MODEL}


def chatgpt_settings(url: str) -> dict[str, Any]:
    """Of somebody who is signed in: a token in a file, which is not checked here."""
    from tests.support.chatgpt_token_file import TOKEN, settings

    return {**settings(f"{url}/backend-api/codex", TOKEN), "default_model": MODEL}
