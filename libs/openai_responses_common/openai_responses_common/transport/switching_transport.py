"""Chooses for each request whether it travels over HTTP or over WebSocket, and falls back to HTTP.

A turn is never lost to a WebSocket: what a service did not begin to answer there travels over HTTP. Each incident is
reported once. What HTTP shows too, such as a wrong key, is not an incident of a WebSocket.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from ..failures.failure import CallFailure
from ..wire.client_calls import is_host_item
from ..wire.request_body import RequestBody
from ._websocket_errors import WebSocketUnavailable
from .base import Document, Reply, SwitchListener, Transport, TransportChoice, TransportSwitch
from .websocket_transport import WebSocketTransport

# A user may add them with `extra_body`. Over WebSocket they are not known, or mean what our own field means there.
_HTTP_FIELDS = ("background", "previous_response_id", "conversation", "generate")


class SwitchingTransport:
    """Sends requests over two transports to one endpoint; see `Transport`.

    Args:
        http: the transport over HTTP. It also identifies the account and fetches documents.
        websocket: the way over WebSocket.
        prefers_websocket: whether `auto` takes the WebSocket from the second request of a conversation on. The default
            is False: `auto` is HTTP.

    Attributes:
        http: the transport over HTTP.
        websocket: the way over WebSocket.
        prefers_websocket: see above.
    """

    def __init__(self, http: Transport, websocket: WebSocketTransport, *, prefers_websocket: bool = False) -> None:
        self.http = http
        self.websocket = websocket
        self.prefers_websocket = prefers_websocket

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.http!r})"

    @property
    def origin(self) -> str:
        return self.http.origin

    async def prepare(self) -> None:
        """See `Transport.prepare`."""
        await self.http.prepare()

    async def warm_up(self, choice: TransportChoice = "auto") -> None:
        """See `Transport.warm_up`. By default the first request of a conversation travels over HTTP."""
        await (self.websocket if choice == "websocket" else self.http).warm_up()

    async def connect_ahead(self, choice: TransportChoice = "auto") -> None:
        """See `Transport.connect_ahead`."""
        await (self.websocket if choice == "websocket" else self.http).connect_ahead()

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
        """Send a body; see `Transport.open`."""
        unavailable: WebSocketUnavailable | None = None
        async with AsyncExitStack() as stack:
            if self._wants_websocket(body, choice):
                request = self.websocket.open(body, timeout_s=timeout_s, headers=headers, on_switch=on_switch)
                try:
                    reply = await stack.enter_async_context(request)
                except WebSocketUnavailable as error:
                    unavailable = error
                else:
                    yield reply
                    return
            if unavailable is not None and unavailable.is_certain():
                self._report(unavailable, on_switch)
                unavailable = None
            http_request = self.http.open(body, timeout_s=timeout_s, headers=headers, choice="http")
            try:
                reply = await stack.enter_async_context(http_request)
            except CallFailure as refusal:
                if unavailable is not None and not unavailable.is_explained_by(refusal.failure):
                    self._report(unavailable, on_switch)
                raise
            if unavailable is not None:
                self._report(unavailable, on_switch)
            yield reply

    def resume(self, response_id: str, *, after: int | None, timeout_s: float) -> AbstractAsyncContextManager[Reply]:
        """See `Transport.resume`."""
        return self.http.resume(response_id, after=after, timeout_s=timeout_s)

    async def cancel(self, response_id: str, *, timeout_s: float) -> None:
        """See `Transport.cancel`."""
        await self.http.cancel(response_id, timeout_s=timeout_s)

    def scrub(self, text: str) -> str:
        """See `Transport.scrub`."""
        return self.http.scrub(text)

    async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
        """Get a JSON document; see `Transport.fetch`."""
        return await self.http.fetch(path, timeout_s=timeout_s, etag=etag)

    async def post_document(
        self, path: str, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Document:
        """Send a JSON object; see `Transport.post_document`."""
        return await self.http.post_document(path, content, timeout_s=timeout_s, headers=headers)

    async def close(self) -> None:
        """Close the connections of this loop; see `Transport.close`."""
        try:
            await self.websocket.close()
        finally:
            await self.http.close()

    def _wants_websocket(self, body: RequestBody, choice: TransportChoice) -> bool:
        """Return whether a request is to travel over WebSocket.

        In a conversation the first request holds nothing that a model wrote. A single question so pays no upgrade.
        """
        if choice == "http" or body.fields.get("stream", True) is not True or any(map(body.fields.get, _HTTP_FIELDS)):
            return False
        return choice == "websocket" or (self.prefers_websocket and not all(map(is_host_item, body.items)))

    def _report(self, unavailable: WebSocketUnavailable, on_switch: SwitchListener | None) -> None:
        """Remember and report that a request travels over HTTP.

        No connection at all is not a refusal, although HTTP has one.
        """
        if not unavailable.reason:
            return
        is_news = True
        if unavailable.is_refused and not unavailable.is_unreachable:
            is_news = self.websocket.note_refusal(unavailable.failure.status if unavailable.failure else None)
        if is_news and on_switch is not None:
            on_switch(TransportSwitch(from_transport="websocket", to_transport="http", reason=unavailable.reason))
