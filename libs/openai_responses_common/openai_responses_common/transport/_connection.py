"""The connections of our sessions, which do three things that those of `aiohttp` do not.

They outlast damage (`_damage`), the system watches their other end (`_dead_peers`), and they resume only what is
paused: `aiohttp` asks its parser to go on after each piece that is read (3.14.5, seen 2026-12-01). Importing this file
imports `aiohttp`.
"""

from __future__ import annotations

import asyncio

from ._damage import DamageTolerantProtocol
from ._dead_peers import watch_other_end


class Connection(DamageTolerantProtocol):
    """A connection of a session."""

    _buffer_paused = False  # older releases have no such attribute

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to watch the other end."""
        super().connection_made(transport)
        watch_other_end(transport.get_extra_info("socket"), transport.get_extra_info("peername"))

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on with what was paused."""
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)
