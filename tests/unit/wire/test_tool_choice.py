"""A `tool_choice` names only tools that are offered."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.wire.tool_choice import fit_tool_choice

FUNCTION = {"type": "function", "name": "f"}
CUSTOM = {"type": "custom", "name": "c"}
MEMBER = {"type": "function", "name": "m"}
MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example/mcp"}
TOOLS = [
    FUNCTION,
    CUSTOM,
    MCP,
    {"type": "namespace", "name": "n", "tools": [MEMBER]},
    {"type": "web_search_preview_2025_03_11"},
    {"type": "computer_use_preview"},
]
ABSENT = {"type": "function", "name": "absent"}


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        "none",
        "required",
        FUNCTION,
        CUSTOM,
        MEMBER,
        {"type": "mcp", "server_label": "docs"},
        {"type": "mcp", "server_label": "docs", "name": "find"},
        {"type": "web_search_preview"},
        {"type": "computer"},
        {"type": "computer_use"},
        {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION, MCP]},
        {"type": "allowed_tools", "mode": "auto", "tools": []},
    ],
)
def test_a_choice_of_offered_tools_stays(choice: Any) -> None:
    assert fit_tool_choice(choice, TOOLS) is choice


@pytest.mark.parametrize(
    ("choice", "fitted"),
    [
        (ABSENT, "auto"),
        ({"type": "custom", "name": "web_search_preview"}, "auto"),
        ({"type": "shell"}, "auto"),
        ({"type": "mcp", "server_label": "other"}, "auto"),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [ABSENT, FUNCTION]},
            {"type": "allowed_tools", "mode": "required", "tools": [FUNCTION]},
        ),
        ({"type": "allowed_tools", "mode": "required", "tools": [ABSENT]}, "auto"),
    ],
)
def test_a_choice_loses_the_tools_that_are_not_offered(choice: Any, fitted: Any) -> None:
    assert fit_tool_choice(choice, TOOLS) == fitted
