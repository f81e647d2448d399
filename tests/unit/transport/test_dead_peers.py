"""Which connections the system watches, and that it accepts the options for that."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from openai_responses_common.transport._dead_peers import watch_other_end


@pytest.mark.parametrize(
    ("peer_name", "is_watched"),
    [
        (("192.0.2.1", 443), True),
        (("2001:db8::1", 443, 0, 0), True),
        (("fe80::1%eth0", 443, 0, 2), True),
        (("127.0.0.1", 8000), False),
        (("::1", 8000, 0, 0), False),
        (("::1%lo", 8000, 0, 1), False),
        ("", True),
        (None, True),
    ],
)
def test_only_the_connections_of_this_machine_are_not_watched(peer_name: Any, is_watched: bool) -> None:
    with socket.socket() as connection:
        watch_other_end(connection, peer_name)
        assert bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) == is_watched
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            limit_ms = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert limit_ms == (60_000 if is_watched else 0)


def test_what_is_no_connection_of_tcp_is_left_alone() -> None:
    watch_other_end(None, None)
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as connection:
            watch_other_end(connection, "")
