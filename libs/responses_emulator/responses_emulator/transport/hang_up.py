"""How a connection ends without a proper reply."""

from __future__ import annotations

import asyncio
import socket
import struct


class CloseConnection(Exception):
    """Ends the connection. A handler raises it in place of a reply; a stream raises it to stop without an end.

    Attributes:
        reset: end with a TCP RST instead of a FIN.
        raw_bytes: bytes to send first, as they are; only for a handler.
        open_s: seconds that the connection stays open after these bytes, unless the client leaves.
        close_code: the code of the close frame of a WebSocket. None ends it without one.
        reason: the text of the close frame.
    """

    def __init__(
        self,
        *,
        reset: bool = False,
        raw_bytes: bytes = b"",
        open_s: float = 0.0,
        close_code: int | None = None,
        reason: str = "",
    ) -> None:
        super().__init__("reset" if reset else "end of file")
        self.reset = reset
        self.raw_bytes = raw_bytes
        self.open_s = open_s
        self.close_code = close_code
        self.reason = reason


def hang_up(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    """Close a connection, with a TCP RST or a normal end."""
    sock = writer.get_extra_info("socket")
    if reset and sock is not None:
        # Linger 0 turns the close into a TCP RST.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
