"""Lets the operating system find connections whose other end is gone, so that no request waits on one for `timeout`.

Routers forget connections that are quiet for some minutes, and a computer that slept has missed their end. Probes keep
the first kind alive while a tool runs or a model thinks; they and the limit for what nobody acknowledges close the
second kind. Neither costs a request anything.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

# By their names in `socket`: each system has some of them. In seconds, but for the last one, which is in milliseconds.
_PROBES = {
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPALIVE": 30,  # macOS
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,  # Linux
}


def watch_other_end(connection: Any, peer_name: Any) -> None:
    """Turn the probes of a socket on.

    Args:
        connection: the socket; None does nothing, as of a transport without one.
        peer_name: the address of the other end. A server on this machine cannot be lost, and may read nothing for long.
    """
    if connection is None or _is_on_this_machine(peer_name):
        return
    with suppress(OSError):  # another kind of socket
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _PROBES.items():
            option = getattr(socket, name, None)
            if option is not None:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _is_on_this_machine(peer_name: Any) -> bool:
    with suppress(TypeError, ValueError, LookupError):
        return ip_address(str(peer_name[0]).partition("%")[0]).is_loopback
    return False
