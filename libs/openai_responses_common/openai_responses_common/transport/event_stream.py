"""The events of a response body."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from ..failures.failure import CallFailure, Failure
from ..wire.json_values import as_object, loads
from ..wire.sse import MalformedEvent, SseDecoder
from ..wire.types import TERMINAL_STATUS, Event


async def read_events(chunks: AsyncIterator[bytes], headers: Mapping[str, str]) -> AsyncGenerator[list[Event], None]:
    """The events of a response body; one batch per read.

    A server that does not stream answers with the whole response as JSON, which is its terminal event.
    """
    if headers.get("content-type", "").startswith("application/json"):
        yield [_read_json_response(b"".join([chunk async for chunk in chunks]))]
        return
    decoder = SseDecoder()
    try:
        async for chunk in chunks:
            yield decoder.feed(chunk)
        yield decoder.finish()
    except MalformedEvent as error:
        raise CallFailure(Failure(kind="stream", message=f"the stream is broken: {error}")) from error


def _read_json_response(content: bytes) -> Event:
    try:
        response = loads(content)
    except ValueError as error:
        raise CallFailure(Failure(kind="stream", message=f"the response is not JSON: {error}")) from error
    body = as_object(response)
    if "error" in body and "output" not in body and "status" not in body:
        return {"type": "error", "error": body["error"]}
    if "output" not in body:
        raise CallFailure(Failure(kind="stream", message="the service answered with JSON that is no response"))
    status = str(body.get("status") or "completed")
    kind = next((kind for kind, implied in TERMINAL_STATUS.items() if implied == status), "response.failed")
    return {"type": kind, "response": body}
