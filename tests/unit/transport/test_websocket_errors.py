"""What a request over a WebSocket ends with says what to do instead."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize(
    ("status", "http_status", "is_certain", "is_explained"),
    [(404, 404, True, True), (403, 403, False, True), (403, 429, False, False), (None, 503, False, False)],
)
def test_refusal_that_http_shows_too_is_not_one_of_the_websocket(
    status: int | None, http_status: int, is_certain: bool, is_explained: bool
) -> None:
    failure = Failure(kind="status" if status else "timeout", status=status, message="no")
    unavailable = WebSocketUnavailable("no", failure=failure, is_refused=True)
    http_failure = Failure(kind="status", status=http_status, message="no, too")
    assert unavailable.is_certain() is is_certain
    assert unavailable.is_explained_by(http_failure) is is_explained
    assert WebSocketUnavailable("no", failure=failure, is_unreachable=True).is_explained_by(http_failure)
    lost = WebSocketUnavailable("closed")
    assert lost.is_certain()
    assert not lost.is_explained_by(http_failure)
