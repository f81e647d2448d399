"""The cache of encoded messages: it returns what encoding would, holds little, and shares nothing with a host.

The fuzz tests compare whole requests with and without it.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.message_models import (
    Message,
    ReasoningBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSpec,
)
from openai_responses_common.translate.call_order import read_order_facts
from openai_responses_common.translate.encoding_cache import EncodedMessage, EncodingCache
from openai_responses_common.translate.messages import EncodedMessages, encode_messages
from openai_responses_common.translate.replay import TargetModel
from openai_responses_common.translate.replay_state import ReplayState, as_extra_field
from openai_responses_common.translate.tool_names import ToolNames
from openai_responses_common.translate.tools import encode_tools
from openai_responses_common.wire.request_body import SharedItem
from openai_responses_common.wire.types import Item, item_key

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}


def encode(messages: list[Message], cache: EncodingCache, **context: Any) -> EncodedMessages:
    encoded = encode_messages(messages, cache=cache, **{"origin": "here", **context})
    assert encoded == encode_messages(messages, **{"origin": "here", **context})
    return encoded


def reasoned(text: str = "hi") -> Message:
    state: ReplayState = {"origin": "here", "model": "m", "item": copy.deepcopy(REASONING)}
    opaque = ReasoningBlock(content=[], summary=[], **as_extra_field(state))
    message: ReplayState = {"origin": "here", "item": {"type": "message", "role": "assistant", "id": "m_1"}}
    said = TextBlock(text=text, **as_extra_field(message))
    return Message(role="assistant", content=[opaque, said])


def test_equal_message_becomes_the_same_items() -> None:
    cache = EncodingCache()
    history = [Message(role="user", content="hi"), reasoned()]
    first = encode(history, cache)
    again = encode([*copy.deepcopy(history), Message(role="user", content="more")], cache)
    assert all(item is other for item, other in zip(first.items, again.items[:-1], strict=True))
    assert all(isinstance(item, SharedItem) for item in again.items)


def test_host_that_changes_its_message_changes_nothing_in_the_cache() -> None:
    cache = EncodingCache()
    message, before = reasoned(), reasoned()
    encode([message], cache)
    message.content[0].openai["item"]["summary"].append({"type": "summary_text", "text": "new"})  # type: ignore[union-attr]
    [changed, _] = encode([message], cache).items
    assert changed["summary"] == [{"type": "summary_text", "text": "new"}]
    [item, _] = encode([before], cache).items
    assert item["summary"] == []


@pytest.mark.parametrize(
    "context",
    [
        {"origin": "there"},
        {"refused_item_keys": frozenset({item_key(REASONING)})},
        {"replay_reasoning_ids": False},
        {"target": TargetModel(reasons=False)},
        {"target": TargetModel(names=("another-model",))},
        {"system_text_role": "system"},
    ],
)
def test_everything_that_items_are_made_from_counts(context: dict[str, Any]) -> None:
    """`encode` compares with an encoding without a cache."""
    cache = EncodingCache()
    history = [Message(role="user", content="hi"), reasoned(), Message(role="developer", content="be kind")]
    for each in ({}, context, {}, context):
        encode(history, cache, **each)


def test_alias_of_a_tool_is_that_of_the_request() -> None:
    cache = EncodingCache()
    history = [Message(role="assistant", content=[ToolCallBlock(id="c", name="a.b", input={})])]
    names = ToolNames()
    [item] = encode_messages(history, origin="here", tool_names=names, cache=cache).items
    assert names.read_tool_name(item) == "a.b"
    for taken in ([], [item["name"]]):
        names, fresh = ToolNames(taken), ToolNames(taken)
        [cached] = encode_messages(history, origin="here", tool_names=names, cache=cache).items
        [expected] = encode_messages(history, origin="here", tool_names=fresh).items
        assert cached == expected
        assert names.read_tool_name(cached) == "a.b"
        assert (cached["name"] == item["name"]) is (not taken)


def test_call_without_id_makes_what_follows_depend_on_it() -> None:
    cache = EncodingCache()
    result = Message(role="tool", name="n", content="done")
    asking = Message.model_construct(role="assistant", content=[ToolCallBlock(id="", name="n", input={})])
    for history in ([result], [asking, result], [asking, result, result], [result]):
        encode(history, cache)
        encode(history, cache)


def test_what_is_dropped_is_reported_each_time() -> None:
    cache = EncodingCache()
    history = [Message(role="user", content=[ThinkingBlock(thinking="hm")])]
    assert encode(history, cache).dropped_content == encode(history, cache).dropped_content != []


def test_values_that_json_does_not_have_are_encoded_anew() -> None:
    cache = EncodingCache()
    for value in (bytearray(b"x"), b"x", object(), float("nan")):
        history = [Message(role="user", content=[ToolResultBlock(tool_call_id="c", output={"a": value})])]
        first, again = (
            encode_messages(history, origin="o", cache=cache),
            encode_messages(history, origin="o", cache=cache),
        )
        assert first == again == encode_messages(history, origin="o")


def test_items_that_cannot_be_written_are_not_kept() -> None:
    """Pydantic does not write the half of a pair, nor the standard library the integer; the body's error says so."""
    cache = EncodingCache()
    item = {"type": "x", "half": "\ud800", "value": 10**5000}
    state: ReplayState = {"origin": "here", "item": item}
    history = [Message(role="assistant", content=[ReasoningBlock(content=[], summary=[], **as_extra_field(state))])]
    for _ in range(2):
        assert not isinstance(encode(history, cache).items[0], SharedItem)


def test_tuple_is_copied_with_what_it_holds() -> None:
    cache = EncodingCache()
    item = {"type": "x", "values": ([1], 2)}
    history = [
        Message(
            role="assistant", content=[ReasoningBlock(content=[item], summary=[], **as_extra_field({"origin": "here"}))]
        )
    ]
    first = encode(history, cache)
    item["values"][0].append(2)  # type: ignore[index,union-attr]
    assert first.items == [{"type": "x", "values": ([1], 2)}]


def test_message_that_changes_while_it_is_encoded_is_not_kept() -> None:
    message = Message(role="user", content="before")
    cached = EncodingCache().begin("context")

    def encode_meanwhile(_: Message) -> EncodedMessage:
        message.content = "after"
        return build_encoded([{"type": "message", "content": "after"}])

    assert cached.encode(message, encode_meanwhile).items == [{"type": "message", "content": "after"}]
    message.content = "before"
    assert cached.encode(message, lambda _: build_encoded([])).items == []


def build_encoded(items: list[Item]) -> EncodedMessage:
    return EncodedMessage(items=items, facts=read_order_facts(items), is_reusable=True)


def test_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache = EncodingCache(100_000)
    used = [Message(role="user", content="used " * 100)]
    item = encode(used, cache).items[0]
    for number in range(200):
        encode([Message(role="user", content=f"{number} " * 500)], cache)
        assert encode(used, cache).items[0] is item
        assert cache.size_bytes <= 100_000
    assert encode([Message(role="user", content="0 " * 500)], cache)
    assert cache.size_bytes > 50_000


def test_ended_conversations_make_room_for_the_next_one() -> None:
    """Each takes some 2 MB; the cache stays near what one of them needs."""
    cache = EncodingCache()
    for conversation in range(6):
        history = [Message(role="user", content=f"{conversation} {number} " * 10_000) for number in range(20)]
        for length in (10, 20):
            items = encode(history[:length], cache).items
        assert encode(history, cache).items[0] is items[0]
    one = EncodingCache()
    encode(history, one)
    assert cache.size_bytes < 3 * one.size_bytes


def test_entry_that_two_threads_add_counts_once() -> None:
    cache = EncodingCache()
    first, second = (replace(build_encoded([]), size=10) for _ in range(2))
    cache.add("key", first, 0)
    cache.add("key", second, 0)
    assert cache.find("key", 0) is first
    assert cache.size_bytes == 10


def test_long_conversation_keeps_its_beginning() -> None:
    cache = EncodingCache(100_000)
    history = [Message(role="user", content=f"{number} " * 500) for number in range(100)]
    first, again = encode(history, cache), encode(history, cache)
    same = [item is other for item, other in zip(first.items, again.items, strict=True)]
    assert same[:10] == [True] * 10
    assert not any(same[50:])
    assert same == sorted(same, reverse=True)


def test_old_contexts_make_room() -> None:
    cache = EncodingCache()
    history = [Message(role="user", content="hi")]
    for number in range(300):
        encode(history, cache, origin=f"o{number}")
    assert cache.context_count <= 64


def test_threads_share_a_cache() -> None:
    cache = EncodingCache(300_000, lock=threading.Lock())
    histories = [[Message(role="user", content=f"{n} {each} " * 50) for each in range(60)] for n in range(4)]
    expected = [encode_messages(history, origin="here") for history in histories]
    wrong: list[int] = []

    def work(number: int) -> None:
        encoded = [encode_messages(histories[number], origin="here", cache=cache) for _ in range(20)]
        wrong.extend(number for each in encoded if each != expected[number])

    threads = [threading.Thread(target=work, args=(n % 4,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cache.size_bytes <= 300_000


def build_tool(name: str, **schema: Any) -> ToolSpec:
    return ToolSpec(name=name, parameters={"type": "object", "properties": {}, **schema})


def test_equal_tools_are_encoded_once_and_each_request_has_its_own_names() -> None:
    cache = EncodingCache()
    tools, hosted = [build_tool("a.b"), ToolSpec.model_validate({"name": "sh", "parameters": {}, "type": "shell"})], []
    first = cache.encode_tools(tools, hosted)
    again = cache.encode_tools(copy.deepcopy(tools), hosted)
    assert again.items is first.items
    assert first.items == encode_tools(tools, hosted).items
    assert again.names is not first.names
    assert again.names.find_native_type("sh") == "shell"
    assert again.names.read_tool_name({"type": "shell_call"}) == "sh"
    assert again.names.read_tool_name({"type": "function_call", "name": first.items[0]["name"]}) == "a.b"
    again.names.encode("c.d")
    alias = encode_tools([build_tool("c.d")], []).items[0]["name"]
    assert cache.encode_tools(tools, hosted).names.read_tool_name({"type": "function_call", "name": alias}) == alias


def test_tools_that_differ_in_anything_are_encoded_anew() -> None:
    cache = EncodingCache()
    tool = build_tool("a", minimum=1)
    variants: list[tuple[list[ToolSpec] | None, list[Item]]] = [
        ([tool], []),
        ([build_tool("a", minimum=True)], []),
        ([build_tool("a", minimum=1.0)], []),
        ([tool, build_tool("b")], []),
        ([build_tool("b"), tool], []),
        ([tool], [{"type": "web_search"}]),
        ([], [{"type": "web_search"}]),
        (None, []),
    ]
    for tools, hosted in variants * 2:
        assert repr(cache.encode_tools(tools, hosted).items) == repr(encode_tools(tools, hosted).items)
    cache.encode_tools([tool], [])
    tool.parameters["minimum"] = 2
    assert cache.encode_tools([tool], []).items[0]["parameters"]["minimum"] == 2
    tool.parameters["minimum"] = 1
    assert cache.encode_tools([tool], []).items[0]["parameters"]["minimum"] == 1


class OwnTool(ToolSpec):
    pass


def test_tools_without_a_plain_key_are_encoded_anew() -> None:
    cache = EncodingCache()
    for tool in (OwnTool(name="a", parameters={}), build_tool("a", default=b"x"), build_tool("a", default={1, 2})):
        first, again = cache.encode_tools([tool], []), cache.encode_tools([tool], [])
        assert first.items == again.items
        assert first.items is not again.items


def test_tools_that_change_meanwhile_are_not_kept() -> None:
    tool = build_tool("a")

    class UnusedLock:
        def __enter__(self) -> None:
            raise AssertionError("nothing is added")

        def __exit__(self, *_: object) -> None:
            pass

    class ChangingTools(list[ToolSpec]):
        """Its tool changes each time that somebody goes through it."""

        def __iter__(self) -> Any:
            tool.description = f"{tool.description} more"
            return super().__iter__()

    encoded = EncodingCache(lock=UnusedLock()).encode_tools(ChangingTools([tool]), [])
    assert encoded.items[0]["name"] == "a"


def test_few_lists_of_tools_stay() -> None:
    cache = EncodingCache()
    first = cache.encode_tools([build_tool("a")], [])
    for number in range(20):
        cache.encode_tools([build_tool(f"t{number}")], [])
    assert cache.encode_tools([build_tool("a")], []).items is not first.items
