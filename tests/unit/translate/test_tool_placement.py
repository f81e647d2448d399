"""Where the tools of a request go, and which of them a service does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.translate.tool_placement import drop_refused_tools, place_tools

PLAIN = BackendProfile(name="p", display_name="P")
FEW = replace(PLAIN, hosted_tools=frozenset({"web_search"}), tools_in_input=True)
FUNCTION, CUSTOM = {"type": "function", "name": "f"}, {"type": "custom", "name": "c"}
NAMESPACE, SEARCH, SHELL = {"type": "namespace", "name": "n"}, {"type": "web_search"}, {"type": "shell"}
USER = {"type": "message", "role": "user", "content": "hi"}
ALL = [FUNCTION, SHELL, NAMESPACE, SEARCH, CUSTOM]


def test_hosted_tools_of_others_are_dropped_with_a_note() -> None:
    tools, notes = drop_refused_tools(ALL, FEW)
    assert tools == [FUNCTION, NAMESPACE, SEARCH, CUSTOM]
    assert notes == ["the tool shell: this service does not have it"]
    assert drop_refused_tools(ALL, PLAIN) == (ALL, [])


@pytest.mark.parametrize(
    ("profile", "tools", "items", "field", "moved"),
    [
        (FEW, ALL, [USER], [SHELL, NAMESPACE, SEARCH], [FUNCTION, CUSTOM]),
        (FEW, [SEARCH], [USER], [SEARCH], None),
        (FEW, [FUNCTION], [], [FUNCTION], None),
        (FEW, [], [USER], [], None),
        (PLAIN, ALL, [USER], ALL, None),
    ],
    ids=["all", "hosted alone", "an input without items", "no tools", "a service that wants the field"],
)
def test_functions_and_custom_tools_come_first_in_the_input(
    profile: BackendProfile, tools: list[Any], items: list[Any], field: list[Any], moved: list[Any] | None
) -> None:
    first = [] if moved is None else [{"type": "additional_tools", "role": "developer", "tools": moved}]
    assert place_tools(tools, items, profile) == (field, [*first, *items])
