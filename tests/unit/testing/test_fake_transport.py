"""Tests of the fake transport, with the contract of transports and with an engine over it."""

from __future__ import annotations

import pytest
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.testing.fake_transport import FakeReply, FakeTransport, build_body, build_text_reply
from openai_responses_common.testing.transport_contract import TransportContract
from openai_responses_common.transport.base import Document, Transport


class TestFakeTransport(TransportContract):
    def build(self, *script: FakeReply | Failure) -> Transport:
        return FakeTransport(*script)


async def test_requests_are_recorded() -> None:
    transport = FakeTransport(build_text_reply("a"))
    async with transport.open(build_body(), timeout_s=30, headers={"x-a": "b"}):
        assert transport.open_replies == 1
    assert transport.open_replies == 0
    (request,) = transport.requests
    assert (request.body["model"], request.headers, request.timeout_s) == ("m", {"x-a": "b"}, 30)


async def test_request_beyond_the_script_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no reply for this request"):
        async with FakeTransport().open(build_body(), timeout_s=30):
            pass


async def test_documents_are_fetched_by_path() -> None:
    refusal = Failure(kind="status", status=403, message="no")
    transport = FakeTransport(documents={"/models": Document(body={"data": []}, etag="e"), "/files": refusal})
    assert (await transport.fetch("/models", timeout_s=30)).body == {"data": []}
    assert (await transport.fetch("/models", timeout_s=30, etag="e")).unchanged
    for path, status in (("/files", 403), ("/other", 404)):
        with pytest.raises(CallFailure) as caught:
            await transport.fetch(path, timeout_s=30)
        assert caught.value.failure.status == status
