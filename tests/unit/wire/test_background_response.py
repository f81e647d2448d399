"""What the events of a background response say of it, and which event belongs to a status."""

from __future__ import annotations

import pytest
from openai_responses_common.wire.background_response import BackgroundResponse, make_status_event


def test_the_first_id_and_the_newest_number_count() -> None:
    known = BackgroundResponse()
    known.note_event({"type": "keepalive", "sequence_number": "odd"})
    assert (known.response_id, known.last_number) == ("", None)
    known.note_event({"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1"}})
    known.note_event({"type": "response.in_progress", "sequence_number": 1, "response": {"id": "resp_2"}})
    known.note_event({"type": "response.output_text.delta", "sequence_number": 7})
    assert (known.response_id, known.last_number) == ("resp_1", 7)
    known.note_event({"type": "response.completed", "response": {"id": 5}})
    assert known == BackgroundResponse(response_id="resp_1", last_number=7)


@pytest.mark.parametrize(
    ("status", "event_type"),
    [
        ("queued", "response.queued"),
        ("in_progress", "response.in_progress"),
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        ("cancelled", "response.cancelled"),
    ],
)
def test_the_event_of_a_status(status: str, event_type: str) -> None:
    assert make_status_event({"status": status}) == {"type": event_type, "response": {"status": status}}
