"""Names of tools: what the service accepts, the same in every process, and the host's own name on the way back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.tool_names import ToolNames, is_valid_tool_name

INVALID = ["files.read", "a b", "a/b", "файл", "x" * 65, "", "\ud800", "tab\n", "python"]


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("files.read", "files_read_601e4eb6"),
        ("", "tool_e3b0c442"),
        ("python", "python_11a4a60b"),
        ("x" * 200, "x" * 55 + "_aa20c23e"),
    ],
)
def test_alias_is_the_same_in_every_process(name: str, alias: str) -> None:
    """It is part of the prompt, so another alias would be a missed cache."""
    assert ToolNames().encode(name) == alias
    assert ToolNames([*INVALID, "other"]).encode(name) == alias


@pytest.mark.parametrize("name", ["read", "a-b_C9", "x" * 64])
def test_valid_name_is_its_own(name: str) -> None:
    assert ToolNames().encode(name) == name


@given(st.lists(st.text(st.sampled_from("ab.é /_-\ud800"), max_size=70) | st.sampled_from(INVALID), max_size=8))
def test_aliases_are_valid_distinct_and_lead_back(names: list[str]) -> None:
    tool_names = ToolNames(names)
    aliases = {name: tool_names.encode(name) for name in names}
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", alias) for alias in aliases.values())
    assert len(set(aliases.values())) == len(aliases)
    for name, alias in aliases.items():
        assert tool_names.read_tool_name({"type": "function_call", "name": alias}) == name or not name


def test_tool_with_an_alias_as_its_name_keeps_it() -> None:
    alias = ToolNames().encode("files.read")
    tool_names = ToolNames(["files.read", alias])
    assert tool_names.encode(alias) == alias
    assert is_valid_tool_name(other := tool_names.encode("files.read"))
    assert other != alias
    assert tool_names.read_tool_name({"type": "custom_tool_call", "name": other}) == "files.read"


def test_name_that_nobody_offered_stays() -> None:
    assert ToolNames().read_tool_name({"type": "function_call", "name": "made.up"}) == "made.up"
    assert ToolNames().read_tool_name({"type": "function_call"}) == "function_call"


def test_native_tools_have_the_name_of_the_first_one_of_their_kind() -> None:
    tool_names = ToolNames()
    tool_names.add_native_tool("bash", {"type": "shell"})
    tool_names.add_native_tool("other", {"type": "shell"})
    tool_names.add_native_tool("screen", {"type": "computer_use_preview"})
    tool_names.add_native_tool("search", {"type": "web_search"})
    tool_names.add_native_tool("wiki", {"type": "mcp", "server_label": "w"})
    assert tool_names.read_tool_name({"type": "shell_call"}) == "bash"
    assert tool_names.read_tool_name({"type": "computer_call"}) == "screen"
    assert tool_names.read_tool_name({"type": "apply_patch_call"}) == "apply_patch"
    assert tool_names.read_tool_name({"type": "mcp_approval_request", "server_label": "w"}) == "wiki"
    assert tool_names.read_tool_name({"type": "mcp_approval_request", "server_label": "x"}) == "mcp_approval"
    assert tool_names.find_native_type("search") == "web_search"
    assert tool_names.find_native_type("read") is None
