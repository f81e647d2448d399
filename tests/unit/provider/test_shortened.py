"""What a host took out of a request: removed messages, shortened results, and nothing that is still there."""

from __future__ import annotations

from amplifier_core.message_models import Message, TextBlock
from openai_responses_common.provider.shortened import ShortenedRequest

from tests.support.builders import user
from tests.support.session import result, system

FACTS = {"input_limit_tokens": 10, "input_tokens": 20}
BEFORE = [system("s"), user("old" * 40), user("old" * 40), result("c", "long" * 100), user([TextBlock(text="now")])]


def test_what_is_missing_or_shorter_is_listed() -> None:
    refused = ShortenedRequest(BEFORE, FACTS)
    report = refused.describe([BEFORE[0], BEFORE[1], result("c", "lo"), BEFORE[4]])
    assert report == {
        "input_limit_tokens": 10,
        "input_tokens": 20,
        "message_count_before": 5,
        "message_count": 4,
        "shortened_count": 2,
        "shortened": [
            {"role": "user", "tokens_before": 30, "tokens_after": 0},
            {"role": "tool", "tokens_before": 100, "tokens_after": 0, "tool_call_id": "c"},
        ],
    }


def test_a_result_that_is_gone_is_listed_as_gone() -> None:
    report = ShortenedRequest(BEFORE, FACTS).describe([*BEFORE[:3], Message(role="user", content="now")])
    assert report is not None
    assert [entry["role"] for entry in report["shortened"]] == ["tool", "user"]


def test_nothing_is_reported_if_nothing_is_missing() -> None:
    assert ShortenedRequest(BEFORE, FACTS).describe([*BEFORE, user("more")]) is None


def test_only_a_message_of_the_conversation_continues_it() -> None:
    refused = ShortenedRequest(BEFORE, FACTS)
    assert refused.is_continued_by([system("s"), user("old" * 40)])
    assert refused.is_continued_by([result("c", "lo")])
    assert not refused.is_continued_by([system("s"), user("name this session")])
