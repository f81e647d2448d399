"""A credential whose token a source refreshes."""

from __future__ import annotations

import re
import time

from amplifier_core.llm_errors import AuthenticationError

from ..failures.failure import Failure
from ..transport.credential import Headers
from .token_source import Token, TokenSource

_MIN_REFRESH_INTERVAL_S = 60.0
"""A token that was got so recently is not replaced: the next would fare no better."""


class BearerToken:
    """A token from a source that renews it.

    Args:
        source: where it comes from.
        words: as in `Credential`.
        account: as in `Credential`.
    """

    def __init__(self, source: TokenSource, *, description: str, account: str = "") -> None:
        self.source = source
        self._description = description
        self._last_refreshed_token, self._last_refresh_s = "", 0.0
        self.account = account

    @property
    def description(self) -> str:
        """As in `Credential`."""
        return self._description

    def __repr__(self) -> str:
        return f"BearerToken({self.description})"

    async def prepare(self) -> None:
        """Nothing to find out."""

    async def headers(self) -> Headers:
        """The token, fresh enough to be used."""
        return build_bearer_headers(await self.source.get())

    async def refresh(self, refused_headers: Headers, failure: Failure) -> bool:
        """Fetch another token, unless there is one already; one that was just fetched for that is not fetched again."""
        if self.was_recently_refreshed(refused_headers):
            return False
        value = parse_bearer_token(refused_headers)
        token = await self.source.refresh(value)
        self._last_refreshed_token, self._last_refresh_s = token.value, time.monotonic()
        return token.value != value

    def was_recently_refreshed(self, refused_headers: Headers) -> bool:
        """Whether this is a token that was fetched just now because another was refused."""
        return (
            parse_bearer_token(refused_headers) == self._last_refreshed_token
            and time.monotonic() - self._last_refresh_s < _MIN_REFRESH_INTERVAL_S
        )

    def scrub(self, text: str) -> str:
        """The text without the tokens."""
        return self.source.scrub(text)


def build_bearer_headers(token: Token) -> Headers:
    """The header that carries a token.

    Raises:
        AuthenticationError: it holds what no header can; the error of whoever tried to send it would quote it.
    """
    if not re.fullmatch(r"[!-~]+", token.value):
        raise AuthenticationError("the token holds a space, a line break or another character that no token has")
    return {"Authorization": f"Bearer {token.value}"}


def parse_bearer_token(headers: Headers) -> str:
    """The token of such a header."""
    return headers["Authorization"].removeprefix("Bearer ")
