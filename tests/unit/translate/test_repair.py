"""Orphan calls and results: whatever the history lost, every call goes out with exactly one result behind it."""

from __future__ import annotations

import copy
import re
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_responses_common.translate.repair import MISSING_RESULT, REPAIR_REASONS, Repair, RepairKind, repair_calls
from openai_responses_common.wire.client_calls import (
    CLIENT_CALLS,
    call_output,
    find_client_call,
    read_call_key,
    read_output_key,
)
from openai_responses_common.wire.request_body import SharedItem

Item = dict[str, Any]

USER: Item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]}
REPLY: Item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
REASONING: Item = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"}
SERVICE: list[Item] = [
    {"type": "web_search_call", "id": "ws", "action": {}},
    {"type": "tool_search_call", "id": "tsc", "execution": "server", "call_id": None, "arguments": {}},
    {"type": "tool_search_output", "id": "tso", "execution": "server", "tools": []},
    {"type": "shell_call", "id": "sh", "call_id": "s", "environment": {"type": "container_reference"}, "action": {}},
    {"type": "shell_call_output", "id": "sho", "call_id": "s", "output": []},
    {"type": "compaction", "id": "cmp", "encrypted_content": "x"},
    {"type": "never_heard_of"},
]


def call(key: str, kind: str = "function_call") -> Item:
    match kind:
        case "mcp_approval_request":
            return {"type": kind, "id": key, "server_label": "s", "name": "n", "arguments": "{}"}
        case "tool_search_call":
            return {"type": kind, "call_id": key, "execution": "client", "arguments": {}}
        case "function_call" | "custom_tool_call":
            return {"type": kind, "id": f"item_{key}", "call_id": key, "name": "bash", "arguments": "{}"}
        case _:
            return {"type": kind, "id": f"item_{key}", "call_id": key}


def again(key: str, item_id: str | None = None, **fields: Any) -> Item:
    """A call with an id that an earlier one may have."""
    item = call(key) | fields
    del item["id"]
    return item | {"id": item_id} if item_id else item


def kinds(repairs: list[Repair]) -> list[str]:
    return [each.kind for each in repairs]


def result(key: str, kind: str = "function_call", output: str = "ok") -> Item:
    return call_output(call(key, kind), key, output)


def lost(key: str, kind: str = "function_call") -> Item:
    return result(key, kind, MISSING_RESULT)


def keys(items: list[Item]) -> list[str]:
    """The conversation in short: `a` for a call, `a=` for its result, the type or role of anything else."""
    return [
        read_call_key(item)
        if find_client_call(item)
        else f"{read_output_key(item)}="
        if item["type"].endswith(("_output", "_response"))
        else item.get("role", item["type"])
        for item in items
    ]


def test_a_whole_conversation_is_left_as_it_is() -> None:
    items = [USER, REASONING, call("a"), call("b"), result("b"), result("a"), REPLY, USER, *SERVICE]
    mended, repairs = repair_calls(items)
    assert mended == items
    assert all(new is old for new, old in zip(mended, items, strict=True))
    assert repairs == []


@pytest.mark.parametrize("kind", CLIENT_CALLS)
def test_a_missing_result_is_made_up_in_the_form_of_its_call(kind: str) -> None:
    mended, repairs = repair_calls([USER, call("a", kind), USER])
    assert mended == [USER, call("a", kind), lost("a", kind), USER]
    name = "bash" if kind in {"function_call", "custom_tool_call"} else "n" if kind.startswith("mcp") else kind
    assert repairs == [Repair(kind="missing_result", call_id="a", tool_name=name)]


@pytest.mark.parametrize("kind", CLIENT_CALLS)
def test_a_result_that_is_there_is_kept(kind: str) -> None:
    items = [USER, call("a", kind), result("a", kind), USER]
    assert repair_calls(items) == (items, [])


def test_the_model_is_told_what_happened_and_what_to_do() -> None:
    assert "interrupted" in MISSING_RESULT
    assert "call the tool again" in MISSING_RESULT


def test_a_missing_result_is_made_up_on_every_request_again() -> None:
    """The history is not ours to change, so the next request lacks it again."""
    items = [USER, call("a"), USER]
    assert repair_calls(items) == repair_calls(items)
    assert len(repair_calls(items)[0]) == 4


def test_results_without_a_call_are_left_out() -> None:
    mended, repairs = repair_calls([USER, result("gone"), call("a"), result("a")])
    assert keys(mended) == ["user", "a", "a="]
    assert repairs == [Repair(kind="orphan_result", call_id="gone")]


def test_a_repeated_result_is_left_out() -> None:
    mended, repairs = repair_calls([call("a"), result("a", output="first"), USER, result("a", output="second")])
    assert mended == [call("a"), result("a", output="first"), USER]
    assert repairs == [Repair(kind="duplicate_result", call_id="a")]


def test_a_repeated_call_is_left_out() -> None:
    mended, repairs = repair_calls([call("a"), result("a"), USER, call("a"), result("a")])
    assert keys(mended) == ["a", "a=", "user"]
    assert [each.kind for each in repairs] == ["duplicate_call", "duplicate_result"]
    assert repairs[0].tool_name == "bash"


def test_a_result_before_its_call_moves_behind_it() -> None:
    mended, repairs = repair_calls([USER, result("a"), call("a"), USER])
    assert keys(mended) == ["user", "a", "a=", "user"]
    assert kinds(repairs) == ["early_result"]


def test_a_late_result_stays_where_it_is() -> None:
    items = [call("a"), USER, result("a")]
    assert repair_calls(items) == (items, [])


@pytest.mark.parametrize("kind", CLIENT_CALLS)
def test_result_of_a_function_is_sent_in_the_form_of_its_call(kind: str) -> None:
    """The service looks for a call output of the call's own kind."""
    assert repair_calls([call("a", kind), result("a", output="ok")]) == ([call("a", kind), result("a", kind)], [])


def test_result_of_another_kind_is_not_taken() -> None:
    mended, repairs = repair_calls([call("a", "custom_tool_call"), result("a", "shell_call")])
    assert mended == [call("a", "custom_tool_call"), lost("a", "custom_tool_call")]
    assert kinds(repairs) == ["missing_result", "duplicate_result"]


def test_an_approval_is_paired_by_the_id_of_its_request() -> None:
    items = [call("mcpr_1", "mcp_approval_request"), result("mcpr_1", "mcp_approval_request", "yes")]
    assert repair_calls(items) == (items, [])


def test_what_the_service_answered_itself_is_left_alone() -> None:
    assert repair_calls(SERVICE) == (SERVICE, [])


TURNS: list[list[Item]] = [
    [USER, REASONING, call("a"), call("b"), result("b")],
    [REASONING, call("c"), result("c")],
    [call("d"), call("e"), result("d")],
    [REPLY, call("f")],
    [call("g"), result("g")],
    [REPLY],
    [USER, call("h")],
    [USER, call("i"), REPLY],
    [USER, REPLY],
]


def test_a_made_up_result_keeps_its_place_while_the_loop_goes_on() -> None:
    before: list[Item] = []
    for count in range(1, len(TURNS) + 1):
        mended, _ = repair_calls([item for turn in TURNS[:count] for item in turn])
        assert mended[: len(before)] == before, f"turn {count}"
        before = mended


@st.composite
def turns(draw: st.DrawFn) -> list[list[Item]]:
    """A history as loops write it, but for results that were lost."""
    history: list[list[Item]] = []
    number = 0
    for _ in range(draw(st.integers(1, 6))):
        turn: list[Item] = [USER] if draw(st.booleans()) else []
        answers: list[Item] = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            kind = draw(st.sampled_from(["function_call", "custom_tool_call", "shell_call"]))
            turn.extend([REASONING] if draw(st.booleans()) else [])
            turn.append(call(f"c{number}", kind))
            answers.extend([result(f"c{number}", kind)] if draw(st.booleans()) else [])
        turn.extend([REPLY] if draw(st.booleans()) else [])
        history.append([*turn, *answers])
    return history


@given(turns())
def test_repairing_more_of_a_history_repairs_its_beginning_alike(history: list[list[Item]]) -> None:
    before: list[Item] = []
    for count in range(1, len(history) + 1):
        mended, _ = repair_calls([item for turn in history[:count] for item in turn])
        assert mended[: len(before)] == before
        before = mended


def test_calls_are_paired_by_occurrence() -> None:
    """A server that numbers its calls anew in each response gives each of them the same id."""
    history = [again("a", "fc_1"), result("a", output="1"), USER, again("a", "fc_2"), result("a", output="2")]
    mended, repairs = repair_calls(history)
    new_id = mended[3]["call_id"]
    assert re.fullmatch("call_[0-9a-f]{32}", new_id)
    assert mended == [*history[:3], again(new_id, "fc_2"), result(new_id, output="2")]
    assert repairs == [Repair(kind="repeated_id", call_id="a", tool_name="bash")]
    longer, _ = repair_calls([*history, again("a", "fc_3"), result("a", output="3")])
    assert longer[: len(mended)] == mended, "a new id is the same in every request"


def test_parallel_calls_with_one_id_get_their_results_in_order() -> None:
    history = [again("a", arguments="1"), again("a", arguments="2"), result("a", output="1"), result("a", output="2")]
    mended, _ = repair_calls(history)
    assert len({item["call_id"] for item in mended}) == 2
    outputs = {item["call_id"]: item["output"] for item in mended if "output" in item}
    assert [(item["arguments"], outputs[item["call_id"]]) for item in mended[:2]] == [("1", "1"), ("2", "2")]


@pytest.mark.parametrize("user", [USER, {"role": "user", "content": "go on"}], ids=["message", "short form"])
def test_interrupted_call_does_not_take_the_result_of_a_later_turn(user: Item) -> None:
    history = [again("a", arguments="1"), user, again("a", arguments="2"), result("a", output="2")]
    mended, repairs = repair_calls(history)
    assert [item.get("output") for item in mended] == [None, MISSING_RESULT, None, None, "2"]
    assert mended[3]["call_id"] == mended[4]["call_id"]
    assert kinds(repairs) == ["missing_result", "repeated_id"]


def test_equal_calls_with_their_own_results_are_two() -> None:
    """A model that polls makes the same call again; lost, it would poll for ever."""
    poll = [again("a"), result("a")]
    assert len(repair_calls([*poll, *poll])[0]) == 4
    assert len(repair_calls([*poll, USER, again("a"), result("a", output="done")])[0]) == 5


def test_item_ids_come_once() -> None:
    """A server may number its items anew too."""
    mended, _ = repair_calls([again("a", "fc_0", arguments="1"), again("b", "fc_0", arguments="2")])
    assert [item.get("id") for item in mended if "name" in item] == ["fc_0", None]
    kind = "computer_call"
    twice = [call("a", kind) | {"id": "cu_0"}, call("b", kind) | {"id": "cu_0"}]
    assert [item["id"] for item in repair_calls(twice)[0][::2]] == ["cu_0", "cu_b"]


def test_call_that_needs_an_id_gets_one_that_the_service_takes() -> None:
    mended, _ = repair_calls([again("toolu:" + "x" * 50) | {"type": "computer_call"}])
    assert re.fullmatch("cu_[0-9a-f]{32}", mended[0]["id"])


def test_every_kind_of_repair_has_a_reason() -> None:
    assert set(REPAIR_REASONS) == set(get_args(RepairKind))


KEYS = st.sampled_from("ab")
KINDS = st.sampled_from(sorted(CLIENT_CALLS))
ITEMS = st.lists(
    st.one_of(
        st.builds(call, KEYS, KINDS),
        st.builds(again, KEYS, st.none() | st.sampled_from(["fc_0", "fc_1"]), arguments=st.sampled_from("12")),
        st.builds(result, KEYS, KINDS, st.sampled_from(["ok", "other", ""])),
        st.sampled_from([USER, REPLY, REASONING, {**USER, "role": "developer"}, {**USER, "role": "system"}, *SERVICE]),
    ),
    max_size=14,
)


def once(items: list[Item]) -> list[Item]:
    """Without what was handed out once and is there again."""
    seen: list[Item] = []
    return [
        item for item in items if "id" not in item or find_client_call(item) or by_client(item) or not _seen(item, seen)
    ]


def _seen(item: Item, seen: list[Item]) -> bool:
    known = item in seen
    seen.append(item)
    return known


def by_client(item: Item) -> bool:
    return item["type"] in {row.output_type for row in CLIENT_CALLS.values()} and "id" not in item


@given(ITEMS)
@settings(max_examples=400)
def test_after_the_repair_the_rules_of_the_service_hold(items: list[Item]) -> None:
    before = copy.deepcopy(items)
    mended, repairs = repair_calls(items)
    assert items == before, "the items are somebody else's"

    called: dict[str, int] = {}
    for index, item in enumerate(mended):
        if find_client_call(item):
            assert read_call_key(item) not in called, "an id comes once"
            called[read_call_key(item)] = index
    answers = [(index, item) for index, item in enumerate(mended) if by_client(item)]
    assert sorted(read_output_key(item) for _, item in answers) == sorted(called), "one result for every call"
    for index, item in answers:
        place = called[read_output_key(item)]
        assert place < index, "a result stands behind its call"
        assert item["type"] == CLIENT_CALLS[mended[place]["type"]].output_type, "in the form that its call asks for"

    def others(list_: list[Item]) -> list[Item]:
        return [item for item in list_ if not find_client_call(item) and not by_client(item)]

    assert others(mended) == others(once(items)), "nothing else is touched"
    calls = [item for item in items if find_client_call(item)]
    assert len(calls) == len(called) + kinds(repairs).count("duplicate_call"), "no call is lost in silence"


@given(ITEMS)
def test_mending_what_is_mended_changes_nothing(items: list[Item]) -> None:
    mended, _ = repair_calls(items)
    assert repair_calls(mended) == (mended, [])


@given(ITEMS)
def test_everything_that_was_mended_is_told(items: list[Item]) -> None:
    mended, repairs = repair_calls(items)
    told = kinds(repairs)
    dropped = sum(told.count(kind) for kind in ("orphan_result", "duplicate_result", "duplicate_call"))
    assert len(mended) == len(once(items)) + told.count("missing_result") - dropped
    assert all(each.call_id in "ab" for each in repairs)


def test_what_was_kept_twice_is_sent_once() -> None:
    """The service refuses a second item of the same id, and would do so on every later request of the conversation."""
    said = {**REPLY, "id": "msg_1"}
    search = {"type": "web_search_call", "id": "ws_1", "action": {}}
    without_id = {"type": "reasoning", "summary": [], "encrypted_content": "y"}
    mended, repairs = repair_calls(
        [REASONING, without_id, search, said, USER, REASONING, without_id, search, said, USER]
    )
    assert mended == [REASONING, without_id, search, said, USER, REPLY, USER]
    assert repairs == []


@pytest.mark.parametrize("key", ["", "x" * 65, "\ud800", None], ids=["empty", "long", "half", "none"])
def test_a_call_goes_under_an_id_that_the_service_takes(key: Any) -> None:
    """Other providers give longer ids, or none; the call keeps its result, and its new id in every request."""
    history = [again(key), result(key, output="ok")]
    mended, repairs = repair_calls(history)
    assert kinds(repairs) == ["invalid_id"]
    assert mended[0]["call_id"] == mended[1]["call_id"]
    assert re.fullmatch("call_[0-9a-f]{32}", mended[0]["call_id"])
    assert mended[1]["output"] == "ok"
    assert repair_calls(mended) == (mended, [])
    assert repair_calls(history) == (mended, repairs)


def test_ids_that_fit_are_left_alone() -> None:
    history = [call("x" * 64), result("x" * 64)]
    assert repair_calls(history) == (history, [])


def test_ids_that_would_be_sent_alike_stay_two() -> None:
    """Halves of surrogate pairs go as "?"; what is told of a repair can be told too."""
    mended, repairs = repair_calls([{**call("\ud800"), "name": "\ud800"}, call("\udfff")])
    assert len({item["call_id"] for item in mended}) == 2
    assert {each.tool_name for each in repairs} == {"?", "bash"}
    assert all(each.call_id == "?" for each in repairs)


def test_output_of_a_native_call_is_made_once_for_items_that_requests_share() -> None:
    asked = SharedItem({"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": ""})
    result = SharedItem({"type": "function_call_output", "call_id": "c", "output": "done"})
    first, _ = repair_calls([asked, result])
    again, _ = repair_calls([asked, result])
    assert first == repair_calls([dict(asked), dict(result)])[0]
    assert first[1] is again[1]
    other = SharedItem({**asked, "name": "sql2"})
    assert repair_calls([other, result])[0] == repair_calls([dict(other), dict(result)])[0]
