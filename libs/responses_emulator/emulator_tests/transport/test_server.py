"""The server counts the requests whose reply has not ended."""

from __future__ import annotations

from emulator_clients.responses import post_response
from responses_emulator import Emulator, RecordedRequest, Say


def test_open_requests_count_replies_that_have_not_ended(emulator: Emulator) -> None:
    seen: list[int] = []

    def look(_: RecordedRequest) -> Say:
        seen.append(emulator.open_requests)
        return Say("hello")

    emulator.script(look)
    post_response(emulator)
    assert seen == [1]
    assert emulator.wait_until(lambda: emulator.open_requests == 0)
