"""A window that a service made: it goes back whole, to its maker only, and stands for what was before it."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError
from amplifier_core.message_models import Message
from openai_responses_common.facts.amendments import NO_AMENDMENTS
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.options.options import Options
from openai_responses_common.translate.compaction import build_window, find_answered_calls, make_window_message
from openai_responses_common.translate.encode import EncodedRequest, encode_request
from openai_responses_common.translate.encoding_cache import EncodingCache

from tests.support.builders import assistant, call, called, said, user
from tests.support.session import asking, developer, result, system

MODEL = "gpt-5.6-sol"
COMPACTION = {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}
WINDOW: list[dict[str, Any]] = [
    {**said("user", "long ago"), "id": "msg_1", "status": "completed"},
    called("kept", id="fc_1"),
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "y"},
    COMPACTION,
]


def carrier(window: Any = WINDOW, model: str = MODEL, origin: str = "here", **state: Any) -> Message:
    message = make_window_message(window, model=model, origin=origin)
    message["metadata"]["openai:compaction"].update(state)
    return Message(**message)


def encode(*messages: Message, model: str = MODEL, cache: EncodingCache | None = None) -> EncodedRequest:
    options = Options(model=model)
    return encode_request(
        asking(*messages),
        options,
        profile=BackendProfile(name="p", display_name="P"),
        traits=options.model_info.traits_of(model),
        amendments=NO_AMENDMENTS,
        origin="here",
        cache=cache,
    )


def items(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    return encode(*messages, **options).body["input"]  # type: ignore[return-value]


def test_a_window_goes_back_whole_and_stands_for_what_was_before_it() -> None:
    encoded = encode(system("s"), user("old"), assistant(call("lost")), carrier(), user("new"))
    assert encoded.body["input"] == [*WINDOW, said("user", "new")]
    assert encoded.body.get("instructions") == "s"
    assert encoded.repairs == []


def test_system_text_stays_in_front_of_the_window() -> None:
    assert items(system("s"), developer("d"), user("old"), carrier(), user())[:2] == [said("developer", "d"), WINDOW[0]]
    in_input = items(system("s"), user("old"), carrier(model="gpt-6.2-sol"), user(), model="gpt-6.2-sol")
    assert in_input[:2] == [said("developer", "s"), WINDOW[0]]


def test_what_is_behind_the_window_is_repaired_and_the_window_is_not() -> None:
    encoded = encode(carrier(), assistant(call("new")), user("next"))
    assert encoded.body["input"][: len(WINDOW)] == WINDOW
    assert [repair.kind for repair in encoded.repairs] == ["missing_result"]
    assert [item["type"] for item in encoded.body["input"][len(WINDOW) :]] == [
        "function_call",
        "function_call_output",
        "message",
    ]


def test_a_result_behind_the_window_belongs_to_a_call_in_it() -> None:
    encoded = encode(carrier(), result("kept", "late"), user("next"))
    assert encoded.repairs == []
    assert encoded.body["input"][len(WINDOW)]["output"] == "late"
    orphan = encode(carrier(), result("never", "late"), user("next"))
    assert [repair.kind for repair in orphan.repairs] == ["orphan_result"]


def test_a_call_with_an_output_or_a_namesake_needs_no_help() -> None:
    output = {"type": "function_call_output", "call_id": "kept", "output": "o"}
    assert find_answered_calls([], [output]) == []
    assert find_answered_calls(WINDOW, [output]) == [WINDOW[1]]
    assert find_answered_calls([*WINDOW, output], [output]) == []
    assert find_answered_calls(WINDOW, [called("kept"), output]) == []


def test_a_newer_compaction_replaces_the_window() -> None:
    from tests.unit.translate.test_replay import compaction

    newer = items(carrier(), user("next"), assistant(compaction()), user("more"))
    assert [item["type"] for item in newer] == ["compaction", "message"]


def test_the_newest_of_two_windows_counts() -> None:
    assert items(carrier([said("user", "older"), COMPACTION]), user("between"), carrier(), user()) == [
        *WINDOW,
        said("user", "hi"),
    ]


def test_a_cache_does_not_take_one_window_for_another() -> None:
    cache = EncodingCache()
    first = items(carrier(), user(), cache=cache)
    other = items(carrier([COMPACTION]), user(), cache=cache)
    assert (len(first), len(other)) == (len(WINDOW) + 1, 2)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (carrier(model="gpt-6-sol"), "only gpt-6-sol can read"),
        (carrier(model=""), "only another model can read"),
        (carrier(origin="there"), "only the account and the address"),
        (carrier(origin=None), "only the account and the address"),  # type: ignore[arg-type]
        (carrier(version=2), "is damaged"),
        (carrier(output="text"), "is damaged"),
        (carrier(output=["text"]), "is damaged"),
        (carrier(output=[said("user", "no compaction")]), "is damaged"),
        (carrier(output=[{"type": "compaction", "encrypted_content": ""}]), "is damaged"),
    ],
)
def test_a_window_of_another_maker_is_refused_with_the_reason(message: Message, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        encode(message, user())


def test_a_snapshot_is_the_same_model() -> None:
    assert items(carrier(model="GPT-5.6-sol"), user())[-1] == said("user", "hi")


def test_a_streamed_compaction_stands_behind_what_the_user_said() -> None:
    before = [said("developer", "d"), said("user", "a"), called(), said("user", "b")]
    assert build_window(before, COMPACTION) == [before[1], before[3], COMPACTION]
