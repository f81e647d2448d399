"""Any request to a body: of plain JSON, the same each time, with nothing lost and nothing of the host's changed."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

from amplifier_core.message_models import ChatRequest, Message
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.wire.client_calls import CLIENT_CALLS, find_client_call, read_call_key, read_output_key
from openai_responses_common.wire.json_values import dump_body

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.histories import broken_talks, talks
from tests.generated.fuzz.requests import UNKNOWN_KWARGS, requests
from tests.generated.fuzz.service import service, strict_json
from tests.generated.fuzz.strategies import TEXTS, WORDS
from tests.support.backends import ALL_BACKENDS

NAMES = st.sampled_from([row.service for row in ALL_BACKENDS])
ANSWER_TYPES = {row.output_type for row in CLIENT_CALLS.values()}


def answers_a_call(item: dict[str, Any]) -> bool:
    """Is this the host's, and not what the service answered itself?"""
    return item["type"] in ANSWER_TYPES and (item["type"] == "local_shell_call_output" or "id" not in item)


@given(NAMES, UNKNOWN_KWARGS, st.data())
@examples(120)
def test_a_request_becomes_json(name: str, kwargs: dict[str, Any], data: st.DataObject) -> None:
    """Odd tools, choices and formats too: the bytes are UTF-8 JSON and read back as the body; nothing is changed."""
    here = service(name)
    talk = data.draw(talks())
    request = data.draw(requests(talk, odd=True))
    before, repeated = copy.deepcopy(request), copy.deepcopy(request)
    encoded = here.encode(request, **kwargs)
    raw = dump_body(encoded.body)
    assert request == before, "the request is the host's"
    assert dump_body(here.encode(repeated, **kwargs).body) == raw, "the same request, the same bytes"
    read = strict_json(raw)
    assert list(read) == list(encoded.body)
    assert list(read)[-1] == "input"
    assert json.dumps(read) == json.dumps(_sendable(dict(encoded.body)))
    assert all(isinstance(line, str) for line in [*encoded.dropped_options, *encoded.dropped_content])


def _sendable(value: Any) -> Any:
    """Halves of surrogate pairs cannot be sent."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_sendable(key): _sendable(each) for key, each in value.items()}
        case list():
            return [_sendable(each) for each in value]
        case _:
            return value


@given(talks() | broken_talks(anywhere=True))
@examples(200)
def test_every_call_has_one_result_behind_it(talk: Any) -> None:
    """In whatever state the history is: what is missing is made up, what is too much is left out, both are told."""
    here = service("openai-v2")
    encoded = here.encode(ChatRequest(messages=talk.messages))
    strict_json(dump_body(encoded.body))
    items = encoded.body["input"]
    calls = {read_call_key(item): index for index, item in enumerate(items) if find_client_call(item)}
    results = [(read_output_key(item), index) for index, item in enumerate(items) if answers_a_call(item)]
    assert Counter(key for key, _ in results) == Counter(list(calls))
    assert Counter(read_call_key(item) for item in items if find_client_call(item)) == Counter(list(calls))
    assert all(calls[key] < index for key, index in results)
    assert not [item for item in items if item.get("role") == "assistant" and not item.get("content")]
    made_up = [repair for repair in encoded.repairs if repair.kind == "missing_result"]
    assert len([item for item in items if "[no result: " in str(item.get("output"))]) <= len(made_up)


@given(NAMES, talks(tampered=False), st.lists(TEXTS, min_size=1, max_size=2))
@examples(120)
def test_a_history_that_grows_keeps_its_bytes(name: str, talk: Any, texts: list[str]) -> None:
    """Prompt caches live on it: however odd the history, the next request begins with this one."""
    here = service(name)
    history = [Message(role="user", content="hi"), *talk.messages]
    now = here.encode(ChatRequest(messages=history)).body
    more = [Message(role="user", content=text) for text in texts]
    later = here.encode(ChatRequest(messages=[*history, *more])).body
    held = _settled(now["input"])
    assert later["input"][: len(held)] == held
    head = {key: value for key, value in now.items() if key != "input"}
    assert {key: value for key, value in later.items() if key != "input"} == head


def _settled(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What no later message can complete: reasoning at the end would still be left out."""
    while items and items[-1]["type"] == "reasoning":
        items = items[:-1]
    return items


@given(talks(tampered=False))
@examples(100)
def test_ciphertext_and_ids_go_to_their_maker_alone(talk: Any) -> None:
    """To its own origin reasoning goes as it came and in its order, to any other not at all."""
    here = service("openai-v2")
    request = ChatRequest(messages=[*talk.messages, Message(role="user", content="go on")])
    items = here.encode(request).body["input"]
    made = [
        item["encrypted_content"] for output in talk.made.values() for item in output if "encrypted_content" in item
    ]
    sent = [item["encrypted_content"] for item in items if "encrypted_content" in item]
    assert sent == [each for each in made if each in sent]
    own = {item["id"] for output in talk.made.values() for item in output}
    ids = [item["id"] for item in items if "id" in item and item["type"] != "local_shell_call_output"]
    assert len(ids) == len(set(ids))
    assert all(each in own or each.startswith(("mcpr_", "lsh_call_", "cu_call_")) for each in ids)


@given(st.lists(WORDS, min_size=1, max_size=3), talks())
@examples(60)
def test_instructions_are_those_at_the_beginning(texts: list[str], talk: Any) -> None:
    """Leading system messages stand apart where the service wants them; no text of them is lost or moved."""
    here = service("chatgpt-oauth")
    leading = [Message(role="system", content=text) for text in texts]
    body = here.encode(ChatRequest(messages=[*leading, Message(role="user", content="hi"), *talk.messages])).body
    assert body.get("instructions") == "\n\n".join(texts)
    assert not [item for item in body["input"] if item.get("role") == "system"]
