"""An API key as a credential, and which text a header can carry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError

from ..failures.failure import Failure
from ..transport.credential import UNAUTHORIZED, Headers


def sendable(name: str, secret: str) -> str:
    """A secret that can go into a header: a line break from a copied one would end up, secret and all, in the text of a
    connection error.

    Args:
        name: where it is from, for the error.
        secret: what the user gave.

    Raises:
        ConfigurationError: it holds what no header can.
    """
    if not re.fullmatch(r"[!-~]+", secret):
        raise ConfigurationError(f"{name} holds a space, a line break or a character that no key has")
    return secret


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
    missing_message: str = "no API key is set"
    header: str = "Authorization"
    account: str = field(default="", repr=False)
    description: str = "the API key"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied: it stays in this process")

    async def prepare(self) -> None:
        """Nothing to find out."""

    async def headers(self) -> Headers:
        """The key in its header."""
        if self.key is None:
            if self.required:
                raise AuthenticationError(self.missing_message, status_code=UNAUTHORIZED)
            return {}
        return {self.header: f"Bearer {self.key}" if self.header == "Authorization" else self.key}

    async def refresh(self, refused_headers: Headers, failure: Failure) -> bool:
        """A key stays what it is."""
        return False

    def scrub(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self.key, "[REDACTED]") if self.key else text
