"""One identity's token: fetched once for all who ask, ahead of its end, and kept through an outage.

Fetching blocks (sign-in libraries and keyrings do) and runs in a daemon thread, so neither an event loop nor the exit
of the process ever waits for it. Sessions in several event loops and threads may share a source. Whether a token still
lives is a question to the wall clock, because its end is a time of day; waiting is measured by the monotonic clock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, field
from typing import NoReturn

from amplifier_core.llm_errors import LLMError, LLMTimeoutError

from .background import run_in_thread, wait_for

_MIN_LIFETIME_S = 120.0
"""A token that lives so long still reaches the service."""


_MIN_EARLY_REFRESH_INTERVAL_S = 30.0
"""After an attempt ahead of time the next one waits so long."""


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
    """Gives a token that can be used.

    Args:
        fetch: gets a token, blocking; its argument is the text of the token that the service refused, if one was.
            Raises kernel errors.
        words: what it asks whom for, for the error of a call that is late.
        early_s: how long before its end a token is renewed; callers go on with the old one meanwhile.
        deadline_s: the longest that anybody waits for a token.
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
        self._recent_tokens: deque[str] = deque(maxlen=4)

    def __repr__(self) -> str:
        return f"TokenSource({self._description})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a source of tokens is not pickled: its secrets stay in this process")

    @property
    def token(self) -> Token | None:
        """The newest token, however old."""
        return self._token

    async def get(self) -> Token:
        """A token that lives long enough for a request; whoever comes while one is fetched shares it.

        Raises:
            LLMError: what fetching raised, or that it took too long, where no usable token is left.
        """
        with self._lock:
            token = self._token
            if token and token.remaining_s() > _MIN_LIFETIME_S:
                if token.remaining_s() <= self._refresh_margin_s and time.monotonic() >= self._next_early_refresh_s:
                    self._next_early_refresh_s = time.monotonic() + _MIN_EARLY_REFRESH_INTERVAL_S
                    self._join_or_start_fetch(None)
                return token
            flight = self._join_or_start_fetch(None)
        return await self._wait_for_fetch(flight)

    async def refresh(self, refused_token: str) -> Token:
        """A token other than the refused one: the present one if it is another, else a new one.

        Raises:
            LLMError: as `get`.
        """
        token = await self._get_other_token(refused_token)
        if token.value == refused_token:  # a fetch that was under way before the refusal brought it once more
            token = await self._get_other_token(refused_token)
        return token

    async def _get_other_token(self, refused_token: str) -> Token:
        with self._lock:
            if self._token and self._token.value != refused_token:
                return self._token
            self._token = None
            flight = self._join_or_start_fetch(refused_token)
        return await self._wait_for_fetch(flight)

    def scrub(self, text: str) -> str:
        """The text without any token that was given out."""
        for value in self._recent_tokens:
            text = text.replace(value, "[REDACTED]")
        return text

    def _join_or_start_fetch(self, refused_token: str | None) -> _PendingFetch:
        """The fetch that is under way, or a new one; one that is overdue is given up."""
        now_s = time.monotonic()
        flight = self._pending_fetch
        if flight is None or flight.future.done() or now_s - flight.started_s > self._deadline_s:
            flight = self._pending_fetch = _PendingFetch(run_in_thread(lambda: self._fetch_token(refused_token)), now_s)
        return flight

    def _fetch_token(self, refused_token: str | None) -> Token:
        token = self._fetch(refused_token)
        with self._lock:
            self._token = token
            self._recent_tokens.append(token.value)
        return token

    async def _wait_for_fetch(self, pending_fetch: _PendingFetch) -> Token:
        left_s = max(0.0, pending_fetch.started_s + self._deadline_s - time.monotonic())
        failed: LLMError
        try:
            async with asyncio.timeout(left_s):
                return await wait_for(pending_fetch.future)
        except TimeoutError:
            failed = LLMTimeoutError(f"{self._description} took longer than {self._deadline_s:g} s")
        except LLMError as error:
            failed = copy(error)  # one object raised in several tasks would collect the traceback of each
        raise failed
