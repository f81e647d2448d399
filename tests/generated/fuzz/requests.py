"""Requests around a history: tools, tool choice, response format and the options of one call."""

from __future__ import annotations

from typing import Any

from amplifier_core.message_models import ChatRequest, ToolSpec
from hypothesis import strategies as st

from tests.generated.fuzz.histories import Record, Talk
from tests.generated.fuzz.strategies import JSON, OBJECTS, ODD_NAMES, TEXTS, TOOL_NAMES

_LEAVES: tuple[Record, ...] = (
    {"type": "string"},
    {"type": "integer", "minimum": 0},
    {"type": ["string", "null"]},
    {"enum": ["a", None]},
    {"type": "string", "pattern": "^\u2028.*"},
    {},
)


def _object(properties: Any) -> Record:
    required = sorted(properties)
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inner: st.one_of(
        st.dictionaries(TOOL_NAMES, inner, max_size=2).map(_object),
        inner.map(lambda each: {"type": "array", "items": each}),
        st.lists(inner, min_size=1, max_size=2).map(lambda each: {"anyOf": each}),
    ),
    max_leaves=4,
)
_OBJECT_SCHEMAS = st.dictionaries(TOOL_NAMES, SCHEMAS, max_size=2).map(_object) | st.just({})
_KEYWORDS = (
    *("type", "properties", "items", "anyOf", "oneOf", "allOf", "$defs", "$ref", "required", "enum", "default", "not"),
    *("const", "prefixItems", "additionalProperties", "minimum", "maxLength", "description", "uniqueItems", "a"),
)
# What tools of others have for a schema: the words of one, with any value.
BROKEN_SCHEMAS: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(_KEYWORDS),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-2, 2)
        | st.floats()
        | st.sampled_from(("array", "object", "#/$defs/a")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYWORDS), inner, max_size=4),
        max_leaves=8,
    ),
    max_size=4,
)


@st.composite
def tools(draw: st.DrawFn, *, odd: bool = False) -> ToolSpec:
    """A function tool of anybody; odd ones have fields that a service may refuse."""
    more = draw(st.sampled_from(({}, {"strict": True}, {"strict": False}, {"strict": None}, {"defer_loading": True})))
    schemas = _OBJECT_SCHEMAS if more.get("strict") else _OBJECT_SCHEMAS | BROKEN_SCHEMAS
    if odd and draw(st.booleans()):
        more = {**more, **draw(st.sampled_from(({"type": "custom", "format": {"type": "text"}}, {"type": "shell"})))}
    return ToolSpec.model_validate(
        {
            "name": draw(ODD_NAMES),
            "description": draw(st.none() | TEXTS),
            "parameters": draw(OBJECTS if odd else schemas),
            **more,
        }
    )


FORMATS = st.sampled_from(
    (
        None,
        {"type": "text"},
        {"type": "json"},
        {"type": "json_schema", "json_schema": {"title": "My answer", "type": "object", "properties": {}}},
        {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": _object({"a": {"type": "string"}})},
            "strict": True,
        },
    )
)
_MODELS = st.sampled_from((None, None, "gpt-5.6-terra", "gpt-5.6-luna"))
FIELDS: st.SearchStrategy[Record] = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from((0, 0.5, 1.0, 2.0)),
        "top_p": st.sampled_from((0.0, 1.0)),
        "max_output_tokens": st.sampled_from((0, 1, 16, 4000)),
        "reasoning_effort": st.sampled_from(("none", "minimal", "low", "high", "xhigh", "max", "auto", "huge")),
        "conversation_id": TEXTS | st.just("k" * 65),
        "stop": st.just(["END"]),
        "metadata": st.sampled_from(({}, {"stream": False})),
        "timeout": st.just(600.0),
        "stream": st.booleans(),
        "model": _MODELS,
    },
)


@st.composite
def requests(draw: st.DrawFn, talk: Talk, *, odd: bool = False) -> ChatRequest:
    """A request with this history. What is not odd is what a service takes if nothing is wrong with the history."""
    offered = draw(st.none() | st.lists(tools(odd=odd), max_size=3, unique_by=lambda tool: tool.name))
    names = [tool.name for tool in offered or []]
    choices: list[Any] = [None, "auto", "none", "required", "any", {"type": "any"}, {"type": "auto"}]
    choices += [{"type": "function", "function": {"name": name}} for name in names] + names
    if odd:
        choices += ["", "nobody", {}, {"type": "tool"}, {"type": "function"}, {"name": "x"}]
    return ChatRequest.model_validate(
        {
            **draw(FIELDS),
            "messages": talk.messages,
            "tools": offered,
            "tool_choice": draw(st.sampled_from(choices)),
            "response_format": draw(FORMATS) if odd else draw(FORMATS.filter(lambda form: form != {"type": "json"})),
        }
    )


UNKNOWN_KWARGS = st.dictionaries(st.sampled_from(("trace_id", "session", "\u2028", "x")), JSON, max_size=2)
