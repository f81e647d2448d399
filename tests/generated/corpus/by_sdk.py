"""A third reading of a recorded stream, by the openai SDK: its own decoder, its event types and its own accumulator.

The stream is served to the SDK's client as it is to the provider, so that everything between the bytes and the
response is the SDK's; then the two are held against each other.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI
from openai_responses_common.wire.accumulate import Accumulator
from openai_responses_common.wire.sse import SseDecoder

from tests.generated.corpus.difference import without_nulls
from tests.generated.corpus.recordings import Exchange, Json
from tests.generated.corpus.serve import ReplayServer

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_ASKED: Json = {"model": "any", "input": "Hello"}


@dataclass(slots=True)
class SdkReading:
    """What the SDK makes of a stream.

    Attributes:
        events: how many events it gave.
        response: of the terminal event.
        items: finished items by their index.
        texts: what the deltas add up to, by item and kind of delta.
        final: the response of its accumulator; None if it gave up on the stream.
        gave_up: why.
    """

    events: int = 0
    response: Json = field(default_factory=dict)
    items: dict[int, Json] = field(default_factory=dict)
    texts: dict[tuple[int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    final: Json | None = None
    gave_up: str = ""


class BySdk:
    """Reads recordings with the SDK's client."""

    def __init__(self, server: ReplayServer) -> None:
        self._server = server
        self._client = AsyncOpenAI(base_url=server.base_url, api_key="sk-corpus", max_retries=0)

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def read(self, exchange: Exchange) -> SdkReading:
        """The reading of a recorded stream."""
        reading = SdkReading()
        self._serve(exchange)
        stream: Any = await self._client.responses.create(**_ASKED, stream=True)
        async for event in stream:
            _take(reading, event)
        self._serve(exchange)
        try:
            async with self._client.responses.stream(**_ASKED) as helper:
                reading.final = (await helper.get_final_response()).to_dict()
        except RuntimeError as error:
            reading.gave_up = str(error)
        return reading

    def _serve(self, exchange: Exchange) -> None:
        self._server.answer_next(exchange.status, exchange.content_type, exchange.body)


def _take(reading: SdkReading, event: Any) -> None:
    reading.events += 1
    if event.type in _ENDS:
        reading.response = event.response.to_dict()
    elif event.type == "response.output_item.done":
        reading.items[event.output_index] = event.item.to_dict()
    elif event.type.endswith(".delta") and isinstance(event.delta, str):
        reading.texts[event.output_index, event.type].append(event.delta)


def lost_to_sdk(exchange: Exchange, reading: SdkReading) -> list[str]:
    """What our accumulator does not say as the SDK does; both read the same bytes."""
    decoder, ours = SseDecoder(), Accumulator()
    for event in [*decoder.feed(exchange.body), *decoder.finish()]:
        ours.add_event(event)
    response = ours.build_response()
    items: list[Json] = response["output"]
    pairs: dict[str, tuple[object, object]] = {
        "items": ([reading.items[index] for index in sorted(reading.items)], items),
        **{key: (reading.response.get(key), response.get(key)) for key in ("id", "model", "status", "usage")},
        "incomplete": (reading.response.get("incomplete_details"), response.get("incomplete_details")),
        "texts": (_joined(reading, "response.output_text.delta", "response.refusal.delta"), _texts(items, "message")),
        "summaries": (_joined(reading, "response.reasoning_summary_text.delta"), _texts(items, "reasoning")),
        "arguments": (
            _joined(reading, "response.function_call_arguments.delta"),
            {index: item["arguments"] for index, item in enumerate(items) if item["type"] == "function_call"},
        ),
    }
    if reading.final is not None:
        pairs["final items"] = (_kept(reading.final.get("output") or items), _kept(items))
        pairs["final usage"] = (reading.final.get("usage"), response.get("usage"))
    return [
        f"{what}: the SDK {json.dumps(theirs)[:200]}, here {json.dumps(found)[:200]}"
        for what, (theirs, found) in pairs.items()
        if without_nulls(theirs) != without_nulls(found)
    ]


def _joined(reading: SdkReading, *kinds: str) -> dict[int, str]:
    found: dict[int, str] = defaultdict(str)
    for (index, kind), pieces in reading.texts.items():
        if kind in kinds:
            found[index] += "".join(pieces)
    return {index: text for index, text in found.items() if text}


def _texts(items: Iterable[Json], kind: str) -> dict[int, str]:
    part_of = {"message": "content", "reasoning": "summary"}
    found: dict[int, str] = {}
    for index, item in enumerate(items):
        if item["type"] == kind:
            parts = item[part_of[kind]]
            found[index] = "".join(part.get("text") or part.get("refusal") or "" for part in parts)
    return {index: text for index, text in found.items() if text}


def _kept(items: Iterable[Json]) -> list[Json]:
    """What the two copies of an item have in common: the service seals the one in the last event anew."""
    return [
        {key: item[key] for key in ("type", "call_id", "name", "arguments", "content") if key in item} for item in items
    ]
