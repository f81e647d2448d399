"""Shows hooks that a call goes on: when an attempt starts, then at most once a second while data arrives.

No timer runs, so a service that is silent emits nothing. Holds no text of a call. The payload is that of Microsoft's
provider modules (`llm:progress`, version 1; amplifier-module-provider-openai, `_wait_observation.py`, seen 2026-12-01).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..options.options import Options

_PERIOD_S = 1.0


class CallProgress:
    """Emits `llm:progress` of one call.

    Args:
        emit: emits an event with this name and these fields.
        options: the options of the call, which limit its time.
    """

    def __init__(self, emit: Callable[[str, Mapping[str, Any]], Awaitable[None]], options: Options) -> None:
        self._emit_event = emit
        self._limits = {
            "mode": "phase" if options.call_timeout_s is None else "elapsed",
            "elapsed_seconds": options.call_timeout_s,
            "read_seconds": options.timeout_s,
            **dict.fromkeys(("connect_seconds", "pool_seconds", "write_seconds")),
        }
        self._attempt = 0
        self._emitted_s = 0.0

    async def start_attempt(self) -> None:
        """Emit that an attempt starts."""
        self._attempt += 1
        await self._emit("attempt_started")

    async def note_data(self) -> None:
        """Emit that data arrived, unless the last event is less than a second ago."""
        if time.monotonic() - self._emitted_s >= _PERIOD_S:
            await self._emit("response_activity")

    async def _emit(self, observation: str) -> None:
        data = {"version": 1, "observation": observation, "attempt": self._attempt, "limits": dict(self._limits)}
        await self._emit_event("llm:progress", data)
        self._emitted_s = time.monotonic()  # slow handlers do not bring the next event nearer
