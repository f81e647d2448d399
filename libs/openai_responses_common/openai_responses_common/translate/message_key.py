"""Makes keys of messages and of tools, by which `encoding_cache` finds what it encoded before.

Hosts build all messages anew for each request, and may change one in place, so that an identity says nothing: a key
holds the whole content that the encoding reads. Two messages have equal keys only if nothing tells them apart: equality
in Python does not do, because `1 == True == 1.0` and because the order of keys does not count. The format 2 of
`marshal` says all of that, and has no references, so that equal content is always written alike. It is as fast as a
comparison of the models, and takes a third of the time of pydantic's writer and a sixth of that of the encoding
(measured with 400 items). Texts alone, which are most of a history, need no writing: they are their own key.
"""

from __future__ import annotations

import marshal
from collections.abc import Hashable, Iterable, Mapping
from operator import itemgetter
from typing import Any, cast

from amplifier_core.message_models import (
    ImageBlock,
    Message,
    ReasoningBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSpec,
)
from pydantic import BaseModel
from pydantic_core import to_json

_MARSHAL_FORMAT = 2

# Attributes of a model take twice as long, and each request reads all messages of a history.
_read_fields = itemgetter("content", "role", "name", "tool_call_id")

# A subclass may read its fields in its own way, so only these classes have a key.
_BLOCK_CODES: dict[type[Any], int] = {
    block_class: code
    for code, block_class in enumerate(
        (
            TextBlock,
            ThinkingBlock,
            RedactedThinkingBlock,
            ToolCallBlock,
            ToolResultBlock,
            ImageBlock,
            ReasoningBlock,
        )
    )
}
_FLAT_LEVELS = 6
_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})


def make_message_key(message: Message) -> Hashable | None:
    """Return the key of a message, without what the encoding does not read: its metadata, and extra fields but one.

    None if the message, or a block of it, is of another class than the kernel's, or holds an object that `marshal` does
    not write; `is_plain_message` finds what else may not count as equal.
    """
    if type(message) is not Message:
        return None
    extra = message.__pydantic_extra__
    calls: Any = extra.get("tool_calls") if extra else None
    try:
        content, role, name, call_id = _read_fields(message.__dict__)
        if (
            calls is None
            and type(content) is str
            and type(role) is str
            and (name is None or type(name) is str)
            and (call_id is None or type(call_id) is str)
        ):
            return content, role, name, call_id
        description = _describe_content(content)
        _refuse_circles(description, calls)
        return marshal.dumps((description, role, name, call_id, calls), _MARSHAL_FORMAT)
    except (ValueError, KeyError):
        return None


def _describe_content(content: Any) -> Any:
    if type(content) is not list:
        return content
    codes = _BLOCK_CODES
    blocks = cast(list[BaseModel], content)
    return [(codes[type(block)], block.__dict__, block.__pydantic_extra__) for block in blocks]


def _refuse_circles(description: Any, calls: Any) -> None:
    """Raise if a value contains itself, because `marshal` would not come to an end; pydantic's writer notices it.

    Raises:
        ValueError: a value contains itself, or pydantic does not write it.
    """
    if type(description) is list:
        for _, fields, extra in cast(list[tuple[int, dict[str, Any], object]], description):
            for value in fields.values():
                if type(value) not in _PLAIN_TYPES:
                    _refuse_circle(value)
            if extra:
                _refuse_circle(extra)
    elif type(description) not in _PLAIN_TYPES:
        _refuse_circle(description)
    if calls is not None:
        _refuse_circle(calls)


def _refuse_circle(value: object) -> None:
    """Raise as `_refuse_circles` does. The writer takes longer than a look at types, but copes with any depth."""
    if not _is_flat(value, _FLAT_LEVELS):
        to_json(value)


def _is_flat(value: object, levels: int) -> bool:
    """Return whether a value ends within so many levels of lists and dictionaries, with texts and numbers in them."""
    if type(value) is dict:
        entries: Iterable[object] = cast(dict[Any, object], value).values()
    elif type(value) is list:
        entries = cast(list[object], value)
    else:
        return False
    if not levels:
        return False
    for entry in entries:  # noqa: SIM110 (half the time of any() and of a list of the nested ones)
        if type(entry) not in _PLAIN_TYPES and not _is_flat(entry, levels - 1):
            return False
    return True


def make_tools_key(tools: Iterable[ToolSpec], hosted_tools: Iterable[Mapping[str, Any]]) -> bytes | None:
    """Return the key of the tools of a request, and None as `make_message_key` does."""
    try:
        description = _describe_tools(tools, hosted_tools)
        to_json(description)  # raises if a tool contains itself
        return marshal.dumps(description, _MARSHAL_FORMAT)
    except ValueError:
        return None


def _describe_tools(tools: Iterable[ToolSpec], hosted_tools: Iterable[Mapping[str, Any]]) -> Any:
    if not all(type(tool) is ToolSpec for tool in tools):
        raise ValueError("a tool of another class")
    return [(tool.__dict__, tool.__pydantic_extra__) for tool in tools], list(hosted_tools)


def is_plain_message(message: Message) -> bool:
    """Return whether a message that has a key holds nothing but what JSON has, and tuples.

    `marshal` writes everything else that it accepts, such as an array of numbers, as bytes or as a set, so that
    different values may have one key. No such key equals that of a plain message.
    """
    return _is_plain((_describe_content(message.content), (message.model_extra or {}).get("tool_calls")))


def are_plain_tools(tools: Iterable[ToolSpec], hosted_tools: Iterable[Mapping[str, Any]]) -> bool:
    """Return for tools that have a key what `is_plain_message` does for a message."""
    return _is_plain(_describe_tools(tools, hosted_tools))


def _is_plain(value: object) -> bool:
    try:
        return _holds_plain_values(value)
    except RecursionError:
        return False


def _holds_plain_values(value: object) -> bool:
    kind = type(value)
    if kind is list or kind is tuple:
        entries = cast(list[object], value)
    elif kind is dict:
        entries = [*cast(dict[object, object], value), *cast(dict[object, object], value).values()]
    else:
        return kind in _PLAIN_TYPES
    return not [entry for entry in entries if type(entry) not in _PLAIN_TYPES and not _holds_plain_values(entry)]
