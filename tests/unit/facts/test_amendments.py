"""What amendments do to a body: the dropped fields are gone, and the rest stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from openai_responses_common.facts.amendments import (
    MEDIA_IN_RESULT_NOTE,
    REFUSED_MEDIA_NOTE,
    Amendments,
    amend_body,
    media_key,
    tool_key,
)
from openai_responses_common.wire.request_body import SharedItem

TOOL = {"type": "function", "name": "f", "parameters": {}, "strict": False}
BODY: dict[str, Any] = {
    "model": "m",
    "store": False,
    "reasoning": {"effort": "low", "summary": "auto"},
    "tools": [TOOL, {"type": "web_search"}],
    "input": [],
}


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("store", {"store": None}),
        ("reasoning", {"reasoning": None}),
        ("reasoning.summary", {"reasoning": {"effort": "low"}}),
        ("tools.strict", {"tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}]}),
        ("text.verbosity", {}),
        ("include", {}),
    ],
)
def test_a_dropped_field_is_gone_and_the_rest_stays(path: str, changes: dict[str, Any]) -> None:
    body = copy.copy(BODY)
    before = copy.deepcopy(BODY)
    amended, _ = amend_body(body, Amendments(dropped_fields=frozenset({path})))
    assert amended == {key: value for key, value in {**before, **changes}.items() if value is not None}
    assert before == BODY, "the tools and objects of the caller are not changed"


def test_a_field_that_becomes_empty_is_gone() -> None:
    body = {"reasoning": {"effort": "low"}, "text": {"verbosity": "low"}, "input": []}
    for paths in ({"reasoning.effort", "text.verbosity"}, {"reasoning.effort", "text", "tools.strict"}):
        amended, _ = amend_body(body, Amendments(dropped_fields=frozenset(paths)))
        assert amended == {"input": []}


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"}
OTHER_IMAGE = {"type": "input_image", "file_id": "file_1", "detail": "auto"}
RESULT = {"type": "function_call_output", "call_id": "c"}
TEXT = {"type": "input_text", "text": "t"}
REMINDER = {"type": "message", "role": "developer", "content": [TEXT]}
ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": []}]}
USER = {"type": "message", "role": "user", "content": [TEXT]}
SEARCH = {"type": "web_search"}
NAMED = {"type": "function", "name": "f"}


def message(role: str, *texts: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text} for text in texts]}


@pytest.mark.parametrize(
    ("amendments", "before", "after"),
    [
        (Amendments(streams=False), {"stream": True}, {"stream": False}),
        (Amendments(dropped_include_values=frozenset({"a"})), {"include": ["a", "b"]}, {"include": ["b"]}),
        (Amendments(dropped_include_values=frozenset({"a"})), {"include": ["a"]}, {}),
        (
            Amendments(dropped_tool_keys=frozenset({tool_key(NAMED)})),
            {"tools": [NAMED, SEARCH], "tool_choice": NAMED, "parallel_tool_calls": True},
            {"tools": [SEARCH], "tool_choice": "auto", "parallel_tool_calls": True},
        ),
        (
            Amendments(dropped_tool_keys=frozenset({tool_key(NAMED)})),
            {"tools": [NAMED, SEARCH], "tool_choice": "required"},
            {"tools": [SEARCH], "tool_choice": "required"},
        ),
        (
            Amendments(dropped_tool_keys=frozenset({tool_key(NAMED)})),
            {"tools": [NAMED], "tool_choice": "required", "parallel_tool_calls": True},
            {},
        ),
        (
            Amendments(dropped_tool_keys=frozenset({tool_key({**NAMED, "parameters": {}})})),
            {"tools": [NAMED]},
            {"tools": [NAMED]},
        ),
        (
            Amendments(dropped_item_fields=frozenset({"message.phase"})),
            {"input": [{**ANSWER, "phase": "commentary"}, {**CALL, "phase": "x"}]},
            {"input": [ANSWER, {**CALL, "phase": "x"}]},
        ),
        (
            Amendments(system_text_role="system"),
            {"input": [USER, REMINDER]},
            {"input": [USER, message("system", "t")]},
        ),
        (
            Amendments(system_text_role="user"),
            {"input": [REMINDER, USER, REMINDER, message("system", "a", "b")]},
            {
                "input": [
                    REMINDER,
                    USER,
                    message("user", "<system-reminder>\nt\n</system-reminder>"),
                    message("user", "<system-reminder>\n", "a", "b", "\n</system-reminder>"),
                ]
            },
        ),
        (
            Amendments(system_text_role="user"),
            {"instructions": "i", "input": [REMINDER, USER]},
            {"instructions": "i", "input": [message("user", "<system-reminder>\nt\n</system-reminder>"), USER]},
        ),
        (
            Amendments(message_status=True),
            {"input": [USER, {**ANSWER, "id": "msg_1"}, {**ANSWER, "id": "msg_2", "status": "incomplete"}, ANSWER]},
            {
                "input": [
                    USER,
                    {**ANSWER, "id": "msg_1", "status": "completed"},
                    {**ANSWER, "id": "msg_2", "status": "incomplete"},
                    {"type": "message", "role": "assistant", "content": "a"},
                ]
            },
        ),
        (
            Amendments(media_in_tool_results=False),
            {"input": [USER, {**RESULT, "output": [TEXT, IMAGE]}, {**USER, "content": [IMAGE]}]},
            {"input": [USER, {**RESULT, "output": f"t\n{MEDIA_IN_RESULT_NOTE}"}, {**USER, "content": [IMAGE]}]},
        ),
        (
            Amendments(refused_media_keys=frozenset({media_key(IMAGE)})),
            {"input": [{**RESULT, "output": [IMAGE, OTHER_IMAGE]}, {**USER, "content": [TEXT, IMAGE]}]},
            {
                "input": [
                    {**RESULT, "output": [{"type": "input_text", "text": REFUSED_MEDIA_NOTE}, OTHER_IMAGE]},
                    {**USER, "content": [TEXT, {"type": "input_text", "text": REFUSED_MEDIA_NOTE}]},
                ]
            },
        ),
    ],
)
def test_an_amendment_changes_its_part_of_the_body(
    amendments: Amendments, before: dict[str, Any], after: dict[str, Any]
) -> None:
    body = {"model": "m", "input": [], **before}
    copied = copy.deepcopy(body)
    amended, notes = amend_body(body, amendments)
    expected = {"model": "m", "input": [], **after}
    assert amended == expected
    assert body == copied, "the caller's body is not changed"
    assert bool(notes) == (
        amended != body and any(word in str(before) for word in ("tools", "include", "input_image", "stream"))
    )


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ({"dropped_fields": frozenset("a")}, {"dropped_fields": frozenset("b")}, {"dropped_fields": frozenset("ab")}),
        ({"streams": False}, {"message_status": True}, {"streams": False, "message_status": True}),
        ({"effort_updates": False}, {}, {"effort_updates": False}),
        ({"allowed_efforts": ("low",)}, {}, {"allowed_efforts": ("low",)}),
        ({}, {"allowed_efforts": ("low",)}, {"allowed_efforts": ("low",)}),
        (
            {"allowed_efforts": ("low", "high")},
            {"allowed_efforts": ("high", "max")},
            {"allowed_efforts": ("high",)},
        ),
        ({"allowed_efforts": ("low",)}, {"allowed_efforts": ("high",)}, {"allowed_efforts": ("high",)}),
        ({"system_text_role": "user"}, {"system_text_role": "system"}, {"system_text_role": "user"}),
        ({}, {"system_text_role": "system"}, {"system_text_role": "system"}),
    ],
)
def test_amendments_of_two_calls_add_up(first: Any, second: Any, merged: Any) -> None:
    assert Amendments(**first).merge(Amendments(**second)) == Amendments(**merged)


@pytest.mark.parametrize(
    ("amendments", "before", "after"),
    [
        (
            Amendments(system_text_role="user", system_text_at_start=False),
            {"instructions": "i", "input": [USER]},
            {"input": [message("user", "<system-reminder>\ni\n</system-reminder>"), USER]},
        ),
        (
            Amendments(system_text_role="user", system_text_at_start=False),
            {"input": [REMINDER]},
            {"input": [message("user", "<system-reminder>\nt\n</system-reminder>")]},
        ),
        (
            Amendments(joins_user_messages=True),
            {"input": [USER, {**USER, "content": "u"}, ANSWER, USER]},
            {"input": [message("user", "t", "u"), ANSWER, USER]},
        ),
        (
            Amendments(dropped_item_fields=frozenset({"message.content.annotations", "message.phase"})),
            {"input": [{**ANSWER, "phase": "x"}, {**ANSWER, "content": "a"}, CALL]},
            {
                "input": [
                    {**ANSWER, "content": [{"type": "output_text", "text": "a"}]},
                    {**ANSWER, "content": "a"},
                    CALL,
                ]
            },
        ),
        (
            Amendments(message_status=True),
            {"input": [{"type": "message", "role": "assistant", "content": "a"}]},
            {"input": [{"type": "message", "role": "assistant", "content": "a"}]},
        ),
        (
            Amendments(dropped_tool_keys=frozenset({tool_key(NAMED)})),
            {
                "tools": [NAMED, {"type": "function", "name": "g"}, SEARCH],
                "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "g"}]},
            },
            {
                "tools": [{"type": "function", "name": "g"}, SEARCH],
                "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "g"}]},
            },
        ),
        (Amendments(dropped_tool_keys=frozenset({tool_key(SEARCH)})), {"tools": [NAMED, SEARCH]}, {"tools": [NAMED]}),
        (
            Amendments(answers_results=True, joins_user_messages=True),
            {"input": [CALL, RESULT, USER, USER, ANSWER, USER]},
            {
                "input": [
                    CALL,
                    RESULT,
                    {"type": "message", "role": "assistant", "content": "[tool results received]"},
                    {**USER, "content": [TEXT, TEXT]},
                    ANSWER,
                    USER,
                ]
            },
        ),
        (Amendments(max_tools=2), {"tools": [NAMED, SEARCH]}, {"tools": [NAMED, SEARCH]}),
        (
            Amendments(max_tools=1, dropped_tool_keys=frozenset({tool_key(SEARCH)})),
            {"tools": [SEARCH, NAMED, {"type": "function", "name": "g"}], "tool_choice": {**NAMED, "name": "g"}},
            {"tools": [NAMED], "tool_choice": "auto"},
        ),
    ],
)
def test_an_amendment_changes_what_is_around_it(
    amendments: Amendments, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert amend_body({"model": "m", "input": [], **before}, amendments)[0] == {"model": "m", "input": [], **after}


def test_item_that_requests_share_is_amended_once() -> None:
    said = SharedItem({"type": "message", "role": "assistant", "id": "m", "phase": "x", "content": []})
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    seen = SharedItem({"type": "function_call_output", "call_id": "c", "output": [image]})
    body = {"model": "m", "input": [said, seen]}
    amendments = Amendments(dropped_item_fields=frozenset({"message.phase"}), media_in_tool_results=False)
    first, notes = amend_body(body, amendments)
    again, same_notes = amend_body(body, amendments.merge(amendments))
    assert notes == same_notes != []
    assert "phase" not in first["input"][0]
    assert all(item is other for item, other in zip(first["input"], again["input"], strict=True))
    assert all(isinstance(item, SharedItem) for item in first["input"])
    others, _ = amend_body(body, Amendments(dropped_item_fields=frozenset({"reasoning.content"})))
    assert others["input"][0] is said, "nothing in it has to change"
    assert amend_body(body, amendments)[0] == amend_body({**body, "input": [dict(said), dict(seen)]}, amendments)[0]
