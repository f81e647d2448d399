"""What ends a request over a WebSocket before its response has begun; imports no HTTP library."""

from __future__ import annotations

from ..failures.failure import Failure

TOO_BIG_CODE = 1009
"""The close code for a message that is larger than the other side takes."""


# No such path, no such method, and "upgrade required", which proxies and services say that want HTTP (codex#43353, seen
# 2026-11-30).
_NO_WEBSOCKET = frozenset({404, 405, 426})


class ConnectionLost(Exception):
    """A connection has ended, or sends what nobody understands.

    Attributes:
        reason: why, in words for the user.
        close_code: the code with which the service closed it. None if it sent none.
    """

    def __init__(self, reason: str, close_code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


class UpgradeRefused(Exception):
    """A service did not open a WebSocket.

    Attributes:
        failure: what it did instead.
        is_unreachable: whether there was no connection at all, so that HTTP may have none either.
    """

    def __init__(self, failure: Failure, *, is_unreachable: bool = False) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.is_unreachable = is_unreachable


class WebSocketUnavailable(Exception):
    """A request cannot travel over a WebSocket now, and has not begun to be answered.

    Attributes:
        reason: why, in words for the user. Empty if nothing is wrong.
        failure: with which the service refused the upgrade. None if it did not.
        is_refused: whether the service opens no WebSocket, so that the next request need not try.
        is_unreachable: see `UpgradeRefused`.
    """

    def __init__(
        self,
        reason: str = "",
        *,
        failure: Failure | None = None,
        is_refused: bool = False,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failure = failure
        self.is_refused = is_refused
        self.is_unreachable = is_unreachable

    def is_certain(self) -> bool:
        """Return whether it says nothing about HTTP: the service does not know the upgrade, or ended a connection."""
        return self.failure is None or self.failure.status in _NO_WEBSOCKET

    def is_explained_by(self, failure: Failure) -> bool:
        """Return whether the failure of the same request over HTTP shows that the WebSocket is not the reason.

        Then there is no connection at all, or the service refuses both in the same way, as it does with a wrong key.
        """
        if self.is_unreachable:
            return True
        own = self.failure
        return own is not None and (own.kind, own.status) == (failure.kind, failure.status)
