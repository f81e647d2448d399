"""A request body: the order of its fields, and bytes that are written once."""

from __future__ import annotations

import json

import pytest
from openai_responses_common.wire.json_values import dump_body
from openai_responses_common.wire.request_body import RequestBody, SharedItem
from openai_responses_common.wire.types import Item


def test_input_comes_last() -> None:
    body = RequestBody({"model": "m", "store": False}, [{"type": "message"}])
    assert body.content() == b'{"model":"m","store":false,"input":[{"type":"message"}]}'


def test_body_is_written_once() -> None:
    body = RequestBody({"model": "m"})
    assert body.content() is body.content()
    assert body.content() == b'{"model":"m","input":[]}'


def test_part_of_body_is_written_for_a_service_that_has_the_rest() -> None:
    body = RequestBody({"model": "m"}, [{"n": 1}, {"n": 2}, {"n": 3}])
    assert body.content(items_from=2, extra_fields={"previous_response_id": "resp_1"}) == (
        b'{"model":"m","previous_response_id":"resp_1","input":[{"n":3}]}'
    )
    assert body.content(extra_fields={"generate": False}) == (
        b'{"model":"m","generate":false,"input":[{"n":1},{"n":2},{"n":3}]}'
    )
    assert body.content(items_from=3) == b'{"model":"m","input":[]}'
    assert body.content(items_from=2, omitted_fields={"model"}) == b'{"input":[{"n":3}]}'
    assert body.content() == b'{"model":"m","input":[{"n":1},{"n":2},{"n":3}]}'


def test_body_without_fields_has_its_input() -> None:
    assert RequestBody({}).content() == b'{"input":[]}'
    assert RequestBody({}, [{"n": 1}]).content(extra_fields={"a": 1}) == b'{"a":1,"input":[{"n":1}]}'


def test_bodies_are_compared_as_they_are_written() -> None:
    earlier = RequestBody({"n": 1, "a": []}, [{"n": 1}])
    assert RequestBody({"n": 1, "a": []}, [{"n": 1}, {"n": 2}]).goes_on_from(earlier)
    assert not RequestBody({"n": True, "a": []}, [{"n": 1}]).goes_on_from(earlier)
    assert not RequestBody({"n": 1}, [{"n": 1}]).goes_on_from(earlier)
    assert not RequestBody({"n": 1, "a": []}, [{"n": True}]).goes_on_from(earlier)
    assert not RequestBody({"n": 1, "a": []}).goes_on_from(earlier)


def test_body_is_compared_as_it_was_when_it_was_written() -> None:
    fields, item = {"a": [1]}, {"n": [1]}
    earlier = RequestBody(fields, [item])
    earlier.write()
    assert RequestBody(fields, [item]).goes_on_from(earlier)
    fields["a"].append(2)
    assert not RequestBody(fields, [item]).goes_on_from(earlier)
    fields["a"].pop()
    item["n"].append(2)
    assert not RequestBody(fields, [item]).goes_on_from(earlier)


def test_bytes_of_shared_item_are_written_once() -> None:
    item = SharedItem({"type": "message", "content": "a\ud83d"})
    assert item.json == b'{"type":"message","content":"a?"}'
    body = RequestBody({"model": "m"}, [item, {"n": float("nan")}, {**item, "role": "user"}])
    assert body.content() == (
        b'{"model":"m","input":[{"type":"message","content":"a?"},{"n":null},'
        b'{"type":"message","content":"a?","role":"user"}]}'
    )
    assert dump_body(item) == item.json


def test_body_that_json_cannot_hold_is_refused_before_it_is_joined() -> None:
    item: Item = {}
    item["item"] = item
    for body in (RequestBody({"n": object()}), RequestBody({}, [{"n": object()}]), RequestBody({}, [item])):
        with pytest.raises((TypeError, ValueError, RecursionError)):
            body.write()


def test_what_is_made_of_a_shared_item_is_made_once_for_each_key() -> None:
    item = SharedItem({"n": 1})
    first = item.derive("a", lambda item: SharedItem({**item, "a": 1}))
    assert item.derive("a", lambda item: SharedItem({})) is first == {"n": 1, "a": 1}
    assert item.derive(("b",), dict) == {"n": 1}
    assert item.derive("a", lambda item: SharedItem({})) == {}


def test_body_goes_on_with_another_field_of_one_request() -> None:
    body = RequestBody({"model": "m"}, [{"type": "message", "role": "user", "content": "a"}])
    asking = body.with_field("prompt_cache_options", {"comparison_response_id": "resp_1"})
    assert json.loads(asking.content()) == {
        "model": "m",
        "prompt_cache_options": {"comparison_response_id": "resp_1"},
        "input": body.items,
    }
    assert asking.goes_on_from(body)
    assert body.goes_on_from(asking)
    assert not body.with_field("truncation", "auto").goes_on_from(body)


def test_each_item_has_its_bytes() -> None:
    assert RequestBody({"model": "m"}, [{"n": 1}, SharedItem({"n": "ä"})]).sizes() == (7, 10)


def test_equal_items_have_equal_digests() -> None:
    item = {"type": "message", "role": "user", "content": "a"}
    first, second = RequestBody({}, [item, {"a": 1}]), RequestBody({}, [SharedItem(item), {"a": True}])
    assert first.digests()[0] == second.digests()[0]
    assert first.digests()[1] != second.digests()[1]
