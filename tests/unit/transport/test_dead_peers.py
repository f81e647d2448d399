"""Which connections the system watches, and that it accepts the options for that."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from openai_responses_common.transport._dead_peers import watch_other_end


@pytest.mark.parametrize(
    ("peer_name", "is_probed", "is_limited"),
    [
        (("8.8.8.8", 443), True, True),
        (("2001:4860:4860::8888", 443, 0, 0), True, True),
        (("10.0.0.1", 8000), True, False),
        (("100.64.0.1", 8000), True, False),  # Tailscale
        (("fd00::1", 8000, 0, 0), True, False),
        (("fe80::1%eth0", 8000, 0, 2), True, False),
        (("127.0.0.1", 8000), False, False),
        (("::1%lo", 8000, 0, 1), False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_what_is_far_away_is_watched(peer_name: Any, is_probed: bool, is_limited: bool) -> None:
    with socket.socket() as connection:
        watch_other_end(connection, peer_name)
        assert bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) == is_probed
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            limit_ms = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert limit_ms == (60_000 if is_limited else 0)


def test_other_options_are_set_where_one_is_refused() -> None:
    watch_other_end(None, ("8.8.8.8", 443))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:  # takes none of TCP's
        watch_other_end(connection, ("8.8.8.8", 443))
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
