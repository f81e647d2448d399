"""Lets the operating system find connections whose other end is gone, so that no request waits on one for `timeout`.

Routers forget connections that are quiet for some minutes: probes keep those open while a tool runs or a model thinks,
and end the others. While a computer sleeps, the other end may close a connection without its knowledge. The next
request on it gets no acknowledgement, and Linux then ends it after a minute; other systems go on trying for longer.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

# By their names in `socket`: each system has some of them. In seconds.
_PROBES = {
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPALIVE": 30,  # macOS
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
}
# In milliseconds.
_LIMITS = {"TCP_USER_TIMEOUT": 60_000}


def watch_other_end(connection: Any, peer_name: Any) -> None:
    """Turn the probes of a socket on, and limit how long it waits for an acknowledgement.

    Args:
        connection: the socket; None does nothing, as of a transport without one.
        peer_name: the address of the other end. A server on this machine cannot be lost. One on a private network may
            leave a large request unread while it is busy, and Linux counts that as no acknowledgement, so it has no
            limit.
    """
    address = _read_address(peer_name)
    if connection is None or address is None or address.is_loopback:
        return
    options = {**_PROBES, **_LIMITS} if address.is_global else _PROBES
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in options.items():
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _read_address(peer_name: Any) -> IPv4Address | IPv6Address | None:
    """Return the IP address of a peer. None if it has none, as at the other end of a Unix socket."""
    with suppress(TypeError, ValueError, LookupError):
        return ip_address(str(peer_name[0]).partition("%")[0])
    return None
