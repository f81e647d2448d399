"""The transport over HTTP.

Every failure is raised as a `CallFailure` outside the `except` block that caught the exception of the session. That
exception holds the request, and the request holds the credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode

from amplifier_core.llm_errors import AbortError

from ..failures.failure import CallFailure, Failure, scrub_failure
from ..installation import importing
from ..wire.request_body import RequestBody
from ..wire.types import Event
from ._client_per_loop import ClientPerLoop
from ._read_ahead import EventDecoder
from ._silence import StreamTimeout
from .base import Document, Endpoint, Reply, SwitchListener, TransportChoice
from .body_decoder import build_body_decoder
from .credential import Headers, send_with_credential

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

# The response is complete with its terminal event. Reading the rest of the body only lets the connection be reused.
_DRAIN_TIMEOUT_S = 0.2


class HttpTransport:
    """Sends requests through `aiohttp`, which is imported when the first session is built; see `Transport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._sessions = ClientPerLoop(self._prepare_session, self._close_session, self._abandon_session)
        self._open_responses: dict[aiohttp.ClientResponse, aiohttp.ClientSession] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint!r})"

    @property
    def origin(self) -> str:
        return self.endpoint.origin

    async def prepare(self) -> None:
        """See `Transport.prepare`."""
        await self.endpoint.credential.prepare()

    async def warm_up(self, choice: TransportChoice = "auto") -> None:
        """Build the session; see `Transport.warm_up`."""
        await self._sessions.get()

    async def connect_ahead(self, choice: TransportChoice = "auto") -> None:
        """Open a connection, or none; see `Transport.connect_ahead`."""
        session = await self._sessions.get()
        from ._connect_ahead import connect_ahead

        await self._use(session, lambda: connect_ahead(session, self.endpoint.base_url))

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
        is_background = body.fields.get("background") is True
        return self.open_content(body.content(), timeout_s=timeout_s, headers=headers, keeps_echoes=is_background)

    def resume(self, response_id: str, *, after: int | None, timeout_s: float) -> AbstractAsyncContextManager[Reply]:
        """Read on in the stream of a response; see `Transport.resume`."""
        query = {"stream": "true"} if after is None else {"stream": "true", "starting_after": str(after)}
        url = self._build_url(f"responses/{quote(response_id, safe='')}", query)

        async def send(headers: Headers) -> tuple[aiohttp.ClientSession, aiohttp.ClientResponse]:
            session = await self._sessions.get()
            from ._aiohttp_requests import get_stream

            return session, await self._use(session, lambda: get_stream(session, url, headers, timeout_s=timeout_s))

        return self._open_reply(send, timeout_s=timeout_s, keeps_echoes=True)

    async def cancel(self, response_id: str, *, timeout_s: float) -> None:
        """Cancel a response; see `Transport.cancel`."""
        path = f"responses/{quote(response_id, safe='')}/cancel"
        _, response = await send_with_credential(
            self.endpoint.credential, lambda headers: self._post(path, b"", headers, timeout_s)
        )
        response.close()

    def open_content(
        self,
        content: bytes,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        keeps_echoes: bool = False,
    ) -> AbstractAsyncContextManager[Reply]:
        """Send the bytes of a body, which the headers may call compressed; see `Transport.open`."""

        def send(credential_headers: Headers) -> Awaitable[tuple[aiohttp.ClientSession, aiohttp.ClientResponse]]:
            return self._post("responses", content, {**(headers or {}), **credential_headers}, timeout_s)

        return self._open_reply(send, timeout_s=timeout_s, keeps_echoes=keeps_echoes)

    @asynccontextmanager
    async def _open_reply(
        self,
        send: Callable[[Headers], Awaitable[tuple[aiohttp.ClientSession, aiohttp.ClientResponse]]],
        *,
        timeout_s: float,
        keeps_echoes: bool,
    ) -> AsyncGenerator[Reply, None]:
        """Send with the credential, and yield the reply."""
        session, response = await send_with_credential(self.endpoint.credential, send)
        from ._aiohttp_requests import join_headers

        response_headers = join_headers(response.headers)
        decoder = build_body_decoder(response_headers, keeps_echoes=keeps_echoes)
        batches = self._read_batches(session, response, decoder, timeout_s)
        self._open_responses[response] = session
        try:
            yield Reply(headers=response_headers, batches=batches)
            await _drain_batches(batches)
        finally:
            self._open_responses.pop(response, None)
            response.close()  # first, because nothing can keep it from happening
            await batches.aclose()

    def scrub(self, text: str) -> str:
        """See `Transport.scrub`."""
        return self.endpoint.credential.scrub(text)

    async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
        """Get a JSON document; see `Transport.fetch`."""

        async def send(headers: Headers) -> Document:
            session = await self._sessions.get()
            from ._aiohttp_requests import get

            all_headers = {**headers, "If-None-Match": etag} if etag else headers
            url = self._build_url(path)
            return await self._use(session, lambda: get(session, url, all_headers, timeout_s=timeout_s))

        return await send_with_credential(self.endpoint.credential, send)

    async def post_document(
        self, path: str, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Document:
        """Send a JSON object; see `Transport.post_document`."""

        async def send(credential_headers: Headers) -> Document:
            session = await self._sessions.get()
            from ._aiohttp_requests import post_document

            url, all_headers = self._build_url(path), {**(headers or {}), **credential_headers}
            return await self._use(
                session, lambda: post_document(session, url, content, all_headers, timeout_s=timeout_s)
            )

        return await send_with_credential(self.endpoint.credential, send)

    async def close(self) -> None:
        """Close the session of this loop, which ends its requests; see `Transport.close`."""
        await self._sessions.close()

    def _prepare_session(self) -> Callable[[], aiohttp.ClientSession]:
        with importing():
            import_module("._aiohttp_requests", __package__)  # here, because this is a thread
            from .aiohttp_session import prepare_session

        return prepare_session(self.endpoint)

    async def _close_session(self, session: aiohttp.ClientSession) -> None:
        from .aiohttp_session import close_session

        # A session that closes its connections does not wake the readers of its responses.
        for response, owner in list(self._open_responses.items()):
            if owner is session:
                response.close()
        await close_session(session)

    def _abandon_session(self, session: aiohttp.ClientSession) -> None:
        from .aiohttp_session import abandon_session

        abandon_session(session)

    def _build_url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        url = f"{self.endpoint.base_url.rstrip('/')}/{path.lstrip('/')}"
        all_parameters = {**self.endpoint.query, **(query or {})}
        return f"{url}?{urlencode(all_parameters)}" if all_parameters else url

    async def _post(
        self, path: str, content: bytes, headers: Headers, timeout_s: float
    ) -> tuple[aiohttp.ClientSession, aiohttp.ClientResponse]:
        session = await self._sessions.get()
        from ._aiohttp_requests import post

        url = self._build_url(path)
        return session, await self._use(session, lambda: post(session, url, content, headers, timeout_s=timeout_s))

    async def _read_batches(
        self,
        session: aiohttp.ClientSession,
        response: aiohttp.ClientResponse,
        decoder: EventDecoder[bytes],
        timeout_s: float,
    ) -> AsyncGenerator[list[Event], None]:
        from ._aiohttp_requests import BodyReader

        async with BodyReader(response, decoder, timeout_s=timeout_s) as reader:
            while batch := await self._use(session, reader.take_batch, response_started=True):
                yield batch

    async def _use(
        self, session: aiohttp.ClientSession, operation: Callable[[], Awaitable[T]], *, response_started: bool = False
    ) -> T:
        """Do something with a session, and raise its errors as failures."""
        from .aiohttp_session import error_types, read_failure

        try:
            return await operation()
        except CallFailure as raised:
            failure = raised.failure
        except StreamTimeout as silence:
            failure = Failure(kind="timeout", message=str(silence))
        except error_types() as error:
            failure = read_failure(error, self.endpoint, response_started=response_started)
        except RuntimeError as refused:  # a session that has been closed meanwhile refuses to send
            if self._sessions.is_current(session):
                raise
            failure = Failure(kind="network", message=str(refused))
        if not self._sessions.is_current(session):  # a retry would open again what a host has just closed
            raise AbortError("the provider was closed during this call")
        raise CallFailure(scrub_failure(failure, self.scrub))


async def _drain_batches(batches: AsyncGenerator[list[Event], None]) -> None:
    # The response is complete, so neither a fault in the rest nor a provider that is closed meanwhile matters.
    with suppress(TimeoutError, CallFailure, AbortError):
        async with asyncio.timeout(_DRAIN_TIMEOUT_S):
            async for _ in batches:
                pass
