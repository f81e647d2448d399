"""Transport over the `openai` SDK's client, as bytes both ways.

The SDK does what a client library is for: auth, base URL, proxies, TLS, the connection pool, error statuses. Its typed
parameters and events stay off the hot path: they cost half a millisecond per input item and many times the reading of
the stream (measured with openai 3.52). The SDK is imported when the first client is built, in a worker thread.

Every failure leaves as a `CallFailure` raised outside the `except` block that caught it: the SDK's exceptions hold the
request, and the request holds the credential.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .failure import CallFailure, Failure, failure_from_status, scrubbed
from .transport import Reply, read_events
from .wire import Event

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

T = TypeVar("T")

# The answer is complete with its terminal event; reading on to the end of the body only lets the connection be reused.
_DRAIN_S = 0.2
_CONNECT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkAccount:
    """Where to and as whom.

    `api_key` None means that no key is known; `needs_key` says whether the endpoint can be called without one.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    needs_key: bool = True
    organization: str | None = None
    project: str | None = None

    @property
    def origin(self) -> str:
        """A digest that names the account and endpoint without giving either away."""
        parts = (self.base_url.rstrip("/").lower(), self.api_key or "", self.organization or "", self.project or "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    building: asyncio.Future[AsyncOpenAI]
    holder: AsyncGenerator[None, None]


async def _until_closed(building: asyncio.Future[AsyncOpenAI]) -> AsyncGenerator[None, None]:
    """Closes a client when it is closed itself, which a loop does with every generator as it ends: hosts that run one
    loop per step leave no connection behind."""
    try:
        yield
    finally:
        built = (await asyncio.gather(building, return_exceptions=True))[0]
        if not isinstance(built, BaseException):
            await built.close()


class SdkTransport:
    """One account; a client per event loop, because a client belongs to the loop that made it."""

    def __init__(self, account: SdkAccount) -> None:
        self._account = account
        self._clients: dict[asyncio.AbstractEventLoop, _Held] = {}

    def __repr__(self) -> str:
        return f"SdkTransport({self._account!r})"

    @property
    def origin(self) -> str:
        return self._account.origin

    @asynccontextmanager
    async def open(self, content: bytes, *, timeout_s: float) -> AsyncGenerator[Reply, None]:
        """Send a body; see `Transport.open`."""
        client = await self._client()
        response = await self._guarded(lambda: _post(client, content, timeout_s))
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
        key = self._account.api_key
        return text.replace(key, "[REDACTED]") if key else text

    async def fetch(self, path: str, *, timeout_s: float) -> Any:
        """GET JSON; see `Transport.fetch`."""
        client = await self._client()
        return await self._guarded(lambda: client.get(path, cast_to=object, options={"timeout": timeout_s}))

    async def close(self) -> None:
        """Close this loop's client; see `Transport.close`."""
        held = self._clients.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held.holder.aclose()

    async def _client(self) -> AsyncOpenAI:
        if self._account.needs_key and not self._account.api_key:
            raise CallFailure(Failure(kind="status", status=401, code="invalid_api_key", message="no API key is set"))
        for loop in [loop for loop in self._clients if loop.is_closed()]:
            del self._clients[loop]
        loop = asyncio.get_running_loop()
        held = self._clients.get(loop)
        if held is None or (held.building.done() and held.building.exception()):
            building = loop.run_in_executor(None, _build, self._account)
            held = self._clients[loop] = _Held(building=building, holder=_until_closed(building))
            await anext(held.holder)
        return await asyncio.shield(held.building)

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
            failure = Failure(kind="network", message=f"cannot reach {self._account.base_url}: {_cause(error)}")
        except httpx2.TimeoutException:
            failure = Failure(kind="timeout", message="the service fell silent in the middle of its answer")
        except httpx2.HTTPError as error:
            failure = Failure(kind="stream", message=f"the connection broke off: {_cause(error)}")
        raise CallFailure(scrubbed(failure, self.scrub))


async def _post(client: AsyncOpenAI, content: bytes, timeout_s: float) -> httpx2.Response:
    import httpx2

    silence = httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S), pool=None)
    return await client.post(
        "/responses", cast_to=httpx2.Response, content=content, stream=True, options={"timeout": silence}
    )


async def _drain(batches: AsyncGenerator[list[Event], None]) -> None:
    with suppress(TimeoutError, CallFailure):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in batches:
                pass


def _build(account: SdkAccount) -> AsyncOpenAI:
    """Import the SDK and make a client: hundreds of milliseconds, which is why it runs in a thread."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

    return AsyncOpenAI(
        base_url=account.base_url,
        api_key=account.api_key or "none",
        organization=account.organization,
        project=account.project,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        default_headers=None if account.api_key else cast(dict[str, str], {"Authorization": Omit()}),
    )


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
