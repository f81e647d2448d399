"""Mounting: without credentials, twice, on mock and real coordinators, with whatever a host hands over."""

from __future__ import annotations

import importlib
import inspect
import logging
import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from amplifier_core.models import ProviderInfo
from amplifier_core.validation import ProviderValidator
from responses_emulator import Emulator, Say

from tests.support.backends import BackendUnderTest
from tests.support.session import OpenSession, Session, other_tasks
from tests.support.wizard_host import PLACEHOLDER, probed

pytestmark = pytest.mark.one_transport("mounting makes no request")


async def mounted(backend: BackendUnderTest, config: Mapping[str, Any] | None) -> Session:
    """A session on a service that is not running."""
    session = Session(backend, backend.emulator())
    session.cleanup = await backend.mount(session.coordinator, config)
    session.provider = session.coordinator.get("providers")[backend.name]
    return session


@pytest.mark.promise("without a key the provider is absent", area="hazard")
@pytest.mark.parametrize("config", [None, {}, {"api_key": ""}, {"base_url": ""}, {"api_key": "${NOT_SET_ANYWHERE}"}])
async def test_it_mounts_without_credentials(backend: BackendUnderTest, config: Mapping[str, Any] | None) -> None:
    session = await mounted(backend, config)
    info = session.provider.get_info()
    assert isinstance(info, ProviderInfo)
    with pytest.raises(AuthenticationError):
        await session.ask("hello")
    with pytest.raises(AuthenticationError):
        await session.provider.list_models()
    await session.cleanup()


@pytest.mark.parametrize("with_credentials", [True, False], ids=["with credentials", "without"])
async def test_the_kernels_validator_is_content(backend: BackendUnderTest, with_credentials: bool) -> None:
    config = backend.config("http://127.0.0.1:9/v1", backend.secret) if with_credentials else {}
    outcome = await ProviderValidator().validate(backend.package_path, config=config)
    assert outcome.passed, outcome.errors
    assert not outcome.warnings
    assert any(check.name == "protocol_compliance" and backend.name in check.message for check in outcome.checks)


@pytest.mark.promise("mounting blocks or sends requests", area="hazard")
async def test_mounting_talks_to_nobody_and_starts_nothing(backend: BackendUnderTest, emulator: Emulator) -> None:
    threads = threading.active_count()
    session = await Session(backend, emulator).mount(backend.settings(emulator))
    session.provider.get_info()
    session.provider.get_model_info()
    assert emulator.requests == []
    assert emulator.open_connections == 0
    assert threading.active_count() == threads
    assert not other_tasks()
    await session.cleanup()
    await session.cleanup()


async def test_mounting_twice_gives_two_providers_that_share_nothing(open_session: OpenSession) -> None:
    """As on the path where the kernel validates a module before it loads it."""
    first = await open_session(default_model="gpt-5.6-luna")
    second = await open_session()
    await first.cleanup()
    second.emulator.script(Say("ok"))
    response = await second.ask("hello")
    assert response.text == "ok"
    assert first.provider is not second.provider
    assert (first.provider.spent_usd, second.provider.spent_usd) == (Decimal(0), response.usage.cost_usd or Decimal(0))


async def test_the_cost_of_the_session_is_the_sum_of_its_calls(session: Session) -> None:
    assert [each for each in await session.coordinator.collect_contributions("session.cost") if each] == []
    answers = [await session.ask("hello") for _ in range(3)]
    total = sum((response.usage.cost_usd or Decimal(0) for response in answers), Decimal(0))
    if session.backend.priced:
        (cost,) = [each for each in await session.coordinator.collect_contributions("session.cost") if each]
        assert Decimal(cost["cost_usd"]) == total > 0


async def test_the_config_is_left_as_it_was(backend: BackendUnderTest) -> None:
    config = {"api_key": "", "reasoning": {"effort": "low"}}
    session = await mounted(backend, config)
    assert config == {"api_key": "", "reasoning": {"effort": "low"}}
    assert session.provider.config == config
    await session.cleanup()


async def test_hosts_find_what_they_look_for(session: Session) -> None:
    provider = session.provider
    assert provider.name == session.backend.name
    assert isinstance(provider.config, dict)
    assert isinstance(provider.priority, int)
    assert provider.default_model == session.backend.model
    for name in ("list_models", "complete", "close"):
        assert inspect.iscoroutinefunction(getattr(provider, name)), name
    for name in ("get_info", "get_model_info", "parse_tool_calls"):
        assert not inspect.iscoroutinefunction(getattr(provider, name)), name


async def test_the_priority_sorts_also_where_a_wizard_wrote_it(open_session: OpenSession) -> None:
    sessions = [await open_session(priority=value) for value in ("7", 3, "0")]
    assert sorted(each.provider.priority for each in sessions) == [0, 3, 7]


async def test_the_module_has_the_names_that_hosts_expect(backend: BackendUnderTest) -> None:
    module = importlib.import_module(backend.package)
    assert module.__amplifier_module_type__ == "provider"
    assert [name for name in module.__all__ if name.endswith("Provider")] == [backend.class_name]
    looked_up = backend.name.title().replace("-", "") + "Provider"
    assert getattr(module, looked_up) is backend.provider_class


@pytest.mark.promise("the advertised limits are not those of the model", area="hazard")
async def test_info_describes_the_configured_model(open_session: OpenSession, backend: BackendUnderTest) -> None:
    small = (await open_session(default_model="gpt-4o")).provider
    large = (await open_session(default_model="gpt-5.6-sol", max_output_tokens="5000")).provider
    assert small.get_info().defaults["context_window"] == small.get_model_info().context_window == 128_000
    assert large.get_info().defaults["context_window"] >= backend.window
    assert large.get_info().defaults["max_output_tokens"] == 5000
    assert small.get_info().defaults["model"] == "gpt-4o"
    assert large.get_info().id == small.get_info().id
    assert "thinking" in large.get_info().capabilities


@pytest.mark.promise("an effort that a wizard saved cannot be used", area="hazard")
@pytest.mark.parametrize("value", ["default", "auto", "none", "max"])
async def test_every_effort_that_a_wizard_saved_can_be_used(open_session: OpenSession, value: str) -> None:
    session = await open_session(reasoning_effort=value)
    await session.ask("hello")
    sent = session.body.get("reasoning", {}).get("effort")
    wanted = "low" if value == "none" and not session.backend.rests else value
    assert sent == (session.backend.stated_effort if value in {"default", "auto"} else wanted)


@pytest.mark.promise("the user's address does not reach the model list", area="hazard")
async def test_the_cli_reaches_the_users_own_server(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through what it passes to the constructor; where that is nothing, through the environment."""
    collected = backend.collected(emulator.base_url, backend.secret)
    for name, value in ({} if collected else backend.environment(emulator.base_url, backend.secret)).items():
        monkeypatch.setenv(name, value)
    url, key = collected.get("base_url") or PLACEHOLDER, collected.get("api_key") or ""
    provider = probed(backend.provider_class, url, key)
    models = await provider.list_models()
    await provider.close()
    assert backend.model in {model.id for model in models}


async def test_the_cli_may_know_nothing_yet(backend: BackendUnderTest) -> None:
    """Placeholder and empty strings count as nothing, so the error is about the credential and nobody is called."""
    provider = probed(backend.provider_class, PLACEHOLDER, "")
    assert provider.get_info().display_name
    assert "placeholder" not in repr(provider)
    with pytest.raises(AuthenticationError) as caught:
        await provider.list_models()
    assert len(str(caught.value)) < 200
    await provider.close()


async def test_newer_hosts_pass_the_whole_config(backend: BackendUnderTest, emulator: Emulator) -> None:
    named = inspect.signature(backend.provider_class).parameters
    assert "config" in named
    assert named["config"].kind is inspect.Parameter.KEYWORD_ONLY
    given = {key: None for key in ("base_url", "api_key") if key in named}
    provider = backend.provider_class(**given, config=backend.settings(emulator))
    assert await provider.list_models()
    await provider.close()


async def test_the_environment_serves_where_config_is_silent(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backend.environment(emulator.base_url, backend.secret).items():
        monkeypatch.setenv(name, value)
    session = await Session(backend, emulator).mount({"default_model": backend.model})
    assert (await session.ask("hello")).text
    await session.cleanup()


async def test_references_to_variables_are_read_also_where_the_host_did_not(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = backend.settings(emulator)
    for key in backend.config(emulator.base_url, backend.secret):
        monkeypatch.setenv(f"MY_OWN_{key.upper()}", str(settings[key]))
        settings[key] = f"${{MY_OWN_{key.upper()}}}"
    session = await Session(backend, emulator).mount(settings)
    assert (await session.ask("hello")).text
    await session.cleanup()


BAD_URLS = [
    "api.example.com",
    "ftp://example.com/v1",
    "http://[::1",
    "https://user:hush@example.com/v1",
    "http://x:y/v1",
]


@pytest.mark.promise("a credential goes to no address without TLS, look-alike or trick address", area="security")
@pytest.mark.parametrize("url", BAD_URLS)
async def test_a_bad_address_is_told_by_the_first_call(backend: BackendUnderTest, url: str) -> None:
    session = await mounted(backend, {**backend.config(url, backend.secret)})
    with pytest.raises(ConfigurationError) as caught:
        await session.ask("hello")
    assert "hush" not in str(caught.value)
    assert session.recorder.names == ["llm:request", "llm:response"]
    await session.cleanup()


async def test_a_constructor_never_raises(backend: BackendUnderTest) -> None:
    for config in ({"timeout": "soon"}, {"model_info": "x"}, {"max_retries": object()}, {"base_url": "::"}, {"a": 1}):
        session = await mounted(backend, config)
        session.provider.get_info()
        session.provider.get_model_info()
        await session.cleanup()


async def test_a_healthy_mount_logs_nothing(open_session: OpenSession, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        session = await open_session(raw="true", debug=False, priority="5", use_streaming="true")
        await session.ask("hello")
    ours = [record for record in caplog.records if record.name.startswith(("openai_responses", "amplifier_module"))]
    assert not ours


@pytest.mark.parametrize("method", ["complete", "list_models"])
async def test_errors_of_a_provider_without_a_service_name_it(backend: BackendUnderTest, method: str) -> None:
    settings = backend.config("http://127.0.0.1:9/v1", backend.secret)
    session = await mounted(backend, {**settings, "max_retries": 0, "default_model": backend.model})
    with pytest.raises(LLMError) as caught:
        await (session.ask("hello") if method == "complete" else session.provider.list_models())
    assert caught.value.provider == backend.name
    await session.cleanup()
