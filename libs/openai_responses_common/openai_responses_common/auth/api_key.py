"""An API key as a credential, and the check of a secret that goes into a header."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError

from ..failures.failure import Failure
from ..transport.credential import UNAUTHORIZED, Lease, is_header_value


def sendable(name: str, secret: str) -> str:
    """Return the secret if a header can carry it.

    Args:
        name: the setting or variable that holds the secret, for the error.
        secret: the text that the user entered.

    Raises:
        ConfigurationError: a header cannot carry it. The error does not quote it.
    """
    if not is_header_value(secret):
        raise ConfigurationError(f"{name} holds a space, a line break or a character that no key has")
    return secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that never changes.

    Attributes:
        key: the key. None, the default, if the user has set no key.
        required: whether the endpoint needs a key. The default is True.
        missing_message: the error of a call without a key that needs one.
        header: the header that carries the key. The default is `Authorization`, where the key is a bearer token.
        account: see `Credential.account`. The default is empty.
        description: see `Credential.description`. The default is "the API key".
    """

    key: str | None = field(default=None, repr=False)
    required: bool = True
    missing_message: str = "no API key is set"
    header: str = "Authorization"
    account: str = field(default="", repr=False)
    description: str = "the API key"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied: it stays in this process")

    async def prepare(self) -> None:
        """Do nothing: the account is an attribute."""

    async def lease(self) -> Lease:
        """Return the key in its header; no header if there is no key and the endpoint needs none."""
        lease = self.lease_at_hand()
        if lease is None:
            raise AuthenticationError(self.missing_message, status_code=UNAUTHORIZED)
        return lease

    def lease_at_hand(self) -> Lease | None:
        """Return the same as `lease`. None without a key that the endpoint needs."""
        if self.key is None:
            return None if self.required else Lease(headers={})
        return Lease(headers={self.header: f"Bearer {self.key}" if self.header == "Authorization" else self.key})

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        """Return False: a key cannot be refreshed."""
        return False

    def scrub(self, text: str) -> str:
        """Return the text without the key."""
        return text.replace(self.key, "[REDACTED]") if self.key else text
