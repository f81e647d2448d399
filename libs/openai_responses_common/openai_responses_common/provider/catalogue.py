"""The model list of a service: callers share one fetch, and its result is reused for a while.

A host asks for the list from many tasks at once, and some hosts from several event loops. This file knows neither the
documents of a service nor the facts about a model.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from amplifier_core.llm_errors import (
    AbortError,
    AuthenticationError,
    ConfigurationError,
    LLMError,
    LLMTimeoutError,
)
from amplifier_core.models import ModelInfo

logger = logging.getLogger(__name__)

FAILURE_AGE_S = 30.0
"""How long, in seconds, a failure to fetch the list is reported again without another attempt."""

_FETCH_LIMIT_S = 35.0  # more than the two attempts at a document take


@dataclass(slots=True, kw_only=True, eq=False)
class _Fetch:
    """A fetch in progress: a task of the event loop that began it, whose outcome waiters in every loop share."""

    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[None] = field(init=False)
    outcome: Future[list[ModelInfo]] = field(default_factory=Future[list[ModelInfo]])
    waiter_count: int = 0

    def __post_init__(self) -> None:
        self.outcome.set_running_or_notify_cancel()  # so that a waiter that is cancelled does not cancel the others


class _FetchAbandonedError(Exception):
    """The loop of a fetch ended before the fetch did."""


class Catalogue:
    """Reuses a model list until it is too old, and a failure for `FAILURE_AGE_S`.

    Callers that need the list while it is being fetched share one outcome, also across event loops. While a new list
    cannot be fetched, the last good one is used.

    Args:
        fetch: reads the list from the service.
        max_age_s: the age, in seconds, from which a list is fetched again.
        clock: returns the time in seconds; the process's clock by default.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[list[ModelInfo]]],
        *,
        max_age_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch_models = fetch
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._fetch: _Fetch | None = None
        self._models: list[ModelInfo] | None = None
        self._read_at_s = 0.0
        self._failure: LLMError | None = None
        self._failed_at_s = 0.0

    @asynccontextmanager
    async def read_during_call(self, *, wait_s: float | None) -> AsyncGenerator[bool, None]:
        """Read the list during a call that may need its facts; yield whether it does.

        The call does not fail with the list, and the reading ends with the call.

        Args:
            wait_s: how long, in seconds, the call waits for the list. None if it does not need the list.
        """
        if wait_s is None:
            yield False
            return
        task = asyncio.create_task(self.get_models())
        try:
            await asyncio.wait({task}, timeout=wait_s)
            yield True
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def get_models(self, *, fresh: bool = False) -> list[ModelInfo]:
        """Return the list.

        Args:
            fresh: True to ask the service again, whatever it said before. False by default.

        Raises:
            LLMError: the list cannot be fetched, and there is no earlier one.
        """
        while True:
            with self._lock:
                if not fresh:
                    if self._models is not None and self._clock() - self._read_at_s <= self._max_age_s:
                        return list(self._models)
                    if self._failure is not None and self._clock() - self._failed_at_s <= FAILURE_AGE_S:
                        return self._fall_back(self._failure)
                if self._fetch is not None and self._fetch.loop.is_closed():
                    self._fetch = None
                fetch = self._fetch or self._begin_fetch()
                fetch.waiter_count += 1
            try:
                return list(await self._wait(fetch))
            except LLMError as error:
                return self._fall_back(error)
            except _FetchAbandonedError:
                continue

    def forget_failure(self) -> None:
        """Make the next caller try again, because the cause of a failure may be gone, as after a sign-in."""
        self._failure = None

    def _fall_back(self, error: LLMError) -> list[ModelInfo]:
        """Return the last good list.

        Raises:
            LLMError: there is none, or the service refuses the caller.
        """
        if self._models is not None and not isinstance(error, AuthenticationError | ConfigurationError | AbortError):
            return list(self._models)
        # A copy, because each caller adds its own traceback.
        raise copy.copy(error) from error.__cause__

    def _begin_fetch(self) -> _Fetch:
        fetch = self._fetch = _Fetch(loop=asyncio.get_running_loop())
        fetch.task = fetch.loop.create_task(self._run_fetch(fetch))
        return fetch

    async def _run_fetch(self, fetch: _Fetch) -> None:
        models: list[ModelInfo] = []
        error: Exception | None = _FetchAbandonedError()
        try:
            async with asyncio.timeout(_FETCH_LIMIT_S):
                models, error = await self._fetch_models(), None
        except TimeoutError:
            error = LLMTimeoutError(f"the model list took longer than {_FETCH_LIMIT_S:.0f} s", retryable=True)
        except LLMError as caught:
            error = caught
        except Exception as unexpected:
            error = unexpected
            raise
        finally:
            self._end_fetch(fetch, models, error)

    def _end_fetch(self, fetch: _Fetch, models: list[ModelInfo], error: Exception | None) -> None:
        with self._lock:
            if self._fetch is fetch:
                self._fetch = None
            if error is None:
                self._models, self._read_at_s, self._failure = models, self._clock(), None
            elif isinstance(error, LLMError) and _is_worth_remembering(error):
                self._failure, self._failed_at_s = error, self._clock()
        if isinstance(error, LLMError) and self._models is not None:
            logger.warning("the model list cannot be fetched again, the earlier one is used: %s", error)
        if error is None:
            fetch.outcome.set_result(models)
        else:
            fetch.outcome.set_exception(error)

    async def _wait(self, fetch: _Fetch) -> list[ModelInfo]:
        """Wait for the outcome of a fetch. If every waiter has left, the fetch is cancelled.

        Raises:
            LLMError: the fetch failed.
            _FetchAbandonedError: the loop of the fetch ended, or stands still.
        """
        try:
            async with asyncio.timeout(_FETCH_LIMIT_S + 5):
                return await asyncio.wrap_future(fetch.outcome)
        except TimeoutError:
            with self._lock:
                if self._fetch is fetch:
                    self._fetch = None
            raise _FetchAbandonedError from None
        finally:
            with self._lock:
                fetch.waiter_count -= 1
                is_abandoned = fetch.waiter_count == 0 and not fetch.outcome.done()
                if is_abandoned and self._fetch is fetch:
                    self._fetch = None
            if is_abandoned:
                await _cancel_task(fetch)


async def _cancel_task(fetch: _Fetch) -> None:
    if fetch.loop is asyncio.get_running_loop():
        fetch.task.cancel()
        await asyncio.gather(fetch.task, return_exceptions=True)
        return
    with suppress(RuntimeError):  # that loop is closed
        fetch.loop.call_soon_threadsafe(fetch.task.cancel)


def _is_worth_remembering(error: LLMError) -> bool:
    """Return False for what this machine says without asking the service: a sign-in may follow at any moment."""
    is_local = error.status_code is None and isinstance(error, AuthenticationError | ConfigurationError)
    return not is_local and not isinstance(error, AbortError)
