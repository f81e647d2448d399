"""The faults of a JSON schema, as the service words them inside the refusal of a function or of a format."""

from __future__ import annotations

from responses_emulator.rules.rule import Rule, document, report

_SEEN = "2026-11-30"

NOT_AN_OBJECT = Rule(
    when="a schema whose type is not `object`",
    text="schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{found}\"'.",
    source=report("langchain-ai/langchainjs#9804", _SEEN),
)
KEYWORD_AT_TOP = Rule(
    when="a keyword at the top level that combines schemas",
    text="schema must have type 'object' and not have {keywords} at the top level.",
    source=report("langchain-ai/langchainjs#9804", _SEEN),
)
NO_PROPERTIES = Rule(
    when="an object at the top level without `properties`",
    text="In context=(), object schema missing properties.",
    source=report("everruns#984, karakeep#1696", _SEEN),
)
UNKNOWN_TYPE = Rule(
    when="a `type` that JSON Schema does not have",
    text="{value!r} is not valid under any of the given schemas.",
    source=report("microsoft/semantic-kernel#13527", _SEEN),
)
WRONG_KEYWORD_TYPE = Rule(
    when="a keyword whose value has another type",
    text="{value!r} is not of type {expected}.",
    source=report("yomo#860, laravel-gpt#8, OpenManus#1162", _SEEN),
)
EMPTY_LIST = Rule(
    when="an empty `enum` or list of schemas",
    text="[] should be non-empty.",
    source=document("the meta-schema of JSON Schema", _SEEN),
)
REPEATED_ENTRY = Rule(
    when="an entry that an `enum` or `required` has twice",
    text="{value!r} has non-unique elements.",
    source=document("the meta-schema of JSON Schema", _SEEN),
)
NO_ITEMS = Rule(
    when="an array without `items`",
    text="In context={context}, array schema missing items.",
    source=report("bnbchain-mcp#68; TeXRA#2323 and fastcore#798 for unions and `prefixItems`", _SEEN),
)
OPEN_OBJECT = Rule(
    when="a strict object without `additionalProperties: false`",
    text="In context={context}, 'additionalProperties' is required to be supplied and to be false.",
    source=document("structured outputs guide", _SEEN),
)
OPTIONAL_PROPERTY = Rule(
    when="a strict object with a property that is not required",
    text=(
        "In context={context}, 'required' is required to be supplied and to be an array including every key "
        "in properties. Missing '{name}'."
    ),
    source=document("structured outputs guide", _SEEN),
)
