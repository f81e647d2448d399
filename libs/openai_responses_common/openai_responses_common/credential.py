"""Who calls: the headers that say so, and their renewal after a refusal.

A transport asks its credential anew for every exchange, so a token that was renewed meanwhile is used at once, and it
knows which one was refused. Errors of a credential are the kernel's own: what stands behind it knows best what to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from amplifier_core.llm_errors import AuthenticationError

from .failure import CallFailure, Failure
from .token_source import Token, TokenSource

T = TypeVar("T")

Headers = Mapping[str, str]

UNAUTHORIZED = 401


class Credential(Protocol):
    """What a service knows its caller by."""

    @property
    def account(self) -> str:
        """Whose it is, as far as ciphertext is bound to it; leaves this process only as a digest."""
        ...

    @property
    def words(self) -> str:
        """What it is and where it comes from, for errors and for people; never a part of it."""
        ...

    async def prepare(self) -> None:
        """Find out who calls, so that `account` is true; needs no valid token, and no network."""
        ...

    async def headers(self) -> Headers:
        """The headers of the next request.

        Raises:
            LLMError: there is none, or it cannot be got.
        """
        ...

    async def renew(self, refused: Headers, failure: Failure) -> bool:
        """Get another one after a 401, or find that somebody else has done so; False where there is nothing to renew.

        Raises:
            LLMError: it cannot be renewed.
        """
        ...

    def scrub(self, text: str) -> str:
        """The text without the secret."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that is sent along as it is.

    Attributes:
        key: None where none is known.
        required: False where the endpoint can be called without one.
        missing: what to tell who has none.
        header: where the key goes; in `Authorization` it is a bearer token.
        account: as in `Credential`.
        words: as in `Credential`.
    """

    key: str | None = field(repr=False)
    required: bool = True
    missing: str = "no API key is set"
    header: str = "Authorization"
    account: str = field(default="", repr=False)
    words: str = "the API key"

    async def prepare(self) -> None:
        """Nothing to find out."""

    async def headers(self) -> Headers:
        """The key in its header."""
        if self.key is None:
            if self.required:
                raise AuthenticationError(self.missing, status_code=UNAUTHORIZED)
            return {}
        return {self.header: f"Bearer {self.key}" if self.header == "Authorization" else self.key}

    async def renew(self, refused: Headers, failure: Failure) -> bool:
        """A key stays what it is."""
        return False

    def scrub(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self.key, "[REDACTED]") if self.key else text


class BearerToken:
    """A token from a source that renews it.

    Args:
        source: where it comes from.
        words: as in `Credential`.
        account: as in `Credential`.
    """

    def __init__(self, source: TokenSource, *, words: str, account: str = "") -> None:
        self._source = source
        self.words = words
        self.account = account

    def __repr__(self) -> str:
        return f"BearerToken({self.words})"

    async def prepare(self) -> None:
        """Nothing to find out."""

    async def headers(self) -> Headers:
        """The token, fresh enough to be used."""
        return bearer(await self._source.get())

    async def renew(self, refused: Headers, failure: Failure) -> bool:
        """Fetch another token, unless there is one already."""
        await self._source.renew(refused["Authorization"].removeprefix("Bearer "))
        return True

    def scrub(self, text: str) -> str:
        """The text without the tokens."""
        return self._source.scrub(text)


def bearer(token: Token) -> Headers:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token.value}"}


async def authorized(credential: Credential, send: Callable[[Headers], Awaitable[T]]) -> T:
    """Send with the caller's headers; after a 401 once more, with a renewed credential.

    Raises:
        CallFailure: what sending raised; a refusal says which credential was refused.
        LLMError: the credential's own.
    """
    headers = await credential.headers()
    try:
        return await send(headers)
    except CallFailure as refusal:
        failure = refusal.failure
    if failure.status == UNAUTHORIZED and await credential.renew(headers, failure):
        try:
            return await send(await credential.headers())
        except CallFailure as refusal:
            failure = refusal.failure
    if failure.status == UNAUTHORIZED:
        failure = replace(failure, message=f"{failure.message.rstrip('.')} (sent: {credential.words})")
    raise CallFailure(failure)
