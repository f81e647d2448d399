"""Who calls: the headers that say so, and their renewal after a refusal.

A transport asks its credential anew for every exchange, so a token that was renewed meanwhile is used at once, and it
knows which one was refused. Errors of a credential are the kernel's own: what stands behind it knows best what to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from ..failures.failure import CallFailure, Failure

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
    def description(self) -> str:
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

    async def refresh(self, refused_headers: Headers, failure: Failure) -> bool:
        """Get another one after a 401, or find that somebody else has done so; False where there is nothing to renew.

        It is asked once more if what it found is refused too, and then says False of what it has just got itself.

        Raises:
            LLMError: it cannot be renewed.
        """
        ...

    def scrub(self, text: str) -> str:
        """The text without the secret."""
        ...


async def send_with_credential(credential: Credential, send: Callable[[Headers], Awaitable[T]]) -> T:
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
        if failure.status != UNAUTHORIZED or last or not await credential.refresh(headers, failure):
            break
        headers = await credential.headers()
    if failure.status == UNAUTHORIZED:
        failure = replace(failure, message=f"{failure.message.rstrip('.')} (sent: {credential.description})")
    raise CallFailure(failure)
