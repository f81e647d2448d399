"""The transport over HTTP, through any client library that has the functions of `ClientLibrary`.

Every failure is raised as a `CallFailure` outside the `except` block that caught the library's exception. That
exception holds the request, and the request holds the credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar, cast

from amplifier_core.llm_errors import AbortError

from ..failures.connections import describe_connection_error
from ..failures.failure import CallFailure, Failure, scrub_failure
from ..wire.request_body import RequestBody
from ..wire.types import Event
from ._client_per_loop import ClientPerLoop
from ._read_ahead import EventDecoder, ReadAhead, StreamTimeout
from .base import Document, Endpoint, Reply, SwitchListener, TransportChoice
from .body_decoder import build_body_decoder
from .credential import Headers, send_with_credential
from .http_client import read_headers

C = TypeVar("C")
T = TypeVar("T")

# The response is complete with its terminal event. Reading the rest of the body only lets the connection be reused.
_DRAIN_TIMEOUT_S = 0.2
# Both HTTP libraries raise an error for it if the proxy leads to an `https` address.
_PROXY_LOGIN_REQUIRED = 407

CONNECT_TIMEOUT_S = 30.0
"""The longest wait for a connection, in seconds, even if the timeout is longer."""


NO_RESPONSE = "timed out: the service did not begin to respond in time (setting 'timeout')"
INTERRUPTED_RESPONSE = "timed out: the service stopped in the middle of its response (setting 'timeout')"


class HttpResponse(Protocol):
    """A response whose body has not been read yet."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def aiter_bytes(self) -> AsyncIterator[bytes]: ...

    def aiter_raw(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class ClientLibrary(Protocol[C]):
    """What a transport needs of a client library. An implementation imports the library when it first uses it."""

    def build(self, endpoint: Endpoint) -> C:
        """Return a new client that follows no redirect and retries nothing; may block.

        Raises:
            ConfigurationError: the proxies or certificates of the environment cannot be used.
        """
        ...

    async def close(self, client: C) -> None:
        """Close a client and its connections."""
        ...

    async def post(self, client: C, content: bytes, headers: Headers, *, timeout_s: float) -> HttpResponse:
        """Send a body to `/responses`. An error response raises one of `error_types()`, or `CallFailure`."""
        ...

    async def get(self, client: C, path: str, headers: Headers, *, timeout_s: float) -> Document:
        """Get a JSON document. An error response raises the same as in `post`."""
        ...

    def error_types(self) -> tuple[type[Exception], ...]:
        """Return the exceptions that a client and its connections raise; `connection_error_types` lists the latter."""
        ...

    def read_failure(self, error: Exception, endpoint: Endpoint, *, response_started: bool) -> Failure:
        """Return what an exception of a client means, without the request that it holds.

        Args:
            error: one of `error_types()`.
            endpoint: of the request.
            response_started: whether the headers of a response had arrived.
        """
        ...


class ClientTransport(Generic[C]):
    """Sends requests through a client library; see `Transport`."""

    def __init__(self, endpoint: Endpoint, library: ClientLibrary[C]) -> None:
        self.endpoint = endpoint
        self._library = library
        self._clients = ClientPerLoop(self._prepare_client, self._close_client)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint!r})"

    @property
    def origin(self) -> str:
        return self.endpoint.origin

    async def prepare(self) -> None:
        """See `Transport.prepare`."""
        await self.endpoint.credential.prepare()

    async def warm_up(self) -> None:
        """Build the client; see `Transport.warm_up`."""
        await self._clients.get()

    async def connect_ahead(self) -> None:
        """Do nothing; see `Transport.connect_ahead`."""

    def open(
        self,
        body: RequestBody,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        choice: TransportChoice = "auto",
        on_switch: SwitchListener | None = None,
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a body; see `Transport.open`."""
        return self.open_content(body.content(), timeout_s=timeout_s, headers=headers)

    @asynccontextmanager
    async def open_content(
        self, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Reply, None]:
        """Send the bytes of a body, which the headers may call compressed; see `Transport.open`."""

        async def send(credential_headers: Headers) -> tuple[C, HttpResponse]:
            client = await self._clients.get()
            all_headers = {**(headers or {}), **credential_headers}
            post = self._library.post
            return client, await self._call_client(
                client, lambda: post(client, content, all_headers, timeout_s=timeout_s)
            )

        client, response = await send_with_credential(self.endpoint.credential, send)
        response_headers = read_headers(response.headers)
        read = response.aiter_bytes if "content-encoding" in response_headers else response.aiter_raw
        # Both libraries return a generator, whatever they declare, and a generator has to be closed.
        chunks = cast(AsyncGenerator[bytes, None], read())
        batches = self._read_batches(client, chunks, build_body_decoder(response_headers), timeout_s)
        try:
            yield Reply(headers=response_headers, batches=batches)
            await _drain_batches(batches)
        finally:
            try:
                await batches.aclose()
            finally:  # a cancellation meanwhile must not leave the connection behind
                await _ignore_connection_errors(response.aclose(), self._library.error_types())

    def scrub(self, text: str) -> str:
        """See `Transport.scrub`."""
        return self.endpoint.credential.scrub(text)

    async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
        """Get a JSON document; see `Transport.fetch`."""

        async def send(headers: Headers) -> Document:
            client = await self._clients.get()
            all_headers = {**headers, "If-None-Match": etag} if etag else headers
            get = self._library.get
            return await self._call_client(client, lambda: get(client, path, all_headers, timeout_s=timeout_s))

        return await send_with_credential(self.endpoint.credential, send)

    async def close(self) -> None:
        """Close the client of this loop, which ends its requests; see `Transport.close`."""
        await self._clients.close()

    def _prepare_client(self) -> Callable[[], C]:
        client = self._library.build(self.endpoint)
        return lambda: client

    async def _close_client(self, client: C) -> None:
        await _ignore_connection_errors(self._library.close(client), self._library.error_types())

    async def _read_batches(
        self, client: C, chunks: AsyncGenerator[bytes, None], decoder: EventDecoder[bytes], timeout_s: float
    ) -> AsyncGenerator[list[Event], None]:
        async with ReadAhead(chunks, decoder, read_timeout_s=timeout_s) as ahead:
            while batch := await self._call_client(client, ahead.take_batch, response_started=True):
                yield batch

    async def _call_client(
        self, client: C, operation: Callable[[], Awaitable[T]], *, response_started: bool = False
    ) -> T:
        try:
            return await operation()
        except CallFailure as raised:
            failure = raised.failure
        except StreamTimeout as silence:
            failure = Failure(kind="timeout", message=str(silence))
        except self._library.error_types() as error:
            failure = self._library.read_failure(error, self.endpoint, response_started=response_started)
        except RuntimeError as refused:  # a client that has been closed meanwhile refuses to send
            if self._clients.is_current(client):
                raise
            failure = Failure(kind="network", message=str(refused))
        if not self._clients.is_current(client):  # a retry would open again what a session has just closed
            raise AbortError("the provider was closed during this call")
        raise CallFailure(scrub_failure(failure, self.scrub))


async def _drain_batches(batches: AsyncGenerator[list[Event], None]) -> None:
    # The response is complete, so neither a fault in the rest nor a provider that is closed meanwhile matters.
    with suppress(TimeoutError, CallFailure, AbortError):
        async with asyncio.timeout(_DRAIN_TIMEOUT_S):
            async for _ in batches:
                pass


async def _ignore_connection_errors(closing: Awaitable[None], error_types: tuple[type[Exception], ...]) -> None:
    """Close a response or a client. A connection that breaks while it is closed is closed, too."""
    with suppress(*error_types):
        await closing


def remove_read_timeout(extensions: MutableMapping[str, Any]) -> None:
    """Remove the read timeout of a request whose response has begun, because `ReadAhead` watches for silence.

    `timeout` is a documented extension of both HTTP libraries, which look at it again before they read the body
    (httpcore 1.0.9 and httpcore2 2.16.2).
    """
    if isinstance(limits := extensions.get("timeout"), dict):
        limits["read"] = None


def build_connection_failure(
    error: Exception, endpoint: Endpoint, *, response_started: bool, is_timeout: bool = False
) -> Failure:
    """Return the failure of a connection.

    Args:
        error: what the client raised.
        endpoint: of the request.
        response_started: whether the headers of a response had arrived.
        is_timeout: whether the service was silent for too long. The default is False; a `TimeoutError` counts anyway.
    """
    if is_timeout or isinstance(error, TimeoutError):
        return Failure(kind="timeout", message=INTERRUPTED_RESPONSE if response_started else NO_RESPONSE)
    if response_started:
        return Failure(kind="stream", message=describe_connection_error("the connection broke off", error))
    cause = error.__cause__ or error
    if type(cause).__name__ == "ProxyError" and str(cause).startswith(str(_PROXY_LOGIN_REQUIRED)):
        message = f"the proxy refused a connection to {endpoint.base_url}: {cause}"
        return Failure(kind="status", status=_PROXY_LOGIN_REQUIRED, message=message)
    return Failure(kind="network", message=describe_connection_error(f"cannot reach {endpoint.base_url}", error))


def describe_connect_timeout(endpoint: Endpoint) -> str:
    """Return the text for a connection that was not made in time.

    It names no setting, because a request waits at most `CONNECT_TIMEOUT_S` for its connection, however long the
    timeout is.
    """
    return f"timed out: cannot connect to {endpoint.base_url}"
