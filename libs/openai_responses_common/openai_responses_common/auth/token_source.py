"""The token of one account: fetched once for all callers, before it expires, and used on during an outage.

Fetching blocks (sign-in libraries and keyrings do) and runs in a daemon thread, so it delays neither an event loop nor
the exit of the process. Sessions in several event loops and threads may share a source. The wall clock decides whether
a token has expired, because its expiry is a time of day; the monotonic clock measures waits.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, field
from typing import NoReturn

from amplifier_core.llm_errors import AuthenticationError, LLMError, LLMTimeoutError

from .background import run_in_thread, wait_for

_MIN_LIFETIME_S = 120.0
"""The shortest remaining lifetime, in seconds, of a token that we still send."""


_MIN_EARLY_REFRESH_INTERVAL_S = 30.0
"""The shortest time, in seconds, between two early refreshes."""

_MAX_RECENT_TOKENS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token.

    Attributes:
        value: the secret.
        expires_at_s: when it expires, in seconds since the epoch.
        account: the account that it identifies, for services that need to receive it. The default is empty.
        issued_s: when a service issued it, in seconds of the monotonic clock. The default is now.
    """

    value: str = field(repr=False)
    expires_at_s: float
    account: str = ""
    issued_s: float = field(default_factory=time.monotonic, repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not pickled or copied: it stays in this process")

    def remaining_s(self) -> float:
        """Return the seconds until it expires; negative afterwards."""
        return self.expires_at_s - time.time()


@dataclass(frozen=True, slots=True)
class _PendingFetch:
    future: Future[Token]
    started_s: float


class TokenSource:
    """Supplies a token that a service accepts.

    Args:
        fetch: returns a token; blocks, and raises kernel errors. Its argument is the token that the service refused.
            None if no token was refused.
        description: what is fetched, for the error of a fetch that takes too long.
        refresh_margin_s: how many seconds before its expiry a token is refreshed, while callers go on with the old
            one. The default is 300.
        deadline_s: the longest time, in seconds, that a caller waits for a token. The default is 30.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Token],
        *,
        description: str,
        refresh_margin_s: float = 300.0,
        deadline_s: float = 30.0,
    ) -> None:
        self._fetch = fetch
        self._description = description
        self._refresh_margin_s = refresh_margin_s
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._pending_fetch: _PendingFetch | None = None
        self._next_early_refresh_s = 0.0
        # Replaced and never changed, because every thread reads it.
        self._recent_tokens: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"TokenSource({self._description})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a source of tokens is not pickled: its secrets stay in this process")

    @property
    def token(self) -> Token | None:
        """Return the newest token, even if it has expired. None before the first fetch."""
        return self._token

    async def get(self) -> Token:
        """Return a token that lives long enough for a request. Callers that come during a fetch share it.

        Raises:
            LLMError: there is no usable token, and the fetch failed or took too long.
        """
        with self._lock:
            token = self._token
            if token and token.remaining_s() > _MIN_LIFETIME_S:
                if token.remaining_s() <= self._refresh_margin_s and time.monotonic() >= self._next_early_refresh_s:
                    self._next_early_refresh_s = time.monotonic() + _MIN_EARLY_REFRESH_INTERVAL_S
                    self._join_or_start_fetch(None)
                return token
            pending = self._join_or_start_fetch(None)
        return await self._wait_for_fetch(pending)

    async def refresh(self, refused_token: str) -> Token:
        """Return another token than the refused one: the newest if it is another, else a new one.

        Raises:
            LLMError: as `get`.
        """
        token = await self._get_other_token(refused_token)
        if token.value == refused_token:  # a fetch that began before the refusal returned it again
            token = await self._get_other_token(refused_token)
        return token

    async def _get_other_token(self, refused_token: str) -> Token:
        with self._lock:
            if self._token and self._token.value != refused_token:
                return self._token
            self._token = None
            pending = self._join_or_start_fetch(refused_token)
        return await self._wait_for_fetch(pending)

    def scrub(self, text: str) -> str:
        """Return the text without the newest four tokens."""
        for value in self._recent_tokens:
            text = text.replace(value, "[REDACTED]")
        return text

    def _join_or_start_fetch(self, refused_token: str | None) -> _PendingFetch:
        """Return the pending fetch, or a new one if there is none or it is past its deadline."""
        now_s = time.monotonic()
        pending = self._pending_fetch
        if pending is None or pending.future.done() or now_s - pending.started_s > self._deadline_s:
            pending = self._pending_fetch = _PendingFetch(
                run_in_thread(lambda: self._fetch_token(refused_token)), now_s
            )
        return pending

    def _fetch_token(self, refused_token: str | None) -> Token:
        token = self._fetch(refused_token)
        if not token.value:
            raise AuthenticationError(f"{self._description}: it returned an empty token")
        with self._lock:
            self._token = token
            self._recent_tokens = (*self._recent_tokens, token.value)[-_MAX_RECENT_TOKENS:]
        return token

    async def _wait_for_fetch(self, pending_fetch: _PendingFetch) -> Token:
        left_s = max(0.0, pending_fetch.started_s + self._deadline_s - time.monotonic())
        error_to_raise: LLMError
        try:
            async with asyncio.timeout(left_s):
                return await wait_for(pending_fetch.future)
        except TimeoutError:
            error_to_raise = LLMTimeoutError(f"{self._description} took longer than {self._deadline_s:g} s")
        except LLMError as error:
            error_to_raise = copy(error)  # one object raised in several tasks would collect the traceback of each
        raise error_to_raise
