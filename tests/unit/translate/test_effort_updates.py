"""Which items change the effort in mid-conversation, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.translate.call_order import OrderFacts
from openai_responses_common.translate.effort_updates import EffortPlan, plan_effort
from openai_responses_common.translate.encoding_cache import EncodedMessage

Item = dict[str, Any]

USER: Item = {"type": "message", "role": "user", "content": []}
NOTE: Item = {"type": "message", "role": "developer", "content": []}
ANSWER: Item = {"type": "message", "role": "assistant", "content": []}
RESULT: Item = {"type": "function_call_output", "call_id": "c", "output": ""}
COMPACTION: Item = {"type": "compaction", "encrypted_content": "x"}


def update(effort: str) -> Item:
    return {"type": "configuration_update", "reasoning": {"effort": effort}}


def message(item: Item | None, effort: str = "") -> EncodedMessage:
    return EncodedMessage(
        items=[item] if item else [], facts=OrderFacts(is_regular=True), is_reusable=True, effort=effort
    )


Rows = list[tuple[Item | None, str]]
LOW, HIGH, DEFAULT = (ANSWER, "low"), (ANSWER, "high"), (ANSWER, "default")
ASK = (USER, "")


@pytest.mark.parametrize(
    ("history", "effort", "default", "field", "items"),
    [
        ([ASK, LOW, ASK], "high", None, "low", [USER, ANSWER, update("high"), USER]),
        ([ASK, LOW, ASK, HIGH, ASK], "high", None, "low", [USER, ANSWER, update("high"), USER, ANSWER, USER]),
        ([ASK, LOW, (RESULT, "")], "high", None, "low", [USER, ANSWER, RESULT, update("high")]),
        ([ASK, LOW, (RESULT, ""), (NOTE, "")], "high", None, "low", [USER, ANSWER, RESULT, update("high"), NOTE]),
        ([ASK, (ANSWER, ""), ASK, LOW], "high", None, "low", [USER, ANSWER, USER, ANSWER, update("high")]),
        # nothing between two changes: the later one counts
        ([LOW, ASK, (None, "high")], "max", None, "low", [ANSWER, update("max"), USER]),
        # the model's own effort
        ([ASK, DEFAULT, ASK], "high", None, "default", [USER, ANSWER, update("high"), USER]),
        ([ASK, DEFAULT, ASK], "medium", "medium", "default", [USER, ANSWER, USER]),
        ([ASK, LOW, ASK], "default", "medium", "low", [USER, ANSWER, update("medium"), USER]),
        # a compaction ends what was before it
        ([LOW, ASK, HIGH, (COMPACTION, ""), ASK, LOW], "high", None, "low",
         [ANSWER, USER, ANSWER, COMPACTION, USER, ANSWER, update("high")]),
    ],
)  # fmt: skip
def test_later_efforts_are_items(
    history: Rows, effort: str, default: str | None, field: str, items: list[Item]
) -> None:
    plan = plan_effort([message(*row) for row in history], effort, default)
    assert plan == EffortPlan(items=items, effort=field)


@pytest.mark.parametrize(
    ("history", "effort"),
    [
        ([], "low"),
        ([ASK, LOW, ASK], "low"),
        ([ASK, (ANSWER, ""), ASK], "low"),
        ([ASK, LOW, ASK], "none"),
        ([ASK, (ANSWER, "none"), ASK], "low"),
        ([ASK, LOW, ASK], "default"),
        ([ASK, LOW, ASK, DEFAULT, ASK], "low"),
    ],
)
def test_field_says_it(history: Rows, effort: str) -> None:
    """If nothing changes, if an effort is `none`, or if nobody knows the name of the model's own effort."""
    assert plan_effort([message(*row) for row in history], effort, None) is None
