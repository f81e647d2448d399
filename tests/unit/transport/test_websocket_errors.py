"""What a request over a WebSocket ends with says what to do instead."""

from __future__ import annotations

from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport._websocket_errors import ConnectionLost, UpgradeRefused, WebSocketUnavailable


def test_errors_say_why_and_what_is_known_of_the_service() -> None:
    lost = ConnectionLost("closed", 1011)
    assert (str(lost), lost.reason, lost.close_code) == ("closed", "closed", 1011)
    failure = Failure(kind="status", status=404, message="no such path")
    refused = UpgradeRefused(failure)
    assert (str(refused), refused.failure, refused.is_unreachable) == ("no such path", failure, False)
    unavailable = WebSocketUnavailable("no such path", is_refused=True)
    assert (unavailable.reason, unavailable.is_refused, unavailable.is_unreachable) == ("no such path", True, False)
    assert WebSocketUnavailable().reason == ""
