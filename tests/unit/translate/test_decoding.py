"""The decoding of several items: each client call has an id that no other one has."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.translate.decode import decode_response

Item = dict[str, Any]


def call(call_id: Any, **fields: Any) -> Item:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": "{}", **fields}


def decode_ids(*output: Item) -> list[str]:
    response = decode_response([{"status": "completed", "output": list(output)}], origin="here", usage=None)
    blocks: list[Any] = list(response.content)
    assert [block.id for block in blocks] == [each.id for each in response.tool_calls or ()]
    return [each.id for each in response.tool_calls or ()]


def test_id_of_the_service_stays() -> None:
    assert decode_ids(call("a"), call("b")) == ["a", "b"]


@pytest.mark.parametrize("call_id", ["", None])
def test_call_without_an_id_gets_one(call_id: Any) -> None:
    """A host that pairs by id would give the result of one call to all of them."""
    first, second, third = decode_ids(call(call_id), call(call_id), call(call_id, id="fc_1"))
    assert first.startswith("call_")
    assert len({first, second}) == 2
    assert third == "fc_1", "the item's own id is one too"
    assert decode_ids(call(call_id), call(call_id)) == [first, second], "a continuation decodes the first part again"


def test_parallel_calls_with_one_id_are_told_apart() -> None:
    first, second = decode_ids(call("a", arguments='{"at":1}'), call("a", arguments='{"at":2}'))
    assert first == "a"
    assert second.startswith("call_")


def test_approval_without_an_id_gets_one_of_its_kind() -> None:
    [approval] = decode_ids({"type": "mcp_approval_request", "server_label": "s", "name": "n", "arguments": "{}"})
    assert approval.startswith("mcpr_")
