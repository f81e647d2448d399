"""Transport over the `openai` SDK's client, as bytes both ways.

The SDK does what a client library is for: proxies, TLS, the connection pool, error statuses. Its typed parameters and
events stay off the hot path: they cost half a millisecond per input item and many times the reading of the stream
(measured with openai 3.52). The SDK is imported when the first client is built, in a worker thread. What it would add
from its own environment variables (keys, organization, project, headers) is not sent: the endpoint says who calls.

Every failure leaves as a `CallFailure` raised outside the `except` block that caught it: the SDK's exceptions hold the
request, and the request holds the credential.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .clients import PerLoop
from .credential import Headers, authorized
from .failure import CallFailure, Failure, failure_from_status, scrubbed
from .transport import Endpoint, Reply, read_events
from .wire import Event

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

T = TypeVar("T")

# The answer is complete with its terminal event; reading on to the end of the body only lets the connection be reused.
_DRAIN_S = 0.2
_CONNECT_S = 30.0


class SdkTransport:
    """One account at one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._clients = PerLoop(self._build, lambda client: client.close())

    def __repr__(self) -> str:
        return f"SdkTransport({self.endpoint!r})"

    @property
    def origin(self) -> str:
        return self.endpoint.origin

    async def prepare(self) -> None:
        """See `Transport.prepare`."""
        await self.endpoint.credential.prepare()

    @asynccontextmanager
    async def open(self, content: bytes, *, timeout_s: float) -> AsyncGenerator[Reply, None]:
        """Send a body; see `Transport.open`."""

        async def send(headers: Headers) -> httpx2.Response:
            client = await self._clients.get()
            return await self._guarded(lambda: _post(client, content, headers, timeout_s))

        response = await authorized(self.endpoint.credential, send)
        headers = _lower(response.headers)
        batches = read_events(self._chunks(response), headers)
        try:
            yield Reply(headers=headers, batches=batches)
            await _drain(batches)
        finally:
            await batches.aclose()
            await response.aclose()

    def scrub(self, text: str) -> str:
        """See `Transport.scrub`."""
        return self.endpoint.credential.scrub(text)

    async def fetch(self, path: str, *, timeout_s: float) -> Any:
        """GET JSON; see `Transport.fetch`."""

        async def send(headers: Headers) -> Any:
            client = await self._clients.get()
            options: Any = {"timeout": timeout_s, "headers": headers}
            return await self._guarded(lambda: client.get(path, cast_to=object, options=options))

        return await authorized(self.endpoint.credential, send)

    async def close(self) -> None:
        """Close this loop's client; see `Transport.close`."""
        await self._clients.close()

    async def _chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes, None]:
        chunks = response.aiter_bytes()
        while (chunk := await self._guarded(lambda: anext(chunks, None))) is not None:
            yield chunk

    async def _guarded(self, operation: Callable[[], Awaitable[T]]) -> T:
        import httpx2
        import openai

        try:
            return await operation()
        except openai.APIStatusError as error:
            failure = failure_from_status(error.status_code, error.body, _lower(error.response.headers))
        except openai.APITimeoutError:
            failure = Failure(kind="timeout", message="the service did not answer in time")
        except openai.APIConnectionError as error:
            failure = Failure(kind="network", message=f"cannot reach {self.endpoint.base_url}: {_cause(error)}")
        except httpx2.TimeoutException:
            failure = Failure(kind="timeout", message="the service fell silent in the middle of its answer")
        except httpx2.HTTPError as error:
            failure = Failure(kind="stream", message=f"the connection broke off: {_cause(error)}")
        raise CallFailure(scrubbed(failure, self.scrub))

    def _build(self) -> AsyncOpenAI:
        """Import the SDK and make a client: hundreds of milliseconds, which is why it runs in a thread."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

        left_out = dict.fromkeys(
            [*_ambient_headers(), "Authorization", "OpenAI-Organization", "OpenAI-Project"], Omit()
        )
        headers = cast(dict[str, str], {**left_out, **self.endpoint.headers})
        return AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key="sent with each request",
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
            default_headers=headers,
            default_query=dict(self.endpoint.query),
        )


async def _post(client: AsyncOpenAI, content: bytes, headers: Headers, timeout_s: float) -> httpx2.Response:
    import httpx2

    silence = httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S), pool=None)
    options: Any = {"timeout": silence, "headers": headers}
    return await client.post("/responses", cast_to=httpx2.Response, content=content, stream=True, options=options)


async def _drain(batches: AsyncGenerator[list[Event], None]) -> None:
    with suppress(TimeoutError, CallFailure):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in batches:
                pass


def _ambient_headers() -> list[str]:
    """The names of the headers that the SDK takes from the environment. Source: openai 3.52, seen 2026-11-21."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    return [name.strip() for name, colon, _ in (line.partition(":") for line in lines) if colon]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
