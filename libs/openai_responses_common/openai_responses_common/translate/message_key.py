"""Makes keys of messages and of tools, by which `encoding_cache` finds what it encoded before.

Hosts build all messages anew for each request, and may change one in place, so that an identity says nothing: a key
holds the whole content that the encoding reads. Two messages have equal keys only if nothing tells them apart: equality
in Python does not do, because `1 == True == 1.0` and because the order of keys does not count. What `pickle` writes
says all of that, and CPython's writer notices what contains itself (3.11 to 3.13, tried 2026-12-01). Texts alone, which
are most of a history, need no writing: they are their own key.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from operator import itemgetter
from pickle import PickleError, Pickler
from typing import Any, NoReturn, cast

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
_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})


class _Pieces(list[bytes]):
    """What a writer wrote, which is nearly always one piece."""

    def write(self, piece: bytes) -> None:
        self.append(piece)


class _Writer(Pickler):
    """Writes values of built-in types, and the same value always alike. Nobody reads what it writes."""

    def __init__(self, pieces: _Pieces) -> None:
        super().__init__(pieces, protocol=3)  # the later ones add frames
        self.fast = True  # no references, which depend on which objects are the same one

    def reducer_override(self, obj: object) -> NoReturn:
        raise ValueError(f"no key for {type(obj)}")


# What `KeyWriter.write` raises.
_REFUSALS = (ValueError, RuntimeError, PickleError, OverflowError)


class KeyWriter:
    """Writes keys, one after another."""

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._writer = _Writer(self._pieces)

    def write(self, value: object) -> bytes:
        """Return a value as bytes.

        Raises:
            ValueError: the value contains itself, or an object that is not of a built-in type.
            RuntimeError: the value nests too deeply, or another thread changes it.
            PickleError: there is no such value in this format.
            OverflowError: a text has more than 4 GB.
        """
        pieces = self._pieces
        pieces.clear()
        try:
            self._writer.dump(value)
        except BaseException:
            self._writer = _Writer(pieces)  # the error leaves the old one with a wrong count of levels
            raise
        return b"".join(pieces)


def make_message_key(message: Message, writer: KeyWriter) -> Hashable | None:
    """Return the key of a message, without what the encoding does not read: its metadata, and extra fields but one.

    None if the message, or a block of it, is of another class than the kernel's, or holds what the writer refuses;
    `is_plain_message` finds what else may not count as equal.

    Args:
        message: the message.
        writer: that of the request, because to make one takes as long as to write a short message.
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
        return writer.write((_describe_content(content), role, name, call_id, calls))
    except (KeyError, *_REFUSALS):
        return None


def _describe_content(content: Any) -> Any:
    if type(content) is not list:
        return content
    codes = _BLOCK_CODES
    blocks = cast(list[BaseModel], content)
    return [(codes[type(block)], block.__dict__, block.__pydantic_extra__) for block in blocks]


def make_tools_key(tools: Iterable[ToolSpec], hosted_tools: Iterable[Mapping[str, Any]]) -> bytes | None:
    """Return the key of the tools of a request, and None as `make_message_key` does."""
    try:
        return KeyWriter().write(_describe_tools(tools, hosted_tools))
    except _REFUSALS:
        return None


def _describe_tools(tools: Iterable[ToolSpec], hosted_tools: Iterable[Mapping[str, Any]]) -> Any:
    if not all(type(tool) is ToolSpec for tool in tools):
        raise ValueError("a tool of another class")
    return [(tool.__dict__, tool.__pydantic_extra__) for tool in tools], list(hosted_tools)


def is_plain_message(message: Message) -> bool:
    """Return whether a message that has a key holds nothing but what JSON has, and tuples.

    JSON has no bytes, which a key may hold. No such key equals that of a plain message.
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
