"""What is compared with what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
from amplifier_core.message_models import ChatRequest, Message, ToolSpec
from amplifier_core.testing import MockCoordinator
from amplifier_module_provider_openai_v2 import OpenaiV2Provider
from openai import APIStatusError, AsyncOpenAI
from openai_responses_common.accumulate import Accumulator
from openai_responses_common.amend import Amendments
from openai_responses_common.deltas import DeltaReader
from openai_responses_common.encode import encode_request
from openai_responses_common.options import Options
from openai_responses_common.profile import BackendProfile
from openai_responses_common.sse import SseDecoder
from openai_responses_common.traits import traits_for
from openai_responses_common.wire import dump_body

from .measure import Contender

MODEL = "gpt-5.6-sol"
KEY = "sk-benchmark"
HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
PIECE = 4096

PARAMETERS = {
    "type": "object",
    "properties": {
        name: {"type": "string", "description": f"The {name} to work on, as a plain text without quotes."}
        for name in ("path", "query", "mode", "limit")
    },
    "required": ["path"],
}
TOOLS = [
    ToolSpec(name=f"tool_{number}", description="Does one thing and does it well. " * 4, parameters=PARAMETERS)
    for number in range(40)
]


def asking(*messages: Message) -> ChatRequest:
    return ChatRequest(messages=list(messages), tools=TOOLS)


def said(text: str) -> Message:
    return Message(role="user", content=text)


def history(count: int) -> list[Message]:
    """A conversation of so many messages: questions, calls and results in turn."""
    messages: list[Message] = []
    for step in range(count // 3):
        blocks: list[dict[str, Any]] = [
            {"type": "text", "text": "I look at the file first. " * 8},
            {"type": "tool_call", "id": f"call_{step}", "name": "tool_1", "input": {"path": f"src/file_{step}.py"}},
        ]
        messages += [
            said(f"Step {step}: look at the next file and tell me what is in it."),
            Message.model_validate({"role": "assistant", "content": blocks}),
            Message(role="tool", tool_call_id=f"call_{step}", content=f"line {step} of the file\n" * 50),
        ]
    return [*messages, said("And now?")]


def body_of(request: ChatRequest) -> Mapping[str, Any]:
    """The body that the provider sends for a request."""
    return encode_request(
        request,
        Options(model=MODEL),
        profile=BackendProfile(name="benchmark", display_name="Benchmark"),
        traits=traits_for(MODEL),
        amendments=Amendments(),
        origin="benchmark",
    ).body


async def reading(base_url: str) -> dict[str, Contender]:
    """The bytes of one recorded stream, read from memory."""
    content = dump_body(body_of(asking(said("talk"))))
    async with httpx2.AsyncClient(timeout=60) as client:
        response = await client.post(f"{base_url}/responses", content=content, headers=HEADERS)
    stream = response.content
    pieces = [stream[at : at + PIECE] for at in range(0, len(stream), PIECE)]

    async def bare() -> None:
        for event in stream.split(b"\n\n"):
            if event:
                json.loads(event.partition(b"data: ")[2])

    async def ours() -> None:
        decoder, received, reader = SseDecoder(), Accumulator(), DeltaReader()
        for piece in pieces:
            events = decoder.feed(piece)
            for event in events:
                received.add(event)
            reader.read(events)
        received.response()

    return {"split and json.loads": bare, "decoder, accumulator, deltas": ours}


@asynccontextmanager
async def calling(base_url: str) -> AsyncIterator[dict[str, Contender]]:
    """One whole call over a socket, by four clients that are warm."""
    request = asking(said("talk"))
    body = dict(body_of(request).items())
    content = dump_body(body)
    alone = OpenaiV2Provider(base_url=base_url, api_key=KEY, config={"default_model": MODEL})
    hosted = OpenaiV2Provider(
        base_url=base_url, api_key=KEY, config={"default_model": MODEL}, coordinator=MockCoordinator()
    )
    async with httpx2.AsyncClient(timeout=60) as client, AsyncOpenAI(base_url=base_url, api_key=KEY) as sdk:

        async def bare() -> None:
            pending = b""
            async with client.stream("POST", f"{base_url}/responses", content=content, headers=HEADERS) as response:
                async for chunk in response.aiter_bytes():
                    *events, pending = (pending + chunk).split(b"\n\n")
                    for event in events:
                        json.loads(event.partition(b"data: ")[2])

        async def typed() -> None:
            stream: Any = await sdk.responses.create(**body)
            async for _ in stream:
                pass

        yield {
            "bare httpx2 and json.loads": bare,
            "provider, no coordinator": lambda: alone.complete(request),
            "provider, every delta to hooks": lambda: hosted.complete(request),
            "SDK, typed parameters and events": typed,
        }
    await alone.close()
    await hosted.close()


@asynccontextmanager
async def encoding(count: int) -> AsyncIterator[dict[str, Contender]]:
    """A long history to bytes."""
    request = asking(*history(count))
    body = dict(body_of(request).items())
    refuse = httpx2.MockTransport(lambda _: httpx2.Response(400, json={"error": {"message": "enough"}}))
    async with AsyncOpenAI(api_key=KEY, max_retries=0, http_client=httpx2.AsyncClient(transport=refuse)) as sdk:

        async def bare() -> None:
            json.dumps(body).encode()

        async def ours() -> None:
            dump_body(body_of(request))

        async def typed() -> None:
            with suppress(APIStatusError):
                await sdk.responses.create(**body)

        yield {"json.dumps of the finished body": bare, "messages to bytes": ours, "SDK, typed parameters": typed}


@asynccontextmanager
async def turning(base_url: str) -> AsyncIterator[dict[str, Contender]]:
    """A short call on a new connection, and one on a connection that is used again."""
    request = asking(said("SHORT"))
    content = dump_body(body_of(request))
    warm = OpenaiV2Provider(base_url=base_url, api_key=KEY, config={"default_model": MODEL})
    async with httpx2.AsyncClient(timeout=60) as client:

        async def bare() -> None:
            await client.post(f"{base_url}/responses", content=content, headers=HEADERS)

        async def first() -> None:
            provider = OpenaiV2Provider(base_url=base_url, api_key=KEY, config={"default_model": MODEL})
            await provider.complete(request)
            await provider.close()

        yield {
            "bare httpx2, connection used again": bare,
            "provider, connection used again": lambda: warm.complete(request),
            "provider, first call of a new one": first,
        }
    await warm.close()
