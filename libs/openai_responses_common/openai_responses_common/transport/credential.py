"""Who calls: the headers that say so, and their renewal after a refusal.

A transport asks its credential anew for every exchange, so a token that was renewed meanwhile is used at once, and it
knows which one was refused. Errors of a credential are the kernel's own: what stands behind it knows best what to do.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn, Protocol, TypeVar

from amplifier_core.llm_errors import AuthenticationError

from ..auth.token_source import Token, TokenSource
from ..failures.failure import CallFailure, Failure

T = TypeVar("T")

Headers = Mapping[str, str]

UNAUTHORIZED = 401

_JUST_NOW_S = 60.0
"""A token that was got so recently is not replaced: the next would fare no better."""


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

        It is asked once more if what it found is refused too, and then says False of what it has just got itself.

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

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied: it stays in this process")

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
        self.source = source
        self._words = words
        self._renewed, self._renewed_s = "", 0.0
        self.account = account

    @property
    def words(self) -> str:
        """As in `Credential`."""
        return self._words

    def __repr__(self) -> str:
        return f"BearerToken({self.words})"

    async def prepare(self) -> None:
        """Nothing to find out."""

    async def headers(self) -> Headers:
        """The token, fresh enough to be used."""
        return bearer(await self.source.get())

    async def renew(self, refused: Headers, failure: Failure) -> bool:
        """Fetch another token, unless there is one already; one that was just fetched for that is not fetched again."""
        if self.was_renewed(refused):
            return False
        value = value_of(refused)
        token = await self.source.renew(value)
        self._renewed, self._renewed_s = token.value, time.monotonic()
        return token.value != value

    def was_renewed(self, refused: Headers) -> bool:
        """Whether this is a token that was fetched just now because another was refused."""
        return value_of(refused) == self._renewed and time.monotonic() - self._renewed_s < _JUST_NOW_S

    def scrub(self, text: str) -> str:
        """The text without the tokens."""
        return self.source.scrub(text)


def bearer(token: Token) -> Headers:
    """The header that carries a token.

    Raises:
        AuthenticationError: it holds what no header can; the error of whoever tried to send it would quote it.
    """
    if not re.fullmatch(r"[!-~]+", token.value):
        raise AuthenticationError("the token holds a space, a line break or another character that no token has")
    return {"Authorization": f"Bearer {token.value}"}


def value_of(headers: Headers) -> str:
    """The token of such a header."""
    return headers["Authorization"].removeprefix("Bearer ")


async def authorized(credential: Credential, send: Callable[[Headers], Awaitable[T]]) -> T:
    """Send with the caller's headers; after a 401 again, with a credential that was found or made meanwhile.

    Raises:
        CallFailure: what sending raised; a refusal says which credential was refused.
        LLMError: the credential's own.
    """
    headers = await credential.headers()
    for last in (False, False, True):
        try:
            return await send(headers)
        except CallFailure as refusal:
            failure = refusal.failure
        if failure.status != UNAUTHORIZED or last or not await credential.renew(headers, failure):
            break
        headers = await credential.headers()
    if failure.status == UNAUTHORIZED:
        failure = replace(failure, message=f"{failure.message.rstrip('.')} (sent: {credential.words})")
    raise CallFailure(failure)
