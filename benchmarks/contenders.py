"""Who is compared: the bare bytes as the limit, and providers of Amplifier, ours and others'.

A contender holds a conversation in its own objects, which nobody times, and is timed while it asks. This file needs
nothing of this repository but what a contender itself imports, so that a peer can be measured in its own environment.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, ClassVar, Protocol, TypeAlias

from .conversation import KEY, MODEL, TOOLS, Asked, Called, Step, result

Hear: TypeAlias = Callable[[str], None]
"""Takes every piece of text as soon as it arrives."""


def _nobody(_: str) -> None:
    pass


class Contender(Protocol):
    """One client of the service."""

    hear: Hear

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        """Be ready to call a port.

        Args:
            url: of the port.
            hooks: who listens, `none` or the `kernel`'s own registry.
            settings: further settings of a provider module.
        """
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


class Bare:
    """The request through `json.dumps`, its answer's bytes through a bare client and `jiter`; nothing is translated."""

    HEADERS: ClassVar = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}

    def __init__(self) -> None:
        self.hear: Hear = _nobody

    def history(self, steps: Sequence[Step]) -> Any:
        return wire_body(steps)

    def grow(self, history: Any, answer: Any) -> Any:
        results = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": result(len(history["input"]))}
            for item in answer
            if item["type"] == "function_call"
        ]
        return {**history, "input": [*history["input"], *answer, *results]}


class OverHttp(Bare):
    """A bare HTTP client."""

    def __init__(self) -> None:
        super().__init__()
        self._url = ""

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        self._url = f"{url}/v1/responses"

    async def ask(self, history: Any) -> Any:
        import jiter

        pending, last, hear = b"", b"", self.hear
        async for chunk in self.chunks(json.dumps(history).encode()):
            *events, pending = (pending + chunk).split(b"\n\n")
            for event in events:
                last = event[event.index(b"data: ") + 6 :]
                if delta := jiter.from_json(last).get("delta"):
                    hear(delta)
        return jiter.from_json(last)["response"]["output"]

    def chunks(self, content: bytes) -> AsyncGenerator[bytes, None]:
        """Send a body, and give the bytes of the answer as they come."""
        raise NotImplementedError


class Httpx2(OverHttp):
    """`httpx2`, which the SDK uses."""

    def __init__(self) -> None:
        import httpx2

        super().__init__()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx2.AsyncClient(timeout=60, limits=limits)

    async def chunks(self, content: bytes) -> AsyncGenerator[bytes, None]:
        async with self._client.stream("POST", self._url, content=content, headers=self.HEADERS) as response:
            async for chunk in response.aiter_bytes():
                yield chunk

    async def close(self) -> None:
        await self._client.aclose()


class Aiohttp(OverHttp):
    """`aiohttp`."""

    def __init__(self) -> None:
        super().__init__()
        self._client: Any = None

    async def chunks(self, content: bytes) -> AsyncGenerator[bytes, None]:
        import aiohttp

        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=None)
            self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout)
        async with self._client.post(self._url, data=content, headers=self.HEADERS) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


class WebSockets(Bare):
    """`websockets`. It sends what is new, and compressed where the service takes that; or `aiohttp` over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self._http: Aiohttp | None = None
        self._socket: Any = None
        self._known = 0
        self._response_id = ""

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        from websockets.asyncio.client import connect

        await self.close()
        self._socket = self._http = None
        if settings.get("transport") == "http":
            self._http = Aiohttp()
            await self._http.open(url, hooks=hooks, settings=settings)
            return
        address = f"{url.replace('http', 'ws', 1)}/v1/responses"
        self._socket = await connect(
            address, additional_headers=self.HEADERS, max_size=None, proxy=None, ping_interval=None
        )
        self._known = 0

    async def ask(self, history: Any) -> Any:
        import jiter

        if self._http is not None:
            return await self._http.ask(history)
        body = {"type": "response.create", **history}
        if 0 < self._known < len(history["input"]):
            body |= {"previous_response_id": self._response_id, "input": history["input"][self._known :]}
        await self._socket.send(json.dumps(body, separators=(",", ":")))
        hear = self.hear
        while True:
            event = jiter.from_json(await self._socket.recv(decode=False))
            if delta := event.get("delta"):
                hear(delta)
            elif event["type"] == "response.completed":
                answer = event["response"]
                self._response_id = answer["id"]
                self._known = len(history["input"]) + len(answer["output"])
                return answer["output"]

    async def close(self) -> None:
        for opened in (self._socket, self._http):
            if opened is not None:
                await opened.close()


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

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        from amplifier_core.testing import MockCoordinator

        await self.close()
        (found,) = entry_points(group="amplifier.modules", name=self._module)
        coordinator: Any = MockCoordinator()
        if hooks == "kernel":
            _listen(coordinator.hooks)
        else:
            coordinator = Listener(coordinator)
            coordinator.hear = self._hear
        self._cleanup = await found.load()(coordinator, {**self._settings(url), **settings})
        (self._provider,) = coordinator.get("providers").values()

    def _hear(self, text: str) -> None:
        self.hear(text)  # a run replaces it

    def history(self, steps: Sequence[Step]) -> Any:
        return request(steps)

    async def ask(self, history: Any) -> Any:
        return await self._provider.complete(history)

    def grow(self, history: Any, answer: Any) -> Any:
        from amplifier_core.message_models import Message

        said = Message(role="assistant", content=answer.content)
        calls = self._provider.parse_tool_calls(answer)
        content = result(len(history.messages))
        results = [Message(role="tool", tool_call_id=call.id, name=call.name, content=content) for call in calls]
        return history.model_copy(update={"messages": [*history.messages, said, *results]})

    async def close(self) -> None:
        if self._cleanup is not None:
            await self._cleanup()


class Listener:
    """A coordinator whose hooks only pass the text on to `hear`."""

    def __init__(self, coordinator: Any) -> None:
        self.hear: Hear = _nobody
        self._coordinator = coordinator
        self.hooks = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coordinator, name)

    async def emit(self, event: str, data: dict[str, Any]) -> None:
        if event == "llm:stream_block_delta":
            self.hear(data["text"])


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

    tools = [
        ToolSpec.model_validate({key: tool[key] for key in ("name", "description", "parameters")}) for tool in TOOLS
    ]
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


SETTINGS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "provider-openai-v2": key_settings,
    "provider-azure-openai-v2": azure_settings,
    "provider-chatgpt-oauth": chatgpt_settings,
}
"""What a settings file would hold for each of our modules, from the address of a port."""
