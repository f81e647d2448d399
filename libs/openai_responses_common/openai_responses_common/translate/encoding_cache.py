"""Keeps the items of messages that were encoded before, so that a turn costs what is new in it.

A conversation is sent again with each of its requests, and its beginning is the same each time. The cache knows each
message by its whole content (`message_key`) and by everything else that its items are made from (`begin`), never by its
identity or its place: so it is right whatever a host inserts, removes or changes, and calls in several threads and
conversations may share it. It copies what it keeps, because a host may change its own lists and objects later.

Bounded, and little larger than what the longest of the newest requests uses: what no request used for a while makes
room. A conversation that is longer than half of the cache keeps its beginning there. Knows neither calls nor sessions,
and nothing global.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, cast

from amplifier_core.message_models import Message, ToolSpec

from ..wire.request_body import SharedItem
from ..wire.types import Item
from .call_order import OrderFacts
from .message_key import KeyWriter, are_plain_tools, is_plain_message, make_message_key, make_tools_key
from .tools import EncodedTools, encode_tools

_MAX_BYTES = 64 * 1024 * 1024
_MIN_GENERATION_BYTES = 1024 * 1024
_MAX_CONTEXTS = 64
_MAX_TOOL_LISTS = 16
# An entry takes about this much besides its texts.
_ENTRY_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedMessage:
    """What one message became.

    Attributes:
        items: its items; nobody changes them.
        dropped_content: what is not sent of it, in sentences for the user.
        aliases: the names of tools in it that the service does not accept, with those that stand for them.
        facts: what decides whether its items need a repair.
        is_reusable: whether its items are the same in every history.
        effort: the effort with which the model of the request made it; empty, the default, if that is not known.
        size: about how many bytes of memory it takes in the cache; 0, the default, outside of it.
    """

    items: list[Item]
    dropped_content: dict[str, None] = field(default_factory=dict[str, None])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    facts: OrderFacts
    is_reusable: bool
    effort: str = ""
    size: int = 0


class EncodingCache:
    """The encoded messages of the requests of one provider.

    Args:
        max_bytes: about how much memory it may take; 64 MiB by default.
        lock: is held while an entry is added; by default nothing is, which is for one thread.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES, *, lock: AbstractContextManager[object] | None = None) -> None:
        self._max_generation_bytes = max_bytes // 2
        self._lock = lock or nullcontext()
        self._numbers = count()
        self._contexts: dict[Hashable, int] = {}
        # Two generations: an entry of the old one that is used moves to the young one. Once that is full it becomes the
        # old one, and everything that no request used since then is gone.
        self._young: dict[Hashable, EncodedMessage] = {}
        self._old: dict[Hashable, EncodedMessage] = {}
        self._young_bytes = 0
        self._needed_bytes = 0
        self._tools: dict[bytes, EncodedTools] = {}

    @property
    def size_bytes(self) -> int:
        """About how much memory the entries take."""
        return self._young_bytes + sum(entry.size for entry in self._old.values())

    @property
    def context_count(self) -> int:
        """How many contexts the cache tells apart."""
        return len(self._contexts)

    def begin(self, context: Hashable) -> CachedMessages:
        """Return the cache for the messages of one request.

        Args:
            context: everything but the message that decides what its items are.
        """
        with self._lock:
            if len(self._contexts) >= _MAX_CONTEXTS and context not in self._contexts:
                self._contexts.clear()
            number = self._contexts.setdefault(context, next(self._numbers))
            self._needed_bytes -= self._needed_bytes // 8  # a long conversation may have ended
        return CachedMessages(self, self._young, number)

    def encode_tools(self, tools: Sequence[ToolSpec] | None, hosted_tools: Sequence[Mapping[str, Any]]) -> EncodedTools:
        """Return what `tools.encode_tools` does, from the cache if it is there.

        The cache knows a list of tools as it knows a message, and as few lists as agents of one session have.
        """
        tools = tools or ()
        key = make_tools_key(tools, hosted_tools)
        encoded = self._tools.get(key) if key else None
        if encoded is None:
            encoded = encode_tools(tools, hosted_tools)
            if key is None or not are_plain_tools(tools, hosted_tools):
                return encoded
            encoded = replace(encoded, items=[cast(Item, _copy(item)) for item in encoded.items])
            if make_tools_key(tools, hosted_tools) == key:
                with self._lock:
                    if len(self._tools) >= _MAX_TOOL_LISTS:
                        self._tools.clear()
                    self._tools[key] = encoded
        return replace(encoded, names=encoded.names.copy())

    def find(self, key: Hashable, used_bytes: int) -> EncodedMessage | None:
        """Return an entry, which stays as `add` says. None if there is none."""
        entry = self._young.get(key)
        if entry is None and (entry := self._old.get(key)) is not None:
            self.add(key, entry, used_bytes)
        return entry

    def add(self, key: Hashable, entry: EncodedMessage, used_bytes: int) -> None:
        """Keep an entry, if there is room for it beside what its request used before.

        Args:
            key: finds it.
            entry: the entry.
            used_bytes: how many bytes of the cache the messages before it take.
        """
        needed_bytes = used_bytes + entry.size
        if needed_bytes > self._max_generation_bytes:
            return
        with self._lock:
            if key in self._young:
                return
            self._needed_bytes = max(self._needed_bytes, needed_bytes)
            generation_bytes = max(_MIN_GENERATION_BYTES, self._needed_bytes + self._needed_bytes // 4)
            if self._young_bytes + entry.size > min(generation_bytes, self._max_generation_bytes):
                self._old, self._young, self._young_bytes = self._young, {}, 0
            self._young[key] = entry
            self._young_bytes += entry.size


class CachedMessages:
    """The cache as one request sees it, see `EncodingCache.begin`.

    Args:
        cache: what all requests share.
        young: its newest entries when the request begins, where nearly every message is found.
        context_number: stands for the context of the request.
    """

    def __init__(self, cache: EncodingCache, young: Mapping[Hashable, EncodedMessage], context_number: int) -> None:
        self._cache = cache
        self._find_young = young.get
        self._context_number = context_number
        self._writer = KeyWriter()
        self._used_bytes = 0

    def encode(self, message: Message, encode: Callable[[Message], EncodedMessage]) -> EncodedMessage:
        """Return what a message becomes, from the cache if it is there.

        Args:
            message: the message.
            encode: encodes a message that is not in the cache.
        """
        content_key = make_message_key(message, self._writer)
        if content_key is None:
            return encode(message)
        key = (self._context_number, content_key)
        entry = self._find_young(key) or self._cache.find(key, self._used_bytes)
        if entry is None:
            encoded = encode(message)
            entry = _make_entry(encoded, content_key) if encoded.is_reusable and is_plain_message(message) else None
            # Another thread may have changed the message meanwhile.
            if entry is None or make_message_key(message, self._writer) != content_key:
                return encoded
            self._cache.add(key, entry, self._used_bytes)
        self._used_bytes += entry.size
        return entry


def _make_entry(encoded: EncodedMessage, content_key: Hashable) -> EncodedMessage | None:
    """Return an entry that shares nothing that anybody changes.

    None if JSON cannot hold it; the error is raised when the body is written.
    """
    try:
        items = [SharedItem(cast(Item, _copy(item))) for item in encoded.items]
    except (TypeError, ValueError):
        return None
    key_bytes = len(content_key) if isinstance(content_key, bytes) else 0
    size = _ENTRY_BYTES + key_bytes + 2 * sum(len(item.json) for item in items)
    return replace(encoded, items=list[Item](items), size=size)


def _copy(value: object) -> object:
    """Return a copy of plain data; texts and numbers are the same."""
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in cast(dict[Any, object], value).items()}
    if isinstance(value, list):
        return [_copy(entry) for entry in cast(list[object], value)]
    if isinstance(value, tuple):
        return tuple(_copy(entry) for entry in cast(tuple[object, ...], value))
    return value
