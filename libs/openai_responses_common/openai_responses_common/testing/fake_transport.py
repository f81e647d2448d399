"""A transport without a network: it plays scripted replies and records the requests."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ..failures.failure import CallFailure, Failure
from ..transport.base import Document, Reply, SwitchListener, TransportChoice
from ..wire.request_body import RequestBody
from ..wire.types import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeReply:
    """A reply that a fake transport plays.

    Attributes:
        batches: the events, as one read after another brings them.
        headers: of the response, with names in lower case. The default is none.
        failure: what ends the reply after its events. None, the default, if it ends normally.
    """

    batches: Sequence[Sequence[Event]]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request that a fake transport received.

    Attributes:
        body: the JSON object.
        headers: of this request alone.
        timeout_s: the timeout, in seconds.
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    timeout_s: float


class FakeTransport:
    """Plays one scripted reply or failure for each request; see `Transport`.

    Args:
        script: the replies and failures in their order. A request beyond them is an `AssertionError`.
        documents: what `fetch` and `post_document` return or raise for a path. Another path is HTTP status 404.
        origin: see `Transport.origin`.

    Attributes:
        requests: the requests, in their order.
        open_replies: the number of replies whose context has not been left.
        cancelled_ids: the ids of the responses that were to be cancelled.
    """

    def __init__(
        self,
        *script: FakeReply | Failure,
        documents: Mapping[str, Document | Failure] | None = None,
        origin: str = "fake-origin",
    ) -> None:
        self.origin = origin
        self.requests: list[SentRequest] = []
        self.open_replies = 0
        self.cancelled_ids: list[str] = []
        self._script = list(script)
        self._documents = dict(documents or {})

    async def prepare(self) -> None:
        """Do nothing: the origin is an attribute."""

    async def warm_up(self, choice: TransportChoice = "auto") -> None:
        """Do nothing: there is no client."""

    async def connect_ahead(self, choice: TransportChoice = "auto") -> None:
        """Do nothing: there is no connection."""

    @asynccontextmanager
    async def open(
        self,
        body: RequestBody,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        choice: TransportChoice = "auto",
        on_switch: SwitchListener | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """Record the request and play the next part of the script."""
        self.requests.append(
            SentRequest(body=json.loads(body.content()), headers=dict(headers or {}), timeout_s=timeout_s)
        )
        assert self._script, "the script of the fake transport has no reply for this request"
        reply = self._script.pop(0)
        if isinstance(reply, Failure):
            raise CallFailure(reply)
        batches = _play_batches(reply)
        self.open_replies += 1
        try:
            yield Reply(headers=reply.headers, batches=batches)
        finally:
            self.open_replies -= 1
            await batches.aclose()

    @asynccontextmanager
    async def resume(self, response_id: str, *, after: int | None, timeout_s: float) -> AsyncGenerator[Reply, None]:
        """Play the next part of the script."""
        async with self.open(RequestBody({"response": response_id, "after": after}), timeout_s=timeout_s) as reply:
            yield reply

    async def cancel(self, response_id: str, *, timeout_s: float) -> None:
        """Record the id."""
        self.cancelled_ids.append(response_id)

    def scrub(self, text: str) -> str:
        """Return the text as it is: there is no credential."""
        return text

    async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
        """Return or raise what `documents` holds for the path."""
        document = self._documents.get(path, Failure(kind="status", status=404, message=f"no document at {path}"))
        if isinstance(document, Failure):
            raise CallFailure(document)
        return Document(etag=etag, unchanged=True) if etag and etag == document.etag else document

    async def post_document(
        self, path: str, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Document:
        """Record the request, and return or raise what `documents` holds for the path."""
        self.requests.append(SentRequest(body=json.loads(content), headers=dict(headers or {}), timeout_s=timeout_s))
        return await self.fetch(path, timeout_s=timeout_s)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


async def _play_batches(reply: FakeReply) -> AsyncGenerator[list[Event], None]:
    for batch in reply.batches:
        yield [dict(event) for event in batch]
    if reply.failure is not None:
        raise CallFailure(reply.failure)


def build_body() -> RequestBody:
    """Return a short body: one question to the model `m`."""
    return RequestBody({"model": "m"}, [{"type": "message", "role": "user", "content": "hello"}])


def build_text_reply(*deltas: str) -> FakeReply:
    """Return a reply in which the model writes a text, each delta in a separate batch."""
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    done: dict[str, Any] = {**message, "content": [{"type": "output_text", "text": "".join(deltas), "annotations": []}]}
    usage = {"input_tokens": 1, "output_tokens": len(deltas), "total_tokens": 1 + len(deltas)}
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [done],
        "usage": usage,
    }
    position = {"output_index": 0, "item_id": "msg_1"}
    return FakeReply(
        batches=[
            [{"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}}],
            *(
                [{"type": "response.output_text.delta", **position, "content_index": 0, "delta": delta}]
                for delta in deltas
            ),
            [
                {"type": "response.output_item.done", "output_index": 0, "item": done},
                {"type": "response.completed", "response": response},
            ],
        ]
    )
