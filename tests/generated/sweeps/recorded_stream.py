"""The stream that the sweeps cut, split and stall: recorded from the emulator for each backend, then shortened."""

from __future__ import annotations

import asyncio
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from responses_emulator import Call, Say, Think, Turn

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.session import Session

TEXT = "Ä→😀 ok"
THOUGHT = "Grüße 😀"
ARGUMENTS = {"at": "Ö😀"}
NEWLINES = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
_TURN = Turn(Think([THOUGHT]), Say(TEXT, chunks=2), Call("look", '{"at":"Ö😀"}', chunks=2))

# Neither a response nor its deltas are made of these. They are most of the bytes, and a cut in them is like any other.
_SKIPPED_EVENT_TYPES = {"response.in_progress", "response.content_part.added", "response.content_part.done"}
_RESPONSE_FIELDS = {
    *("id", "object", "status", "model", "output", "usage"),
    *("incomplete_details", "error", "service_tier", "content_filters"),
}
_MAX_ID_LENGTH = 8
_MAX_CIPHERTEXT_LENGTH = 24


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """The stream of one backend; every event ends with a blank line.

    Attributes:
        events: the bytes of each event.
        url_prefix: the path of the service's base URL.
    """

    events: tuple[bytes, ...]
    url_prefix: str

    @property
    def raw(self) -> bytes:
        return b"".join(self.events)

    @property
    def complete_at(self) -> int:
        """The number of bytes after which the terminal event is complete: all but the line ends behind it."""
        return len(self.raw.rstrip(b"\n"))

    def begins_at(self, backend: BackendUnderTest) -> int:
        """Return the number of bytes after which a break is the end of a call.

        Over WebSocket it is the first event: a response that has not begun is asked for once more.
        """
        return 0 if backend.transport is None else len(self.events[0])

    def make_incomplete_events(self) -> tuple[bytes, ...]:
        """Return the events of the same response if it reached its output token limit before its tool call."""
        terminal = _parse(self.events[-1])
        response = terminal["response"]
        response |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        response["output"] = [item for item in response["output"] if item["type"] != "function_call"]
        events = [event for event in self.events[:-1] if b'"output_index":2' not in event]
        return *events, _frame({**terminal, "type": "response.incomplete"})

    def frame_with(self, newline: bytes) -> bytes:
        """Return the stream with other line ends; with other than LF the data of each event has two lines."""
        if newline == b"\n":
            return self.raw
        folded = [event.replace(b',"', b',\ndata: "', 1) for event in self.events]
        return b"".join(folded).replace(b"\n", newline)


def choose_offsets(length: int, count: int, *, begin: int = 0) -> list[int]:
    """Return at least `count` offsets, evenly over a stream of that length from `begin` on, and its last four."""
    stride = max(1, (length - begin) // count)
    return sorted({*range(begin, length, stride), *range(length - 3, length + 1)})


@cache
def record_stream(backend_name: str) -> RecordedStream:
    """Return the stream of a backend, recorded once in a process."""
    backend = next(row for row in BACKENDS if row.name == backend_name)
    # The event loop of the test is running, so this one lives and ends in a thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_record(backend))).result()


async def _record(backend: BackendUnderTest) -> RecordedStream:
    """Let the provider make a request, then send the same request over a bare connection."""
    with backend.emulator() as emulator:
        session = await Session(backend, emulator).mount(backend.settings(emulator, reasoning_summary="auto"))
        emulator.script(_TURN, _TURN)
        await session.ask("hello")
        request = emulator.model_requests[0]
        headers = {key: value for key, value in request.headers.items() if key not in {"host", "content-length"}}
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
        connection.request("POST", f"{request.path}?{request.query}".rstrip("?"), request.raw_body, headers)
        raw = connection.getresponse().read()
        connection.close()
        await session.cleanup()
        url_prefix = emulator.base_url.removeprefix(emulator.origin)
    documents = [_parse(event) for event in raw.split(b"\n\n") if event]
    used = [document for document in documents if document["type"] not in _SKIPPED_EVENT_TYPES]
    return RecordedStream(tuple(_frame(_shorten(document)) for document in used), url_prefix)


def _parse(event: bytes) -> dict[str, Any]:
    return json.loads(event.partition(b"data: ")[2])


def _frame(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return f"event: {document['type']}\ndata: {text}\n\n".encode()


def _shorten(value: Any, key: str = "") -> Any:
    """Return the value without fields that nothing reads, and with short ids and ciphertext."""
    match value:
        case dict():
            fields = {name for name in value if name != "obfuscation"}
            if key == "response":
                fields &= _RESPONSE_FIELDS
            return {name: _shorten(each, name) for name, each in value.items() if name in fields}
        case list():
            return [_shorten(each) for each in value]
        case str() if key in {"id", "item_id", "call_id"}:
            return value[:_MAX_ID_LENGTH]
        case str() if key == "encrypted_content":
            return value[:_MAX_CIPHERTEXT_LENGTH]
        case _:
            return value
