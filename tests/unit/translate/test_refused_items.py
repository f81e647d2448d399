"""Items that a service does not take: what goes with them, and what stays without its id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.translate.refused_items import drop_refused_items

PLAIN = BackendProfile(name="p", display_name="P")
TYPES = frozenset({"message", "reasoning", "function_call", "function_call_output", "web_search_call"})
FEW = replace(PLAIN, item_types=TYPES)
USER = {"type": "message", "role": "user", "content": "hi"}
THOUGHT, OTHER_THOUGHT = {"type": "reasoning", "id": "rs_1"}, {"type": "reasoning", "id": "rs_2"}
SHELL, SHELL_OUTPUT = {"type": "shell_call", "call_id": "c1"}, {"type": "shell_call_output", "call_id": "c1"}
SEARCH = {"type": "web_search_call", "id": "ws_1"}
TEXT = {"type": "message", "role": "assistant", "id": "msg_1", "content": []}
BARE_TEXT = {"type": "message", "role": "assistant", "content": []}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c2"}
BARE_CALL = {"type": "function_call", "call_id": "c2"}
REFUSED = "items of the type {}: this service does not take them"
LOST = "{} items beside items that this service does not take"


@pytest.mark.parametrize(
    ("items", "remaining", "refused", "lost"),
    [
        ([USER, THOUGHT, TEXT], [USER, THOUGHT, TEXT], [], []),
        ([USER, SHELL, SHELL_OUTPUT, TEXT], [USER, TEXT], ["shell_call", "shell_call_output"], []),
        ([THOUGHT, OTHER_THOUGHT, SHELL, TEXT, CALL], [BARE_TEXT, BARE_CALL], ["shell_call"], ["reasoning"]),
        ([THOUGHT, SHELL, USER, TEXT], [USER, TEXT], ["shell_call"], ["reasoning"]),
        ([THOUGHT, SHELL, OTHER_THOUGHT, TEXT], [OTHER_THOUGHT, TEXT], ["shell_call"], ["reasoning"]),
        ([THOUGHT, SHELL, SEARCH, TEXT], [BARE_TEXT], ["shell_call"], ["reasoning", "web_search_call"]),
        ([THOUGHT, TEXT, SHELL], [THOUGHT, TEXT], ["shell_call"], []),
    ],
    ids=[
        "nothing refused",
        "a call with its output",
        "reasoning before it",
        "the next turn keeps its ids",
        "later reasoning stays",
        "what only its maker reads",
        "reasoning of another item",
    ],
)
def test_items_without_those_that_the_service_does_not_take(
    items: list[Any], remaining: list[Any], refused: list[str], lost: list[str]
) -> None:
    notes = [*map(REFUSED.format, refused), *map(LOST.format, lost)]
    assert drop_refused_items(items, FEW) == (remaining, notes)


def test_other_services_take_all_items() -> None:
    assert drop_refused_items([THOUGHT, SHELL], PLAIN) == ([THOUGHT, SHELL], [])
