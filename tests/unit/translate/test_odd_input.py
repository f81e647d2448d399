"""What nobody should send: transcripts that were edited, servers with ideas of their own."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidToolCallError
from amplifier_core.message_models import Message, ReasoningBlock, ThinkingBlock, ToolCallBlock
from openai_responses_common.translate.decode import decode_response, drop_cut_calls
from openai_responses_common.translate.deltas import DeltaReader
from openai_responses_common.translate.messages import encode_messages

from tests.support.builders import assistant, encode, items, made, said, user


@pytest.mark.parametrize(
    "tool_calls", [True, {"id": "c"}, [None], ["x"], [{}], [{"id": "c"}], [{"tool": "read"}], [{"id": 5, "tool": "x"}]]
)
def test_loose_calls_that_are_none_are_left_out(tool_calls: Any) -> None:
    """A call without an id or a name would be refused on every later request."""
    encoded = encode(user(), Message.model_validate({"role": "assistant", "content": "", "tool_calls": tool_calls}))
    assert encoded.items == [said("user", "hi")]
    assert encoded.dropped_content == (["tool call without an id or a name"] if isinstance(tool_calls, list) else [])


@pytest.mark.parametrize(("kind", "new"), [("local_shell_call", "lsh_c"), ("computer_call", "cu_c")])
def test_calls_that_must_have_an_id_get_one(kind: str, new: str) -> None:
    """Also where the id that they had belongs to another account."""
    item = {"type": kind, "id": "old", "call_id": "c", "action": {}}
    block = made(ToolCallBlock, id="c", name="x", input={}, openai={"origin": "there", "item": item})
    [sent] = items(assistant(block))
    assert sent["id"] == new


def test_blank_instructions_are_none() -> None:
    assert encode_messages([Message(role="system", content=" \u2028\n"), user()], origin="here").instructions is None


@pytest.mark.parametrize("kind", [None, [], {}])
def test_an_item_without_a_type_is_no_item(kind: Any) -> None:
    thought = made(ThinkingBlock, thinking="hm", openai={"origin": "here", "item": {"id": "rs_1"}})
    raw = ReasoningBlock(content=[{"type": kind}], summary=[])
    assert items(Message(role="developer", content=[raw]), assistant(thought), user()) == [said("user", "hi")]


@pytest.mark.parametrize("arguments", ['{"a":NaN}', '{"a":[Infinity]}'])
def test_arguments_that_only_python_reads_are_not_run(arguments: str) -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": arguments}
    with pytest.raises(InvalidToolCallError):
        decode_response([{"status": "completed", "output": [call]}], origin="here", usage=None)


def test_a_half_call_may_have_any_arguments() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "n", "arguments": {"a": 1}}
    assert drop_cut_calls({"status": "incomplete", "output": [call]}) == []


@pytest.mark.parametrize("odd", [None, [], {}, 5])
def test_an_item_without_a_valid_type_has_no_delta(odd: Any) -> None:
    assert (
        DeltaReader().read_batch([{"type": "response.output_item.added", "output_index": 0, "item": {"type": odd}}])
        == []
    )
