"""Whatever a host does to its history between two requests, a cache never changes what is sent."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from amplifier_core.message_models import ChatRequest, Message, ToolCallBlock, ToolSpec
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.translate.encode import EncodedRequest
from openai_responses_common.translate.encoding_cache import EncodingCache
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.translate.repair import repair_calls
from openai_responses_common.wire.json_values import dump_body
from openai_responses_common.wire.request_body import RequestBody
from openai_responses_common.wire.types import item_key

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.histories import broken_talks, talks
from tests.generated.fuzz.requests import tools
from tests.generated.fuzz.service import service
from tests.support.backends import ALL_BACKENDS

NAMES = st.sampled_from([row.service for row in ALL_BACKENDS])
History = list[Message]


def _rebuild(history: History, _: int) -> History:
    return [Message.model_validate(json.loads(json.dumps(message.model_dump()))) for message in history]


def _delete(history: History, index: int) -> History:
    return history[:index] + history[index + 1 :]


def _move_to_end(history: History, index: int) -> History:
    return [*history[:index], *history[index + 1 :], history[index]]


def _repeat(history: History, index: int) -> History:
    return [*history[: index + 1], copy.deepcopy(history[index]), *history[index + 1 :]]


def _compact(history: History, index: int) -> History:
    return [Message(role="user", content="What happened so far: much."), *history[index:]]


def _change_in_place(history: History, index: int) -> History:
    """Change values that Python calls equal, and the order of keys, in the objects that were encoded before."""
    for message in history[index:]:
        for block in message.content if isinstance(message.content, list) else []:
            for value in [*vars(block).values(), *(block.model_extra or {}).values()]:
                _change_value(value)
    return history


def _rename_in_place(history: History, index: int) -> History:
    content = history[index].content
    for block in content if isinstance(content, list) else []:
        if isinstance(block, ToolCallBlock):
            block.name = f"{block.name}.x"
    if isinstance(content, str):
        history[index].content = f"{content} and more"
    return history


_TWINS: tuple[tuple[Any, Any], ...] = ((1, True), (True, 1.0), (1.0, 1), (0, False), (False, -0.0), (0.0, 0))


def _change_value(value: Any) -> None:
    if isinstance(value, dict):
        for key, entry in reversed([*value.items()]):
            del value[key]
            value[key] = _twin(entry)
            _change_value(entry)
    elif isinstance(value, list):
        value[:] = map(_twin, value)
        for entry in value:
            _change_value(entry)


def _twin(value: Any) -> Any:
    return next((twin for each, twin in _TWINS if type(each) is type(value) and each == value), value)


AMENDMENTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    (
        {},
        {"dropped_item_fields": frozenset({"message.phase", "function_call.name", "message.content.annotations"})},
        {"message_status": True, "media_in_tool_results": False},
        {"joins_user_messages": True, "answers_results": True, "system_text_role": "user"},
    )
)

CHANGES: tuple[Callable[[History, int], History], ...] = (
    _rebuild,
    _delete,
    _move_to_end,
    _repeat,
    _compact,
    _rename_in_place,
    _change_in_place,
    _change_in_place,
)


@given(
    NAMES,
    st.lists(talks() | broken_talks(anywhere=True), min_size=1, max_size=3),
    st.lists(st.lists(tools(), max_size=2), min_size=1, max_size=2),
    st.sampled_from((20_000, 10_000_000, 10_000_000)),
    st.data(),
)
@examples(60)
def test_cache_never_changes_what_is_sent(
    name: str, conversations: list[Any], offers: list[list[ToolSpec]], size: int, data: st.DataObject
) -> None:
    """Conversations take turns in one cache, large or small; each turn brings messages, and may change the others."""
    here, cache = service(name), EncodingCache(size)
    histories: list[History] = [[] for _ in conversations]
    refused: set[str] = set()
    for turn in range(6):
        number = turn % len(conversations)
        history = histories[number] + conversations[number].messages[turn // 2 * 3 : turn // 2 * 3 + 3]
        if history and data.draw(st.booleans()):
            change = data.draw(st.sampled_from(CHANGES))
            history = change(history, data.draw(st.integers(0, len(history) - 1)))
        histories[number] = history
        request = ChatRequest(messages=history, tools=data.draw(st.sampled_from(offers)))
        settings = {
            "amendments": Amendments(refused_item_keys=frozenset(refused), **data.draw(AMENDMENTS)),
            "origin": data.draw(st.sampled_from(("here", "here", "there"))),
            "model": data.draw(st.sampled_from((None, None, "gpt-4.1-mini"))),
        }
        fresh = here.encode(request, **settings)
        cached = here.encode(request, **settings, cache=cache)
        assert _describe(cached) == _describe(fresh)
        again = here.encode(copy.deepcopy(request), **settings, cache=cache)
        assert _describe(again) == _describe(fresh)
        if data.draw(st.booleans()):
            refused |= {item_key(item) for item in fresh.body["input"] if item.get("type") == "reasoning"}


@given(talks() | broken_talks(anywhere=True))
@examples(60)
def test_history_in_order_needs_no_repair(conversation: Any) -> None:
    encoded = encode_messages(conversation.messages, origin="here")
    if encoded.are_in_order:
        assert repair_calls(encoded.items) == (encoded.items, [])


def _describe(encoded: EncodedRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {**encoded.body}
    body = RequestBody(fields, fields.pop("input"))
    assert body.content() == dump_body(encoded.body)
    calls = [item for item in body.items if item["type"] in ("function_call", "custom_tool_call")]
    notes = {key: value for key, value in asdict(encoded).items() if key not in ("body", "tool_names")}
    return {**notes, "content": body.content(), "names": list(map(encoded.tool_names.read_tool_name, calls))}
