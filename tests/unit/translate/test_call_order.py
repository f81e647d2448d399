"""Facts about the order of items: they never say that all is well if the repair would change something."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.translate.call_order import OrderFacts, are_in_order, read_order_facts
from openai_responses_common.translate.repair import repair_calls

Item = dict[str, Any]

USER = {"type": "message", "role": "user", "content": []}
REASONING = {"type": "reasoning", "id": "rs_1", "encrypted_content": "e"}
SAID = {"type": "message", "role": "assistant", "id": "msg_1", "content": []}
SEARCH = {"type": "web_search_call", "id": "ws_1"}


def call(call_id: Any = "c", **fields: Any) -> Item:
    return {"type": "function_call", "call_id": call_id, "name": "n", "arguments": "{}", **fields}


def output(call_id: Any = "c", **fields: Any) -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": "o", **fields}


def check(*messages: list[Item]) -> bool:
    return are_in_order([read_order_facts(items) for items in messages])


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [[USER], [REASONING, SAID, SEARCH, call(), call("d")], [output("d")], [], [output()], [USER]],
        [[call()], [USER, output(), USER]],
        [[{**REASONING, "id": None}, SAID], [USER]],
        [[{"type": "message", "role": "assistant"}], [{"type": "message", "role": "assistant"}]],
    ],
)
def test_usual_history_needs_no_repair(messages: list[list[Item]]) -> None:
    assert check(*messages)
    items = [item for each in messages for item in each]
    assert repair_calls(items) == (items, [])


@pytest.mark.parametrize(
    "messages",
    [
        [[call()]],
        [[output()]],
        [[output()], [call()]],
        [[call()], [output()], [output()]],
        [[call()], [output()], [call()], [output()]],
        [[call(), call()], [output()], [output()]],
        [[call("c" * 65)], [output("c" * 65)]],
        [[call("\ud800")], [output("\ud800")]],
        [[call("")], [output("")]],
        [[call(1)], [output(1)]],
        [[call(id="x")], [output()], [call("d", id="x")], [output("d")]],
        [[call(id=5)], [output()]],
        [[call()], [output(id="x")]],
        [[call()], [output(execution="server")]],
        [[SAID], [SAID]],
        [[REASONING, SAID], [{**REASONING, "id": None, "encrypted_content": "rs_1"}, {**SAID, "id": "m"}]],
        [[REASONING]],
        [[SAID, REASONING], [SAID]],
        [[SAID, USER]],
        [[{"type": "compaction", "id": "c"}]],
        [[{"type": "custom_tool_call", "call_id": "c"}], [{"type": "custom_tool_call_output", "call_id": "c"}]],
        [[{"role": "user", "content": "a"}]],
        [[{"content": "a"}]],
        [[{"type": "message", "role": "user", "id": "m"}]],
    ],
)
def test_anything_else_is_left_to_the_repair(messages: list[list[Item]]) -> None:
    assert not check(*messages)


def test_facts_are_those_of_one_message() -> None:
    assert read_order_facts([SAID, call("a", id="fc_1"), call("b")]) == OrderFacts(
        True, ("a", "b"), (), ("msg_1", "fc_1")
    )
    assert read_order_facts([USER, output("a")]) == OrderFacts(True, (), ("a",))
    assert read_order_facts([]) == OrderFacts(True)
