"""A request body: the order of its fields, and bytes that are written once."""

from __future__ import annotations

from openai_responses_common.wire.request_body import RequestBody


def test_input_comes_last() -> None:
    body = RequestBody({"model": "m", "store": False}, [{"type": "message"}])
    assert body.content() == b'{"model":"m","store":false,"input":[{"type":"message"}]}'


def test_body_is_written_once() -> None:
    body = RequestBody({"model": "m"})
    assert body.content() is body.content()
    assert body.content() == b'{"model":"m","input":[]}'
