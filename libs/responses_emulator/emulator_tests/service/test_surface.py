"""A surface can be changed into that of another server."""

from __future__ import annotations

from dataclasses import replace

from emulator_clients.responses import stream_events
from responses_emulator import Emulator, NoTerminalOutput, ResponseFields, openai_surface


def test_a_surface_can_serve_any_model_with_other_fields() -> None:
    usual = openai_surface(any_model=True)
    own = replace(usual, turn_parts=(NoTerminalOutput(), ResponseFields({"content_filters": []})))
    with Emulator(surfaces=(own,)) as emulator:
        last = stream_events(emulator, model="llama-9", temperature=0.3)[-1]["response"]
        assert (last["model"], last["output"], last["content_filters"]) == ("llama-9", [], [])
