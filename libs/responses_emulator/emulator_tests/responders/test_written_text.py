"""A text is written to its end, and goes on behind a message that is marked as cut off."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_clients.responses import post_response
from responses_emulator import Emulator, write_text

TEXT = "Once there was a model that was very small."


@pytest.mark.parametrize(
    ("fields", "written"),
    [({"status": "incomplete"}, TEXT[10:]), ({"status": "completed"}, TEXT), ({}, TEXT)],
    ids=["incomplete", "completed", "no status"],
)
def test_the_text_goes_on_only_behind_a_message_that_is_incomplete(
    emulator: Emulator, fields: dict[str, Any], written: str
) -> None:
    emulator.state.responder = write_text(TEXT)
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": TEXT[:10]}]}
    body = post_response(emulator, input=[{"role": "user", "content": "Go on."}, {**message, **fields}]).json()
    assert body["output"][-1]["content"][0]["text"] == written
