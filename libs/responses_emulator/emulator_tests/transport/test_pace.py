"""The word delay slows the output of a responder down."""

from __future__ import annotations

from emulator_clients.responses import parse_events, post_response
from responses_emulator import Emulator


def test_the_output_of_a_responder_is_streamed_word_by_word() -> None:
    with Emulator(word_delay_s=0.01) as emulator:
        events = parse_events(post_response(emulator, stream=True, input="hello").text)
        deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
        assert len(deltas) > 10
