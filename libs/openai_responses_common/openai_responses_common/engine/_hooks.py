"""Emits events to a host's hooks, so that no handler can end a call, stop it for good or hold up a cancellation.

A handler that raises is logged. A handler that hangs is cut off after a while, and sooner if the call was cancelled or
its time is up. Knows no event by its name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)

HANDLERS_TIMEOUT_S = 10.0
"""The longest time, in seconds, that the handlers of one event may take."""

SLOW_HANDLERS_TIMEOUT_S = 1.0
"""The same for an event whose handlers were cut off in the last minutes."""

_SLOW_PERIOD_S = 300.0
# After a cancellation, or after the time of the call is up, all events together hold up its end for no longer. Each may
# take half of what is left, so that a handler that hangs leaves time to the events that follow.
_END_TIMEOUT_S = 1.8
_SHORTEST_TIMEOUT_S = 0.02
# For a handler that is cut off to end its own work.
_CUT_OFF_TIMEOUT_S = 0.05


class HookEmitter:
    """Emits the events of one call.

    Args:
        hooks: the hooks of the host's coordinator; None if there is no session.
        slow_events: the events whose handlers were cut off, and until when they count as slow. The emitters of a
            provider share it. By default no event is slow.
    """

    def __init__(self, hooks: Any, slow_events: dict[str, float] | None = None) -> None:
        self._hooks = hooks
        self._slow_events = {} if slow_events is None else slow_events
        self._logged_problems: set[tuple[str, str]] = set()
        self._end_s = float("inf")
        self._watched_task: asyncio.Task[Any] | None = None
        self._watched_until_s = 0.0
        self._was_cut_off = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def has_listeners(self) -> bool:
        """Return True if there is a session whose hooks get the events."""
        return self._hooks is not None

    def limit_end(self, end_s: float | None = None) -> None:
        """Let no handler hold up the end of the call for more than two seconds.

        Args:
            end_s: when the time of the call is up, by the clock of the event loop. None, the default, is now, as after
                a cancellation.
        """
        end_s = asyncio.get_running_loop().time() if end_s is None else end_s
        self._end_s = min(end_s + _END_TIMEOUT_S, self._end_s)

    async def emit(self, event: str, data: Mapping[str, Any]) -> None:
        """Run all handlers of an event, also if the call is cancelled meanwhile.

        Raises:
            CancelledError: the call was cancelled. It is raised when the handlers have ended or were cut off.
        """
        if self._hooks is None:
            return
        loop = asyncio.get_running_loop()
        emission = asyncio.create_task(self._run_handlers(event, data))
        cancellation: asyncio.CancelledError | None = None
        until_s = loop.time() + self._choose_timeout_s(event)
        while not emission.done() and (left_s := until_s - loop.time()) > 0:
            try:
                await asyncio.wait([emission], timeout=left_s)
            except asyncio.CancelledError as error:
                cancellation = error
                self.limit_end()
                until_s = min(until_s, loop.time() + self._choose_timeout_s(event))
        if not emission.done():
            emission.cancel()
            self._report_slow_handlers(event)
            await asyncio.wait([emission], timeout=_CUT_OFF_TIMEOUT_S)
        if cancellation is not None:
            raise cancellation

    async def emit_at_once(self, event: str, data: Mapping[str, Any]) -> None:
        """Run all handlers of an event; a cancellation ends them at once.

        For deltas, of which there are many: it makes no task, and one timer serves all of them. Only one event may be
        emitted at a time.
        """
        task = asyncio.current_task()
        if self._hooks is None or task is None:
            return
        self._watch(task, event)
        cancel_count = task.cancelling()
        try:
            await self._run_handlers(event, data)
        except asyncio.CancelledError:
            if task.cancelling() - self._was_cut_off > cancel_count:
                raise
        finally:
            self._watched_task = None
            if self._was_cut_off:
                self._was_cut_off = False
                task.uncancel()
                self._report_slow_handlers(event)

    def _watch(self, task: asyncio.Task[Any], event: str) -> None:
        """Let the timer cut the task off if it is not done in time."""
        loop = asyncio.get_running_loop()
        self._watched_task, self._watched_until_s = task, loop.time() + self._choose_timeout_s(event)
        if self._timer is not None and self._timer.when() > self._watched_until_s:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = loop.call_at(self._watched_until_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._watched_task is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._watched_until_s:
            self._timer = loop.call_at(self._watched_until_s, self._on_timer)
        else:
            self._was_cut_off = True
            self._watched_task.cancel()

    async def _run_handlers(self, event: str, data: Mapping[str, Any]) -> None:
        """Run the handlers and log what they raise. Raises only what ends the task in which it runs."""
        task = asyncio.current_task()
        cancel_count = task.cancelling() if task else 0
        try:
            await self._hooks.emit(event, data)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # foreign code may raise anything
            if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > cancel_count):
                raise
            self._log_problem(event, f"{type(error).__name__}: {error}")

    def _choose_timeout_s(self, event: str) -> float:
        now_s = asyncio.get_running_loop().time()
        is_slow = self._slow_events.get(event, 0.0) > now_s
        timeout_s = SLOW_HANDLERS_TIMEOUT_S if is_slow else HANDLERS_TIMEOUT_S
        return max(_SHORTEST_TIMEOUT_S, min(timeout_s, (self._end_s - now_s) / 2))

    def _report_slow_handlers(self, event: str) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._end_s == float("inf"):
            self._slow_events[event] = now_s + _SLOW_PERIOD_S
        self._log_problem(event, "a handler took too long; it was cut off, and the handlers behind it missed the event")

    def _log_problem(self, event: str, problem: str) -> None:
        """Log a problem once per call, because the same handlers run for each delta."""
        if (event, problem) not in self._logged_problems:
            self._logged_problems.add((event, problem))
            logger.warning("the hooks of %s failed, and the call goes on: %.300s", event, problem)
