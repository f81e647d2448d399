"""A credential whose token a source refreshes."""

from __future__ import annotations

import re
import time

from amplifier_core.llm_errors import AuthenticationError

from ..failures.failure import Failure
from ..transport.credential import Headers
from .token_source import Token, TokenSource

_JUST_NOW_S = 60.0
"""A token that was got so recently is not replaced: the next would fare no better."""


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
