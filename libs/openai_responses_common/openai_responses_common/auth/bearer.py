"""A credential whose token a source refreshes."""

from __future__ import annotations

import math

from amplifier_core.llm_errors import AuthenticationError

from ..failures.failure import Failure
from ..transport.credential import Headers, Lease, is_header_value
from .token_source import Token, TokenSource


class BearerToken:
    """A token from a source that refreshes it.

    Args:
        source: the source of the token.
        description: see `Credential.description`.
        account: see `Credential.account`. The default is empty.
    """

    def __init__(self, source: TokenSource, *, description: str, account: str = "") -> None:
        self.source = source
        self._description = description
        self._replacement = ""
        self.account = account

    @property
    def description(self) -> str:
        """Return the description; see `Credential.description`."""
        return self._description

    def __repr__(self) -> str:
        return f"BearerToken({self.description})"

    async def prepare(self) -> None:
        """Do nothing: the account is an attribute."""

    async def lease(self) -> Lease:
        """Return a token that lives long enough for a request, in its header."""
        token = await self.source.get()
        replaced_s = token.issued_s if token.value == self._replacement else -math.inf
        return Lease(headers=build_bearer_headers(token), token=token.value, replaced_s=replaced_s)

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        """Fetch another token, unless the source has one already."""
        token = await self.source.refresh(lease.token)
        self._replacement = token.value
        return token.value != lease.token

    def scrub(self, text: str) -> str:
        """Return the text without the tokens."""
        return self.source.scrub(text)


def build_bearer_headers(token: Token) -> Headers:
    """Return the header that carries a token.

    Raises:
        AuthenticationError: no header can carry it. The error of a connection that tried to send it would quote it.
    """
    if not is_header_value(token.value):
        raise AuthenticationError("the token holds a space, a line break or another character that no token has")
    return {"Authorization": f"Bearer {token.value}"}
