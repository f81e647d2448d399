"""Tools, tool choice and response format: every form in which hosts write them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from amplifier_core.message_models import (
    ResponseFormatJson,
    ResponseFormatJsonSchema,
    ResponseFormatText,
    ToolSpec,
)
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.tool_names import ToolNames
from openai_responses_common.translate.tools import (
    drop_left_out_choice,
    encode_found_tools,
    encode_response_format,
    encode_tool_choice,
    encode_tools,
    list_tool_includes,
)

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
READ = ToolSpec(name="read", description="Read a file.", parameters=SCHEMA)


def encoded(tools: Any, hosted: Any = ()) -> list[dict[str, Any]]:
    return encode_tools(tools, hosted).items


def spec(name: str = "t", **extra: Any) -> ToolSpec:
    return ToolSpec(name=name, parameters={}, **extra)


def test_a_function_tool() -> None:
    assert encoded([READ], ()) == [
        {"type": "function", "name": "read", "description": "Read a file.", "parameters": SCHEMA, "strict": False}
    ]


def test_no_tools_are_no_tools() -> None:
    assert encoded(None, ()) == []
    assert encoded([], ()) == []


def test_strict_is_false_unless_the_tool_asks_for_it() -> None:
    """Left out, the service takes it as true and rewrites the schema."""
    [loose, strict, null] = encoded([spec("a"), spec("b", strict=True), spec("c", strict=None)], ())
    assert loose["strict"] is False
    assert strict["strict"] is True
    assert null["strict"] is False


def test_a_tool_without_description_or_parameters_is_still_whole() -> None:
    [tool] = encoded([spec()], ())
    assert tool["description"] == ""
    assert tool["parameters"] == {"type": "object", "properties": {}}


def test_a_strict_tool_without_parameters_takes_exactly_none() -> None:
    """The service refuses a strict schema that leaves room for more."""
    [tool] = encoded([spec(strict=True)], ())
    nothing = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert tool["parameters"] == nothing


def test_what_the_service_knows_beside_the_schema_is_passed_on_and_nothing_else() -> None:
    extras = {"defer_loading": True, "allowed_callers": ["direct"], "output_schema": {}, "async": False}
    [tool] = encoded([spec(**extras, type="function", origin="a host's own note", input_examples=None)], ())
    assert {key: tool[key] for key in extras} == extras
    assert set(tool) == {"type", "name", "description", "parameters", "strict", *extras}
    [plain] = encoded([spec(defer_loading=None)], ())
    assert "defer_loading" not in plain


def test_a_custom_tool_takes_free_text() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    [tool] = encoded([spec("sql", description="Runs SQL.", type="custom", format=grammar)], ())
    assert tool == {"type": "custom", "name": "sql", "description": "Runs SQL.", "format": grammar}
    [bare] = encoded([spec("sql", type="custom")], ())
    assert bare == {"type": "custom", "name": "sql", "description": ""}


def test_a_native_tool_is_passed_as_it_is() -> None:
    [tool] = encoded([spec("web", type="web_search", search_context_size="low", filters=None)], ())
    assert tool == {"type": "web_search", "search_context_size": "low"}


def test_hosted_tools_stand_behind_the_functions() -> None:
    hosted = [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    assert encoded([READ], hosted)[1:] == hosted


def test_a_hosted_tool_of_the_request_is_not_added_again() -> None:
    own = spec("web", type="web_search", search_context_size="low")
    assert encoded([own], [{"type": "web_search"}]) == [{"type": "web_search", "search_context_size": "low"}]


def test_a_hosted_tool_comes_once() -> None:
    detailed = {"type": "web_search", "filters": {"allowed_domains": ["x.example"]}}
    assert encoded(None, [{"type": "web_search"}, detailed]) == [detailed]


def test_servers_and_namespaces_are_told_apart_by_their_names() -> None:
    hosted = [
        {"type": "mcp", "server_label": "a"},
        {"type": "mcp", "server_label": "b"},
        {"type": "namespace", "name": "crm", "description": "d", "tools": []},
        {"type": "namespace", "name": "erp", "description": "d", "tools": []},
    ]
    assert encoded([spec("m", type="mcp", server_label="a")], hosted)[1:] == hosted[1:]


def test_function_tools_in_a_keyword_are_added_by_name() -> None:
    hosted = [
        {"type": "function", "name": "read"},
        {"type": "function", "name": "write"},
        {"type": "custom", "name": "x"},
    ]
    assert [tool["name"] for tool in encoded([READ], hosted)] == ["read", "write", "x"]


def test_nothing_that_was_given_is_changed() -> None:
    hosted = [{"type": "web_search", "filters": {}}]
    tools = encoded([READ], hosted)
    for tool in tools:
        tool["mark"] = True
    assert hosted == [{"type": "web_search", "filters": {}}]
    assert READ.model_extra == {}
    assert "mark" not in SCHEMA


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("web_search", ["web_search_call.action.sources"]),
        ("web_search_preview", ["web_search_call.action.sources"]),
        ("file_search", ["file_search_call.results"]),
        ("code_interpreter", ["code_interpreter_call.outputs"]),
        ("function", []),
        ("mcp", []),
    ],
)
def test_hosted_tools_are_asked_to_show_what_they_found(kind: str, shown: list[str]) -> None:
    assert list_tool_includes([{"type": kind}, {"type": kind}]) == shown


def encode_with_notes(*tools: ToolSpec, hosted: Any = ()) -> tuple[list[dict[str, Any]], list[str]]:
    encoded = encode_tools(tools, hosted)
    return encoded.items, encoded.notes


ENDLESS: dict[str, Any] = {}
ENDLESS["again"] = ENDLESS


@pytest.mark.parametrize(
    ("tools", "hosted", "note"),
    [
        ([ToolSpec(name="bad", parameters={"default": ENDLESS})], [], "tool 'bad': it is left out, because it cannot"),
        ([spec("bad", type="custom", format=ENDLESS)], [], "tool 'bad': it is left out, because it cannot"),
        ([spec("bad", type="web_search", filters=object())], [], "tool 'bad': it is left out, because it cannot"),
        ([spec("bad", output_schema=ENDLESS)], [], "tool 'bad': it is left out, because it cannot"),
        ([], [{"type": None, "name": "bad"}], "tool 'bad': it is left out, because it has no type"),
        ([], [{"type": "namespace", "name": "bad", "more": ENDLESS}], "tool 'bad': it is left out, because it cannot"),
        ([READ.model_copy(update={"description": "Another."})], [], "tool 'read': it is left out, because another"),
        ([spec("read", type="custom")], [], "tool 'read': it is left out, because another"),
    ],
)
def test_tool_that_cannot_be_sent_is_left_out_with_a_note(tools: Any, hosted: Any, note: str) -> None:
    encoded_tools, [line] = encode_with_notes(READ, *tools, hosted=hosted)
    assert [tool["name"] for tool in encoded_tools] == ["read"]
    assert line.startswith(note)


def test_tool_that_comes_twice_is_sent_once() -> None:
    assert encode_with_notes(READ, READ) == (encoded([READ]), [])
    assert len(encoded([spec("a", type="web_search"), spec("b", type="web_search")])) == 1


def test_schema_that_becomes_wider_is_noted_and_not_strict() -> None:
    union = {"anyOf": [SCHEMA, SCHEMA]}
    [tool], [note] = encode_with_notes(ToolSpec.model_validate({"name": "read", "parameters": union, "strict": True}))
    assert tool["parameters"]["properties"] == SCHEMA["properties"]
    assert tool["strict"] is False
    assert note == "tool 'read': its schema is sent without anyOf at the root, which the API does not accept"


def test_functions_of_the_chat_completions_api_and_of_namespaces_are_encoded_alike() -> None:
    function = {"name": "a.b", "parameters": {"type": "object"}}
    group = {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", **function}]}
    nested, namespace = encoded([], [{"type": "function", "function": function}, group])
    assert nested == namespace["tools"][0]
    assert nested == {
        "type": "function",
        "name": "a_b_2e7336dc",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    assert group["tools"] == [{"type": "function", **function}]


def test_tools_that_a_search_returned_are_encoded_alike() -> None:
    output = {"type": "tool_search_output", "tools": [{"type": "function", "name": "a.b"}, {"name": "no type"}]}
    notes: list[str] = []
    found = encode_found_tools(output, tool_names := ToolNames(), notes)
    assert [tool["name"] for tool in found["tools"]] == ["a_b_2e7336dc"]
    assert tool_names.read_tool_name({"type": "function_call", "name": "a_b_2e7336dc"}) == "a.b"
    assert len(notes) == 1


def test_choice_of_tools_by_their_host_s_names() -> None:
    tools = [spec("a.b"), spec("bash", type="shell"), spec("wiki", type="mcp", server_label="w")]
    hosted = [
        {"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": name} for name in ("x", "in.side")]}
    ]
    encoded = encode_tools(tools, hosted)
    sent, names = encoded.items, encoded.names

    def choose(choice: Any) -> Any:
        return encode_tool_choice(choice, sent, names)

    alias, inner = names.encode("a.b"), names.encode("in.side")
    assert choose("a.b") == {"type": "function", "name": alias}
    assert choose({"type": "custom", "custom": {"name": "in.side"}}) == {"type": "custom", "name": inner}
    assert choose("bash") == choose({"type": "function", "name": "bash"}) == {"type": "shell"}
    assert choose({"type": "tool", "name": "wiki"}) == {"type": "mcp", "server_label": "w"}
    allowed = {"type": "allowed_tools", "tools": ["a.b", {"type": "function", "function": {"name": "bash"}}]}
    expected = {"type": "allowed_tools", "mode": "auto", "tools": [choose("a.b"), {"type": "shell"}]}
    assert choose(allowed) == choose({"type": "allowed_tools", "allowed_tools": allowed}) == expected
    assert choose({"type": "allowed_tools", "mode": "required", "tools": 5})["tools"] == []


TOOLS = [
    *encoded([READ, spec("sql", type="custom")], [{"type": "web_search"}]),
    {"type": "mcp", "server_label": "files"},
]


@pytest.mark.parametrize(
    ("choice", "encoded"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "any"}, "required"),
        ({"type": "required"}, "required"),
        ("read", {"type": "function", "name": "read"}),
        ("sql", {"type": "custom", "name": "sql"}),
        ("web_search", {"type": "web_search"}),
        ("unheard_of", {"type": "function", "name": "unheard_of"}),
        ({"type": "tool", "name": "read"}, {"type": "function", "name": "read"}),
        ({"type": "tool", "name": "sql"}, {"type": "custom", "name": "sql"}),
        ({"type": "function", "name": "read"}, {"type": "function", "name": "read"}),
        ({"type": "function", "function": {"name": "read"}}, {"type": "function", "name": "read"}),
        ({"type": "function", "name": "sql"}, {"type": "custom", "name": "sql"}),
        ({"type": "custom", "name": "sql"}, {"type": "custom", "name": "sql"}),
        ({"type": "mcp", "server_label": "files"}, {"type": "mcp", "server_label": "files"}),
        ({"type": "web_search"}, {"type": "web_search"}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "read"}]},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "read"}]},
        ),
        (None, None),
        ("", None),
        ({}, None),
    ],
)
def test_tool_choice_in_every_form(choice: Any, encoded: Any) -> None:
    assert encode_tool_choice(choice, TOOLS, ToolNames()) == encoded


@pytest.mark.parametrize("choice", ["auto", "required", "read", {"type": "function", "name": "read"}])
def test_without_tools_there_is_no_choice(choice: Any) -> None:
    assert encode_tool_choice(choice, [], ToolNames()) is None


@pytest.mark.parametrize(
    ("choice", "fitted"),
    [
        ("auto", "auto"),
        ("read", {"type": "function", "name": "read"}),
        ("bad one", "auto"),
        ({"type": "web_search"}, "auto"),
        ("nobody's", None),
        ({"type": "allowed_tools", "tools": ["read", "bad one"]}, {"type": "allowed_tools", "mode": "auto"}),
    ],
)
def test_a_choice_of_a_tool_that_is_left_out_is_left_out_too(choice: Any, fitted: Any) -> None:
    """A choice of a tool that nobody offered stays, because its caller has to know."""
    loop: dict[str, Any] = {}
    loop["default"] = loop
    tools = [READ, ToolSpec(name="bad one", parameters=loop)]
    hosted = [{"type": "web_search", "filters": loop}]
    encoded = encode_tools(tools, hosted)
    sent, names = encoded.items, encoded.names
    asked = encode_tool_choice(choice, sent, names)
    assert asked is not None
    result, notes = drop_left_out_choice(asked, sent, tools, hosted, names)
    if isinstance(choice, dict) and "tools" in choice:
        fitted = {**fitted, "tools": [{"type": "function", "name": "read"}]}
    assert result == (asked if fitted is None else fitted)
    assert bool(notes) == (result != asked)


def schema_format(given_schema: dict[str, Any], strict: bool | None = None) -> dict[str, Any]:
    encoded = encode_response_format(ResponseFormatJsonSchema(json_schema=given_schema, strict=strict))
    assert encoded is not None
    return encoded


@pytest.mark.parametrize("plain", [None, ResponseFormatText()])
def test_plain_text_needs_no_format(plain: object) -> None:
    assert encode_response_format(plain) is None


def test_any_json() -> None:
    assert encode_response_format(ResponseFormatJson()) == {"type": "json_object"}


def test_a_bare_schema_gets_a_name() -> None:
    assert schema_format(SCHEMA) == {"type": "json_schema", "name": "response", "schema": SCHEMA}
    assert schema_format({**SCHEMA, "title": "File path"})["name"] == "File_path"


def test_a_wrapped_schema_is_unwrapped() -> None:
    assert schema_format({"name": "where", "schema": SCHEMA, "strict": True}) == {
        "type": "json_schema",
        "name": "where",
        "schema": SCHEMA,
        "strict": True,
    }
    assert schema_format({"schema": {**SCHEMA, "title": "T"}})["name"] == "T"


def test_a_wrapped_schema_keeps_its_description() -> None:
    assert schema_format({"name": "where", "description": "A place.", "schema": SCHEMA})["description"] == "A place."
    assert "description" not in schema_format({**SCHEMA, "description": "of the object"})


def test_the_format_s_own_strictness_wins() -> None:
    assert schema_format({"schema": SCHEMA, "strict": True}, strict=False)["strict"] is False
    assert schema_format(SCHEMA, strict=True)["strict"] is True
    assert "strict" not in schema_format(SCHEMA)
    assert "strict" not in schema_format({**SCHEMA, "strict": True}), "in a bare schema it is a keyword of the schema"


def test_a_property_called_schema_does_not_make_a_wrapper() -> None:
    bare = {"type": "object", "properties": {"schema": {"type": "string"}}}
    assert schema_format(bare)["schema"] == bare


@given(st.text(max_size=100))
def test_a_schema_s_name_is_one_that_the_service_takes(name: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", schema_format({"name": name, "schema": SCHEMA})["name"])


CHOICES = st.text() | st.dictionaries(
    st.sampled_from(["type", "name", "function", "mode"]),
    st.sampled_from(["tool", "function", "auto", "any", "read", "allowed_tools"]) | st.none(),
)


@given(CHOICES)
def test_no_choice_breaks_the_encoding(choice: Any) -> None:
    before = json.dumps(choice)
    encoded = encode_tool_choice(choice, TOOLS, ToolNames())
    assert encoded is None or isinstance(encoded, str | dict)
    assert json.dumps(choice) == before
