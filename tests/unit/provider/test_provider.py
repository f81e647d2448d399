"""What a backend does beside a call costs no response."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from amplifier_core.message_models import ChatRequest, Message
from openai_responses_common import Backend, BackendProfile, Options
from openai_responses_common.provider.backend import Models
from openai_responses_common.provider.provider import ResponsesProvider
from openai_responses_common.testing.fake_transport import FakeTransport, build_text_reply


class FailingModels(Models):
    def on_headers(self, headers: Mapping[str, str]) -> None:
        raise KeyError("x-models-etag")


async def test_a_backend_that_fails_after_a_call_costs_no_response(caplog: pytest.LogCaptureFixture) -> None:
    backend = Backend(
        profile=BackendProfile(name="test", display_name="Test"),
        transport=FakeTransport(build_text_reply("Hello")),
        defaults=Options(model="m"),
        models=FailingModels(),
    )
    request = ChatRequest(messages=[Message(role="user", content="hello")])
    assert (await ResponsesProvider(backend).complete(request)).text == "Hello"
    assert "could not be updated" in caplog.text
