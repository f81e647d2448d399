"""The protocol of a transport: how a body reaches a service and how its events come back."""

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

    def open(
        self, content: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a request body and yield the reply; leaving the context always ends the request.

        Args:
            content: the body as JSON.
            timeout_s: the longest time, in seconds, to wait for the next data.
            headers: of this request alone. The default is none.
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

    async def close(self) -> None:
        """Close every connection. May be called at any time; the transport can be used again."""
        ...
