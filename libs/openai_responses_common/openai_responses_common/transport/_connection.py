"""The connections of our sessions, which do three things that those of `aiohttp` do not.

They outlast damage (`_damage`), the system watches their other end (`_dead_peers`), and they resume only what was
paused: `aiohttp` asks its parser to go on after each piece that is read (3.14.5, seen 2026-12-01). Importing this file
imports `aiohttp`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ._damage import DamageTolerantProtocol
from ._dead_peers import watch_other_end


class Connection(DamageTolerantProtocol):
    """A connection of a session."""

    _was_paused = False  # since the response began

    def set_response_params(self, **params: Any) -> None:
        """Begin to wait for a response."""
        self._was_paused = False
        super().set_response_params(**params)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to watch the other end."""
        super().connection_made(transport)
        watch_other_end(transport.get_extra_info("socket"), transport.get_extra_info("peername"))

    def pause_reading(self) -> None:
        """Let the service wait."""
        self._was_paused = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on with what was paused. The parser may need that several times, so it is not only done once."""
        if self._was_paused:
            super().resume_reading(resume_parser)
