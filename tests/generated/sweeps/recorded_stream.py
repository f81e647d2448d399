"""The stream that the sweeps cut, split and stall: a backend's own, recorded from the emulator and then abridged."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from responses_emulator import Call, Say, Think, Turn

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.session import Session

LONG = bool(os.environ.get("LONG_SWEEPS"))
"""Sweep every place, which takes minutes."""

TEXT = "Ä→😀 ok"
THOUGHT = "Grüße 😀"
ARGUMENTS = {"at": "Ö😀"}
TURN = Turn(Think([THOUGHT]), Say(TEXT, chunks=2), Call("look", '{"at":"Ö😀"}', chunks=2))

# What neither an answer nor its deltas are made of: most of the bytes, and a cut in them is like any other.
_LEFT_OUT = {"response.in_progress", "response.content_part.added", "response.content_part.done"}
_KEPT = {
    "id",
    "object",
    "status",
    "model",
    "output",
    "usage",
    "incomplete_details",
    "error",
    "service_tier",
    "content_filters",
}
_LONGEST_ID = 8
_LONGEST_CIPHERTEXT = 24


@dataclass(frozen=True, slots=True)
class Recording:
    """A stream as one backend sends it; every event ends with a blank line."""

    events: tuple[bytes, ...]
    prefix: str

    @property
    def raw(self) -> bytes:
        return b"".join(self.events)

    @property
    def whole_at(self) -> int:
        """So many bytes, and the terminal event has come whole: its JSON, but for the line ends after it."""
        return len(self.raw.rstrip(b"\n"))

    def cut_short(self) -> tuple[bytes, ...]:
        """An answer of the same kind that ran out of tokens before its call."""
        terminal = _document(self.events[-1])
        response = terminal["response"]
        response |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        response["output"] = [item for item in response["output"] if item["type"] != "function_call"]
        kept = [event for event in self.events[:-1] if b'"output_index":2' not in event]
        return *kept, _framed({**terminal, "type": "response.incomplete"})

    def places(self, newline: bytes, stride: int, first: int = 0) -> list[int]:
        """Where to cut or split: everywhere if `LONG_SWEEPS` is set, else around every line end, within every
        multibyte character, and at every `stride`-th byte besides."""
        raw = self.framed(newline)
        if LONG:
            return list(range(len(raw) + 1))
        near = {at + step for at, byte in enumerate(raw) if byte in b"\r\n" for step in (0, 1)}
        within = {at for at, byte in enumerate(raw) if byte & 0xC0 == 0x80}
        return sorted(near | within | set(range(first % stride, len(raw), stride)) | {len(raw)})

    def framed(self, newline: bytes) -> bytes:
        """The same with other line ends, and with other than LF each event's data in two lines, as SSE allows."""
        if newline == b"\n":
            return self.raw
        folded = [event.replace(b',"', b',\ndata: "', 1) for event in self.events]
        return b"".join(folded).replace(b"\n", newline)


@cache
def recording(name: str) -> Recording:
    """The recording of a backend, made once in a process."""
    backend = next(row for row in BACKENDS if row.name == name)
    # A test's own event loop is running: this one lives and ends in a thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_recorded(backend))).result()


async def _recorded(backend: BackendUnderTest) -> Recording:
    """Let the provider ask, then ask the same over a bare connection."""
    with backend.emulator() as emulator:
        session = await Session(backend, emulator).mount(backend.settings(emulator, reasoning_summary="auto"))
        emulator.script(TURN, TURN)
        await session.ask("hello")
        asked = emulator.model_requests[0]
        headers = {key: value for key, value in asked.headers.items() if key not in {"host", "content-length"}}
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
        connection.request("POST", f"{asked.path}?{asked.query}".rstrip("?"), asked.raw_body, headers)
        raw = connection.getresponse().read()
        connection.close()
        await session.cleanup()
        prefix = emulator.base_url.removeprefix(emulator.origin)
    events = [_abridged(event) for event in raw.split(b"\n\n") if event]
    return Recording(tuple(event for event in events if event), prefix)


def _abridged(event: bytes) -> bytes:
    """An event with its long fields shortened; empty if it is left out."""
    document = _document(event)
    return b"" if document["type"] in _LEFT_OUT else _framed(_short(document))


def _document(event: bytes) -> dict[str, Any]:
    return json.loads(event.partition(b"data: ")[2])


def _framed(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return f"event: {document['type']}\ndata: {text}\n\n".encode()


def _short(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            kept = {name for name in value if name != "obfuscation"}
            if key == "response":
                kept &= _KEPT
            return {name: _short(each, name) for name, each in value.items() if name in kept}
        case list():
            return [_short(each) for each in value]
        case str() if key in {"id", "item_id", "call_id"}:
            return value[:_LONGEST_ID]
        case str() if key == "encrypted_content":
            return value[:_LONGEST_CIPHERTEXT]
        case _:
            return value
