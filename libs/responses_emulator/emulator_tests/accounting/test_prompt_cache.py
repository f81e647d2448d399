"""The prompt cache finds the common prefix of prompts under one key."""

from __future__ import annotations

from emulator_clients.responses import stream_events
from responses_emulator import Emulator


def test_the_prompt_cache_reports_hits_of_one_key(emulator: Emulator) -> None:
    long = {"instructions": "Rules. " * 1000, "prompt_cache_key": "session"}
    first = stream_events(emulator, **long)[-1]["response"]["usage"]
    second = stream_events(emulator, **long, input="another question")[-1]["response"]["usage"]
    other_key = stream_events(emulator, **{**long, "prompt_cache_key": "other"})[-1]["response"]["usage"]
    changed = stream_events(emulator, **{**long, "instructions": "x" + long["instructions"]})[-1]["response"]["usage"]
    assert first["input_tokens_details"]["cached_tokens"] == 0
    assert first["input_tokens_details"]["cache_write_tokens"] == 1664
    assert second["input_tokens_details"]["cached_tokens"] == 1664
    assert other_key["input_tokens_details"]["cached_tokens"] == changed["input_tokens_details"]["cached_tokens"] == 0
    assert first["total_tokens"] == first["input_tokens"] + first["output_tokens"]
