"""When a response is continued, and what a reader sees of a call whose attempts fail."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.engine._call import VisibleDeltas, needs_continuation
from openai_responses_common.translate.deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta

MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
TEXT_EVENT = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a"}


def response(*output: dict[str, Any], reason: str = "max_output_tokens", status: str = "incomplete") -> dict[str, Any]:
    return {"status": status, "incomplete_details": {"reason": reason}, "output": list(output)}


@pytest.mark.parametrize(
    ("unfinished", "items", "expected"),
    [
        (response(MESSAGE), [MESSAGE], True),
        (response(MESSAGE, status="completed"), [MESSAGE], False),
        (response(MESSAGE, reason="content_filter"), [MESSAGE], False),
        (response(REASONING), [REASONING], False),
        (response(), [], False),
        (response(REASONING, CALL), [REASONING], True),
        (response(CALL), [CALL], False),
    ],
    ids=["text", "complete", "filtered", "reasoning only", "nothing", "cut call", "whole call"],
)
def test_a_response_is_continued_if_the_model_can_go_on(
    unfinished: dict[str, Any], items: list[dict[str, Any]], expected: bool
) -> None:
    assert needs_continuation(unfinished, items) is expected


class Screen:
    """What a reader sees: every delta in order."""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    async def show(self, batch: list[Delta]) -> None:
        self.deltas += batch

    def kinds(self) -> list[type]:
        kinds = [type(delta) for delta in self.deltas]
        self.deltas.clear()
        return kinds


async def test_an_abort_takes_back_only_what_is_visible() -> None:
    screen = Screen()
    deltas = VisibleDeltas(screen.show)
    await deltas.begin_attempt([])
    await deltas.abort_attempt("E", "m")
    assert screen.kinds() == []
    await deltas.show([TEXT_EVENT])
    await deltas.abort_attempt("E", "m")
    await deltas.abort("E", "m")
    assert screen.kinds() == [BlockStart, BlockDelta, Aborted]


async def test_an_attempt_after_an_abort_begins_with_the_earlier_responses() -> None:
    screen = Screen()
    deltas = VisibleDeltas(screen.show)
    earlier = response(MESSAGE)
    await deltas.begin_attempt([])
    await deltas.show([TEXT_EVENT, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}])
    deltas.complete_attempt()
    assert screen.kinds() == [BlockStart, BlockDelta, BlockEnd]
    await deltas.begin_attempt([earlier])
    assert screen.kinds() == []
    await deltas.show([TEXT_EVENT])
    assert [delta.index for delta in screen.deltas if isinstance(delta, BlockStart)] == [1]
    await deltas.abort_attempt("E", "m")
    screen.deltas.clear()
    await deltas.begin_attempt([earlier])
    assert screen.kinds() == [BlockStart, BlockDelta, BlockEnd]
    await deltas.show([TEXT_EVENT])
    assert [delta.index for delta in screen.deltas if isinstance(delta, BlockStart)] == [1]


async def test_a_call_without_a_reader_shows_nothing() -> None:
    deltas = VisibleDeltas(None)
    await deltas.begin_attempt([])
    await deltas.show([TEXT_EVENT])
    await deltas.abort("E", "m")
    await deltas.show_again([response(MESSAGE)])
