"""What tests of the round trip share: the ways in which hosts store a message, and what is sent again of a response."""

from __future__ import annotations

import json
from typing import Any

from amplifier_core.message_models import Message
from hypothesis import strategies as st
from openai_responses_common.translate.decode import decode_response
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.wire.json_values import dumps

Item = dict[str, Any]

STORAGE_MODES = ("as it is", "dumped", "as JSON", "without nulls")
MODES = st.sampled_from(STORAGE_MODES)
WORDS = st.text(st.sampled_from('ab "\\{}\n\u00e9\u2028\U0001f600'), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(WORDS, JSON, max_size=3).flatmap(
    lambda value: st.sampled_from(
        [dumps(value), json.dumps(value), json.dumps(value, indent=1), json.dumps(value, ensure_ascii=False)]
    )
) | st.sampled_from(
    ["{}", '{"a":1.0}', '{"a":1e3}', '{"a":1,"a":2}', '{"a":null}', '{"a":[null]}', "{ }", '{"a":"\\u00e9"}']
)


def without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_nulls(each) for key, each in value.items() if each is not None}
        case list():
            return [without_nulls(each) for each in value if each is not None]
        case _:
            return value


def stored(content: list[Any], mode: str, **beside: Any) -> Message:
    """Return an assistant message as hosts, transcripts and context managers store it."""
    if mode == "as it is":
        return Message(role="assistant", content=content, **beside)
    fields: Any = {"role": "assistant", "content": [block.model_dump() for block in content], **beside}
    if mode != "dumped":
        fields = json.loads(json.dumps(fields))
    return Message.model_validate(without_nulls(fields) if mode == "without nulls" else fields)


def replayed(output: list[Item], mode: str, *, origin: str = "here") -> list[Item]:
    response = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    return encode_messages([stored(response.content, mode)], origin=origin).items


def expected(output: list[Item]) -> list[Item]:
    """Return what is sent again: no blank message, no empty text, no status of messages, reasoning and calls."""
    items: list[Item] = []
    for item in output:
        fields = dict(item)
        if item["type"] in {"message", "reasoning", "function_call"}:
            fields.pop("status", None)
        if item["type"] == "message":
            fields["content"] = [part for part in item["content"] if part.get("text") or part.get("refusal")]
            if not "".join(part.get("text") or part.get("refusal") for part in fields["content"]).strip():
                continue
        items.append(fields)
    while items and items[-1]["type"] == "reasoning":
        items.pop()
    return items
