"""The protocol of a transport: how a body reaches a service and how its events come back."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ..wire.request_body import RequestBody
from ..wire.types import Event
from .credential import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response that has begun.

    Attributes:
        headers: the response headers, with names in lower case.
        batches: the events. A batch holds those that arrived together, and is never empty.
    """

    headers: Mapping[str, str]
    batches: AsyncIterator[list[Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON document.

    Attributes:
        body: the document. None, the default, if it is unchanged.
        etag: the tag of this version. None, the default, if the service sends no tags.
        unchanged: whether it is the version whose tag the caller sent. The default is False.
    """

    body: Any = None
    etag: str | None = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The base URL, the credential and the fixed headers of a service.

    Attributes:
        base_url: the URL in front of paths such as `/responses`.
        credential: what identifies the caller.
        headers: further headers of every request. The default is none.
        query: query parameters of every request. The default is none.
    """

    base_url: str
    credential: Credential
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def origin(self) -> str:
        """Return a digest that identifies the account and the endpoint without revealing either."""
        parts = (self.base_url.rstrip("/").lower(), self.credential.account)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


TransportName: TypeAlias = Literal["http", "websocket"]
"""The ways on which a request can travel."""


TransportChoice: TypeAlias = Literal["auto", "http", "websocket"]
"""The way that the caller wants. `auto` leaves it to the transport."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSwitch:
    """A request that travels in another way than it should have, or over a new connection for a lost one.

    Attributes:
        from_transport: the way that failed.
        to_transport: the way that the request takes instead; the same one after a lost connection.
        reason: why, in words for the user.
    """

    from_transport: TransportName
    to_transport: TransportName
    reason: str


SwitchListener: TypeAlias = Callable[[TransportSwitch], None]
"""Takes the switches of one request. It must not raise."""


class Transport(Protocol):
    """Sends requests for one account to one endpoint.

    A failure is raised as `CallFailure`, an error of the credential as the kernel's own. A transport retries nothing
    but a request whose credential was refused, with a refreshed one, and follows no redirect.
    """

    @property
    def origin(self) -> str:
        """Return what identifies the account and the endpoint without revealing either; ciphertext is bound to it."""
        ...

    async def prepare(self) -> None:
        """Find the account, so that `origin` is correct; sends nothing.

        Raises:
            LLMError: no user is signed in.
        """
        ...

    async def warm_up(self, choice: TransportChoice = "auto") -> None:
        """Load what requests need and build the client; opens no connection.

        Args:
            choice: how the first request is to travel; see `open`. The default is "auto".

        Raises:
            LLMError: the client cannot be built. The first request raises the same.
        """
        ...

    async def connect_ahead(self, choice: TransportChoice = "auto") -> None:
        """Open a connection for the first request, if the service is asked directly; sends no request that costs.

        A connection through a proxy would send the proxy a request. One to a server without TLS is cheap, and only a
        WebSocket, which needs an upgrade, is opened there. An upgrade is sent only with a credential that is at hand,
        because no token is fetched ahead.

        Args:
            choice: how the first request is to travel; see `open`. The default is "auto".

        Raises:
            CallFailure: the service cannot be reached. The first request raises the same.
            LLMError: the client cannot be built.
        """
        ...

    def open(
        self,
        body: RequestBody,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        choice: TransportChoice = "auto",
        on_switch: SwitchListener | None = None,
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a request body and yield the reply; leaving the context always ends the request.

        Args:
            body: the whole body. A transport may send less of it if the service has the rest.
            timeout_s: the longest time, in seconds, to wait for the next data.
            headers: of this request alone. The default is none.
            choice: how the request is to travel. A transport that has one way only takes that.
            on_switch: gets each switch of this request. None, the default, if nobody asks.
        """
        ...

    def resume(self, response_id: str, *, after: int | None, timeout_s: float) -> AbstractAsyncContextManager[Reply]:
        """Yield the rest of the stream of a response that runs in the background, over HTTP.

        Args:
            response_id: its id.
            after: the `sequence_number` of the last event that was read. None begins with the first one.
            timeout_s: the longest time, in seconds, to wait for the next data.
        """
        ...

    async def cancel(self, response_id: str, *, timeout_s: float) -> None:
        """Cancel a response that runs in the background, over HTTP.

        Args:
            response_id: its id.
            timeout_s: the longest time, in seconds, to wait for the next data.
        """
        ...

    def scrub(self, text: str) -> str:
        """Return the text without the credential, which a service may have echoed."""
        ...

    async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
        """Get a JSON document of the endpoint.

        Args:
            path: the path below the base URL.
            timeout_s: the longest time, in seconds, to wait for the next data.
            etag: of the version that the caller has. A service that knows tags does not send that version again.
        """
        ...

    async def post_document(
        self, path: str, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Document:
        """Send a JSON object to another path than that of responses, and return the JSON document that comes back.

        Args:
            path: the path below the base URL.
            content: the object as UTF-8 JSON.
            timeout_s: the longest time, in seconds, to wait for the next data.
            headers: of this request alone. The default is none.
        """
        ...

    async def close(self) -> None:
        """Close every connection. May be called at any time; the transport can be used again."""
        ...
