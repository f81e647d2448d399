"""The credential of a transport: the headers that identify the caller, and their refresh after a refusal.

A transport takes a new lease for every request, so it uses a refreshed token at once and knows which token was refused.
The errors of a credential are the kernel's own, because the credential knows the remedy best.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn, Protocol, TypeVar, runtime_checkable

from ..failures.failure import CallFailure, Failure

T = TypeVar("T")


Headers = Mapping[str, str]


UNAUTHORIZED = 401

_MIN_REFRESH_INTERVAL_S = 60.0
"""A token that a service issued more recently is not replaced: the service would refuse the next one too."""

_HEADER_VALUE = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The headers that identify the caller in one request, and the token in them.

    Attributes:
        headers: the headers.
        token: the token in the headers. Empty, the default, if they hold no token that can be refreshed.
        replaced_s: when the token replaced another one, in seconds of the monotonic clock. The default is never.
    """

    headers: Headers = field(repr=False)
    token: str = field(default="", repr=False)
    replaced_s: float = -math.inf

    def __reduce__(self) -> NoReturn:
        raise TypeError("a lease is not pickled or copied: its token stays in this process")


class Credential(Protocol):
    """What identifies the caller to a service."""

    @property
    def account(self) -> str:
        """Return the account to which a service binds ciphertext; it leaves this process only as a digest."""
        ...

    @property
    def description(self) -> str:
        """Return what the credential is and where it comes from, for errors; it holds no part of the secret."""
        ...

    async def prepare(self) -> None:
        """Find the account, so that `account` is correct; needs no valid token and no network."""
        ...

    async def lease(self) -> Lease:
        """Return the headers of the next request.

        Raises:
            LLMError: there is no credential, or it cannot be obtained.
        """
        ...

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        """Obtain another token after a 401, or find that somebody else has done so.

        Args:
            lease: the lease that the service refused.
            failure: the refusal.

        Returns:
            Whether the next lease is another one. False if the credential cannot be refreshed.

        Raises:
            LLMError: the refresh failed.
        """
        ...

    def scrub(self, text: str) -> str:
        """Return the text without the secret."""
        ...


@runtime_checkable
class CredentialAtHand(Protocol):
    """A credential that can say what it would send now, such as a key."""

    def lease_at_hand(self) -> Lease | None:
        """Return the headers of a request if that needs no network, no store and no person. None if it does."""
        ...


async def send_with_credential(credential: Credential, send: Callable[[Headers], Awaitable[T]]) -> T:
    """Send with the headers of the credential. After a 401 send again with another lease, at most twice.

    The second refresh is for a token that the first one found and did not obtain itself. A token that replaced another
    one less than a minute ago is not refreshed.

    Raises:
        CallFailure: the failure of sending; the message of a refusal describes the credential that was refused.
        LLMError: the credential's own error.
    """
    lease = await credential.lease()
    for refreshes_left in (2, 1, 0):
        try:
            return await send(lease.headers)
        except CallFailure as refusal:
            failure = refusal.failure
        if failure.status != UNAUTHORIZED or not refreshes_left or is_recent(lease.replaced_s):
            break
        if not await credential.refresh(lease, failure):
            break
        lease = await credential.lease()
    if failure.status == UNAUTHORIZED:
        failure = replace(failure, message=f"{failure.message.rstrip('.')} (sent: {credential.description})")
    raise CallFailure(failure)


def is_recent(issued_s: float) -> bool:
    """Return whether a token is so new that its refresh would not help.

    Args:
        issued_s: when a service issued it, in seconds of the monotonic clock.
    """
    return time.monotonic() - issued_s < _MIN_REFRESH_INTERVAL_S


def is_header_value(text: str) -> bool:
    """Return whether a header can carry the text: visible ASCII characters, at least one.

    A line break or a space from a copied secret would stand, with the secret, in the text of a connection error.
    """
    return _HEADER_VALUE.fullmatch(text) is not None
