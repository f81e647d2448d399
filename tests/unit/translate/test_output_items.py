"""What an output item shows: texts of messages, and thinking of reasoning."""

from __future__ import annotations

from openai_responses_common.translate.output_items import read_message_texts, read_thinking


def test_raw_reasoning_is_shown_if_there_is_no_summary() -> None:
    raw = [{"type": "reasoning_text", "text": "hm"}, {"type": "reasoning_text", "text": ""}]
    summary = [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}]
    assert read_thinking({"type": "reasoning", "summary": [], "content": raw}) == "hm"
    assert read_thinking({"type": "reasoning", "summary": None, "content": None}) == ""
    assert read_thinking({"type": "reasoning", "summary": summary, "content": raw}) == "One\n\nTwo"


def test_texts_of_a_message_keep_their_index() -> None:
    texts = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": ""}, {"refusal": "no"}]
    assert read_message_texts({"type": "message", "content": texts}) == ["a", "", "no"]
    assert read_message_texts({"type": "message", "content": None}) == []
    assert read_message_texts({"type": "reasoning", "content": [{"text": "x"}]}) == []
