"""The way over WebSocket: a request whose beginning the service remembers sends only what is new.

A failure after the first event of a response is the failure that it would be over HTTP. `_websocket_request` says what
becomes of one before it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from amplifier_core.llm_errors import AbortError

from ..failures.failure import CallFailure, Failure, scrub_failure
from ..installation import importing
from ..wire.request_body import RequestBody
from ..wire.types import Event
from ._client_per_loop import ClientPerLoop
from ._frame_decoder import FrameDecoder
from ._read_ahead import ReadAhead
from ._silence import StreamTimeout
from ._websocket_errors import ConnectionLost, UpgradeRefused, WebSocketUnavailable
from ._websocket_pool import WebSocketPool
from ._websocket_refusals import REFUSALS
from .base import Endpoint, Reply, SwitchListener
from .credential import CredentialAtHand, Headers, Lease

if TYPE_CHECKING:
    from ._websocket_connection import ConnectionKey, WebSocketConnection
    from ._websocket_request import StartedResponse

T = TypeVar("T")

OMITTED_FIELDS = frozenset({"stream", "background"})
"""What a frame leaves out of a body, because a WebSocket always streams. Source: the API's guide, seen 2026-11-30."""

_REFUSED_CREDENTIAL = frozenset({401, 403})


class WebSocketTransport:
    """Sends requests over WebSocket, which `SwitchingTransport` asks of it.

    Args:
        endpoint: the endpoint, with what identifies the caller at an upgrade.
        omitted_fields: the fields of a body that a frame leaves out. The default is `OMITTED_FIELDS`.
    """

    def __init__(self, endpoint: Endpoint, *, omitted_fields: Collection[str] = OMITTED_FIELDS) -> None:
        self.endpoint = endpoint
        self._omitted_fields = omitted_fields
        self._pools = ClientPerLoop(self._prepare_pool, self._close_pool, self._abandon_pool)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint!r})"

    @property
    def address(self) -> str:
        """Return the address of the service."""
        return f"{self.endpoint.base_url.rstrip('/')}/responses"

    def note_refusal(self, status: int | None) -> bool:
        """Note that the service opens no WebSocket here. Returns whether that is news.

        Args:
            status: the status of its refusal. One that refuses a credential counts for this account only.
        """
        return REFUSALS.add(self.endpoint.origin if status in _REFUSED_CREDENTIAL else self.address)

    def is_refused(self) -> bool:
        """Return whether the service opened no WebSocket in the last minutes."""
        return REFUSALS.is_known(self.address) or REFUSALS.is_known(self.endpoint.origin)

    async def warm_up(self) -> None:
        """Build the session; see `Transport.warm_up`."""
        await self._pools.get()

    async def connect_ahead(self) -> None:
        """Open a WebSocket; see `Transport.connect_ahead`. A refusal is left to the first request, which reports it.

        Without a credential at hand, only the connection is opened over which the upgrade will travel.
        """
        pool = await self._pools.get()
        from ._connect_ahead import connect_ahead, has_proxy
        from .aiohttp_session import CONNECT_TIMEOUT_S

        credential = self.endpoint.credential
        lease = credential.lease_at_hand() if isinstance(credential, CredentialAtHand) else None
        if lease is None:
            await connect_ahead(pool.session, self.endpoint.base_url)
        elif pool.has_room and not self.is_refused() and not await has_proxy(self.endpoint.base_url):
            await self._use(pool, lambda: self._open_ahead(pool, lease, CONNECT_TIMEOUT_S))

    @asynccontextmanager
    async def open(
        self,
        body: RequestBody,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        on_switch: SwitchListener | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """Send a body; see `Transport.open`.

        Raises:
            WebSocketUnavailable: the request has not been answered, and has to travel over HTTP.
        """
        pool = await self._pools.get()
        response = await self._start(pool, body, headers or {}, timeout_s, on_switch)
        decoder = FrameDecoder()
        batches = self._read_batches(pool, response, decoder, timeout_s)
        try:
            yield Reply(headers=response.headers, batches=batches)
        finally:
            try:
                await batches.aclose()
            finally:  # a cancellation meanwhile must not leave the connection behind
                await self._end(pool, response.connection, decoder, body)

    async def close(self) -> None:
        """Close the connections of this loop, which ends their requests; see `Transport.close`."""
        await self._pools.close()

    def _prepare_pool(self) -> Callable[[], WebSocketPool]:
        with importing():
            import_module("._websocket_request", __package__)
            from .aiohttp_session import prepare_session

        build_session = prepare_session(self.endpoint)
        return lambda: WebSocketPool(build_session())

    async def _close_pool(self, pool: WebSocketPool) -> None:
        from .aiohttp_session import close_session

        await pool.close()
        await close_session(pool.session)

    def _abandon_pool(self, pool: WebSocketPool) -> None:
        from .aiohttp_session import abandon_session

        pool.abandon()
        abandon_session(pool.session)

    async def _open_ahead(self, pool: WebSocketPool, lease: Lease, timeout_s: float) -> None:
        """Open a connection for the first request of this account.

        Raises:
            CallFailure: the service opens none.
        """
        from ._websocket_connection import ConnectionKey

        key = ConnectionKey(account=self.endpoint.credential.account, headers={})
        try:
            connection = await self._connect(pool, key, lease.headers, timeout_s)
        except UpgradeRefused as refused:
            failure = refused.failure
        else:
            if pool.has_room and self._pools.is_current(pool):
                pool.add(connection)
            else:
                await connection.close()
            return
        raise CallFailure(failure)

    def _connect(
        self, pool: WebSocketPool, key: ConnectionKey, headers: Headers, timeout_s: float
    ) -> Awaitable[WebSocketConnection]:
        from ._websocket_connection import connect

        url = f"{self.address}?{urlencode(self.endpoint.query)}" if self.endpoint.query else self.address
        return connect(pool.session, url, key, headers, endpoint=self.endpoint, timeout_s=timeout_s)

    async def _start(
        self,
        pool: WebSocketPool,
        body: RequestBody,
        headers: Headers,
        timeout_s: float,
        on_switch: SwitchListener | None,
    ) -> StartedResponse:
        from ._websocket_request import WebSocketRequest

        request = WebSocketRequest(
            pool,
            lambda key, all_headers: self._connect(pool, key, all_headers, timeout_s),
            body,
            headers,
            can_open=not self.is_refused(),
            omitted_fields=self._omitted_fields,
            timeout_s=timeout_s,
            on_switch=on_switch,
        )
        return await self._use(pool, lambda: request.start(self.endpoint.credential))

    async def _read_batches(
        self, pool: WebSocketPool, response: StartedResponse, decoder: FrameDecoder, timeout_s: float
    ) -> AsyncGenerator[list[Event], None]:
        frames = response.connection.read_frames(response.frames)
        async with ReadAhead(frames, decoder, read_timeout_s=timeout_s) as ahead:

            async def take_batch() -> list[Event]:
                decoder.raise_fault()
                return await ahead.take_batch()

            while batch := await self._use(pool, take_batch):
                yield batch

    async def _end(
        self, pool: WebSocketPool, connection: WebSocketConnection, decoder: FrameDecoder, body: RequestBody
    ) -> None:
        """Keep the connection of a response that is complete, and close any other."""
        if decoder.is_complete and not decoder.has_failed and self._pools.is_current(pool):
            connection.last_response = decoder.build_last_response(body)
            pool.give_back(connection)
        else:
            pool.give_up()
            await connection.close()

    async def _use(self, pool: WebSocketPool, operation: Callable[[], Awaitable[T]]) -> T:
        """Do something with a connection, and raise its errors as failures."""
        unavailable: WebSocketUnavailable | None = None
        try:
            return await operation()
        except CallFailure as raised:
            failure = raised.failure
        except WebSocketUnavailable as error:
            unavailable, failure = error, Failure(kind="network", message=error.reason)
        except StreamTimeout as silence:
            failure = Failure(kind="timeout", message=str(silence))
        except ConnectionLost as lost:
            failure = Failure(kind="stream", message=f"the connection broke off ({lost.reason})")
        except RuntimeError as refused:  # a session that has been closed meanwhile opens no connection
            if self._pools.is_current(pool):
                raise
            failure = Failure(kind="network", message=str(refused))
        if not self._pools.is_current(pool):  # a retry would open again what a host has just closed
            raise AbortError("the provider was closed during this call")
        if unavailable is not None:
            raise unavailable
        raise CallFailure(scrub_failure(failure, self.endpoint.credential.scrub))
