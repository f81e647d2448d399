"""How a body reaches a service and its events come back, whatever carries them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..wire.types import Event
from .credential import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that has begun: headers (names in lower case), and events, batched as one read brought them."""

    headers: Mapping[str, str]
    batches: AsyncIterator[list[Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON document; `unchanged`, and without a body, where it is still the one that was asked about."""

    body: Any = None
    etag: str | None = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to, as whom, and what goes along with every request.

    Attributes:
        base_url: what paths such as `/responses` are put behind.
        credential: who calls.
        headers: further headers.
        query: parameters of every address.
    """

    base_url: str
    credential: Credential
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def origin(self) -> str:
        """A digest that names the account and endpoint without giving either away."""
        parts = (self.base_url.rstrip("/").lower(), self.credential.account)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class Transport(Protocol):
    """One way to one account at one endpoint.

    Failures come out as `CallFailure`, those of the credential as the kernel's own errors. Nothing is retried here but
    a call whose credential was refused, once, with a renewed one; no redirect is followed.
    """

    @property
    def origin(self) -> str:
        """Names the account and endpoint without giving either away; ciphertext is bound to it."""
        ...

    async def prepare(self) -> None:
        """Find out who calls, so that `origin` is true; sends nothing.

        Raises:
            LLMError: nobody is signed in.
        """
        ...

    def open(
        self, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a request body and give the answer; leaving the context always closes the exchange.

        Args:
            content: the body as JSON.
            timeout_s: the longest silence.
            headers: of this request alone.
        """
        ...

    def scrub(self, text: str) -> str:
        """The text without the credential, should somebody have echoed it."""
        ...

    async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
        """GET a JSON document below the endpoint.

        Args:
            path: behind the endpoint's base URL.
            timeout_s: the longest silence.
            etag: of the document that is there already; where that can be asked it is not sent again.
        """
        ...

    async def close(self) -> None:
        """Close every connection; safe at any time, and the transport may be used again."""
        ...
