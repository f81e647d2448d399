"""What amendments do to a body: the dropped fields are gone, and the rest stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from openai_responses_common.facts.amendments import apply_amendments

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
    apply_amendments(frozenset({path}), body)
    assert body == {key: value for key, value in {**before, **changes}.items() if value is not None}
    assert before == BODY, "the tools and objects of the caller are not changed"


def test_a_field_that_becomes_empty_is_gone() -> None:
    body = {"reasoning": {"effort": "low"}, "text": {"verbosity": "low"}, "input": []}
    apply_amendments(frozenset({"reasoning.effort", "text.verbosity"}), body)
    assert body == {"input": []}
    apply_amendments(frozenset({"tools.strict"}), body)
    assert body == {"input": []}
