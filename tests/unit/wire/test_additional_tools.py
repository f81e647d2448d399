"""The item that holds tools: it stands at the start of an input, and its tools count as those of the body."""

from __future__ import annotations

from openai_responses_common.wire.additional_tools import list_tools, make_tools_item, split_tools_item

FUNCTION, SEARCH = {"type": "function", "name": "f"}, {"type": "web_search"}
USER = {"type": "message", "role": "user", "content": "hi"}
ITEM = make_tools_item([FUNCTION])


def test_item_is_split_from_the_start_of_an_input() -> None:
    assert ITEM == {"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}
    assert split_tools_item([ITEM, USER]) == ([FUNCTION], [USER])
    assert split_tools_item([USER, ITEM]) == ([], [USER, ITEM])
    assert split_tools_item([]) == ([], [])


def test_tools_of_a_body_are_those_of_both_places() -> None:
    assert list_tools({"tools": [SEARCH], "input": [ITEM, USER]}) == [FUNCTION, SEARCH]
    assert list_tools({"tools": [SEARCH], "input": [USER]}) == [SEARCH]
    assert list_tools({"input": "hi"}) == []
