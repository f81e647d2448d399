"""The worked example of a fourth backend does what docs/backend.md says of it."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, ProviderUnavailableError
from openai_responses_common import ChatRequest, Message, create_provider, register
from openai_responses_common.provider import registry
from responses_emulator import Emulator, HttpReply, openai_surface
from responses_emulator.contract.refusal import Refusal
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Caller

from examples.chat.offline_model import respond
from tests.support.kernels import EXAMPLES, Kernel

MODULE, KEY = "provider-own-server", "own-key-canary-0123456789"
HELLO = ChatRequest(messages=[Message(role="user", content="What is 12 * 7?")])


def by_its_own_header(request: RecordedRequest) -> Caller:
    if request.headers.get("x-api-key") != KEY:
        raise Refusal("unknown key", status=401)
    assert "authorization" not in request.headers
    return Caller(key=KEY, account="own")


@pytest.fixture
def server() -> Iterator[Emulator]:
    surface = replace(openai_surface(any_model=True), authenticate=by_its_own_header)
    with Emulator(surfaces=(surface,), responder=respond) as emulator:
        yield emulator


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield importlib.import_module("amplifier_module_provider_own_server")
    sys.modules.pop("amplifier_module_provider_own_server", None)


def settings(server: Emulator, **more: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": KEY, "min_retry_delay": 0.01, "max_retry_delay": 5, **more}


async def test_a_session_on_it_works_with_tools(server: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """Through the kernel's loader, which validates the module."""
    with caplog.at_level(logging.WARNING):
        kernel = await Kernel([{"module": MODULE, "config": settings(server)}]).start()
        try:
            assert "84" in await kernel.session.execute("What is 12 * 7?")
            assert kernel.recorder.named("llm:response")[-1]["usage"]["cost_usd"] is None
        finally:
            await kernel.session.cleanup()
    assert [each.message for each in caplog.records] == []
    assert {each.status for each in server.model_requests} == {200}
    assert server.request_bodies[0]["model"] == "gpt-oss-120b"
    assert KEY not in str(kernel.recorder.events)


async def test_what_it_refuses_is_left_out_and_its_own_error_is_retried(server: Emulator, example: Any) -> None:
    loading = {"error": {"message": "one moment", "code": "model_loading", "type": "server"}}
    server.script(HttpReply(409, loading))
    provider = example.create(settings(server, service_tier="flex", prompt_cache_retention="24h", max_retries=1))
    assert "84" in (await provider.complete(HELLO)).text
    assert [each.status for each in server.model_requests] == [409, 200]
    assert not {"service_tier", "prompt_cache_retention"} & set(server.request_bodies[0])
    server.script(HttpReply(409, loading), HttpReply(409, loading))
    with pytest.raises(ProviderUnavailableError, match="the server is loading the model"):
        await provider.complete(HELLO)
    await provider.close()


async def test_a_missing_key_and_a_wrong_address_are_told_by_the_first_call(server: Emulator, example: Any) -> None:
    for config, error, words in (
        ({"base_url": server.base_url}, AuthenticationError, "OWN_SERVER_API_KEY"),
        ({"base_url": server.base_url, "api_key": "wrong"}, AuthenticationError, "the key of the own server"),
        ({"base_url": "nowhere", "api_key": KEY}, ConfigurationError, "base_url"),
    ):
        provider = example.create(config)
        with pytest.raises(error, match=words):
            await provider.complete(HELLO)
        await provider.close()


async def test_a_script_finds_it_by_name(server: Emulator, example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_factories", {})
    monkeypatch.setenv("OWN_SERVER_BASE_URL", server.base_url)
    monkeypatch.setenv("OWN_SERVER_API_KEY", KEY)
    register("own", example.create)
    provider = create_provider("own:my-model")
    assert "84" in (await provider.complete(HELLO)).text
    assert server.request_bodies[-1]["model"] == "my-model"
    assert await provider.list_models()
    await provider.close()
