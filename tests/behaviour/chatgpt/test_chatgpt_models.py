"""The models: the service's own list, asked for when it is old or has changed, kept on disk, marked when offline."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, NetworkError, ProviderUnavailableError
from amplifier_module_provider_chatgpt_oauth import models as models_file
from openai_responses_common.auth.store.lock import hold_file_lock
from responses_emulator import Catalogue, CatalogueEntry, Emulator, HttpReply

from tests.support.chatgpt_machine import Machine, ask
from tests.support.session import Session


@pytest.fixture
def ready(machine: Machine) -> Machine:
    machine.keep(machine.service.token_set())
    return machine


async def listed(machine: Machine, **settings: Any) -> list[Any]:
    provider = machine.provider(**settings)
    try:
        return await provider.list_models()
    finally:
        await provider.close()


def asked(machine: Machine) -> list[Any]:
    return [each for each in machine.emulator.requests if each.path.endswith("/models")]


async def test_models_are_listed_in_the_order_of_the_service(ready: Machine) -> None:
    models = await listed(ready)
    ids = [model.id for model in models]
    assert ids[:4] == ["gpt-6.1-sol", "gpt-6.1-sol-fast", "gpt-6-astra", "gpt-6-astra-fast"]
    assert ids[-1] == "gpt-5.3-codex-spark", "although it is not for the API, and it has no fast tier"
    assert "codex-auto-review" not in ids
    assert asked(ready)[0].query == "client_version=1.0.0"
    assert models[0].display_name == "GPT-6.1 Sol"
    assert models[1].display_name == "GPT-6.1 Sol Fast"


async def test_an_entry_describes_its_model(ready: Machine) -> None:
    models = {model.id: model for model in await listed(ready)}
    sol, spark = models["gpt-5.6-sol"], models["gpt-5.3-codex-spark"]
    assert (sol.context_window, spark.context_window) == (272_000, 128_000)
    assert models["gpt-6.1-terra"].context_window == 500_000
    assert sol.defaults["reasoning_effort"] == "low"
    assert sol.defaults["reasoning_efforts"] == ["low", "medium", "high", "xhigh", "max"], "not ultra, nor none"
    assert spark.defaults["reasoning_effort"] == "high"
    assert ("vision" in sol.capabilities, "vision" in spark.capabilities) == (True, False)
    assert sol.max_output_tokens == 128_000
    assert all(model.pricing is None for model in models.values())


async def test_an_entry_with_few_fields_is_listed(ready: Machine, catalogue: Catalogue) -> None:
    bare = CatalogueEntry(slug="gpt-77", efforts=(), window=None, fast=False, modalities=("text",), default_effort=None)
    more = {
        "display_name": None,
        "support_verbosity": None,
        "supported_reasoning_levels": None,
        "input_modalities": None,
    }
    catalogue.entries = (
        bare,
        replace(bare, slug="gpt-78", extra_fields=more),
        replace(bare, slug="", extra_fields={"priority": None}),
    )
    models = {model.id: model for model in await listed(ready)}
    assert set(models) == {"gpt-77", "gpt-78"}
    assert models["gpt-78"].display_name == "gpt-78"
    assert "reasoning_efforts" not in models["gpt-77"].defaults
    assert models["gpt-77"].context_window > 0


ODD_FIELDS = [
    *({"context_window": odd} for odd in (True, -1, 0, 10**400, "272000", 1.5, None, [])),
    *({"priority": odd} for odd in ("high", None, 10**400)),
    *({"additional_speed_tiers": odd} for odd in (5, True, "fast", {})),
    *({"supported_reasoning_levels": odd} for odd in (5, "low", [5, {"effort": []}])),
    {"service_tiers": 5, "input_modalities": "text", "support_verbosity": "yes", "default_reasoning_level": []},
    {"display_name": 5},
]


@pytest.mark.parametrize("fields", ODD_FIELDS, ids=str)
async def test_an_odd_field_of_one_entry_breaks_no_model(
    ready: Machine, catalogue: Catalogue, fields: dict[str, object]
) -> None:
    entry = CatalogueEntry(slug="gpt-77", window=128_000)
    catalogue.entries = (entry, replace(entry, slug="gpt-78", extra_fields=fields))
    provider = ready.provider()
    models = {model.id: model for model in await provider.list_models()}
    assert models["gpt-77"].context_window == 128_000
    assert models["gpt-78"].context_window > 0
    assert provider.get_model_info().id


async def test_the_model_info_of_the_user_wins(ready: Machine) -> None:
    info = {"gpt-5.6-sol": {"context_window": 1000}, "gpt-99": {"context_window": 2000}}
    models = {model.id: model for model in await listed(ready, model_info=json.dumps(info))}
    assert models["gpt-5.6-sol"].context_window == 1000
    assert models["gpt-5.6-sol"].max_output_tokens == 128_000
    assert models["gpt-99"].context_window == 2000


async def test_the_first_model_that_the_service_shows_is_the_default(ready: Machine, catalogue: Catalogue) -> None:
    assert ready.provider(default_model="").default_model == "gpt-6.1-sol"
    catalogue.entries = (CatalogueEntry(slug="gpt-7-sol", priority=-1), *catalogue.entries)
    await listed(ready)
    fresh = ready.provider(default_model="")
    assert fresh.default_model == "gpt-7-sol"
    assert fresh.get_info().defaults["model"] == "gpt-7-sol"
    session = await ready.session(default_model="")
    await session.ask("hello")
    assert session.body["model"] == "gpt-7-sol"


async def test_context_windows_are_not_overestimated_before_the_list_is_fetched(ready: Machine) -> None:
    for model, window in (("gpt-5.6-sol", 272_000), ("gpt-6.1-terra", 500_000), ("gpt-daybreak-red-latest", 372_000)):
        assert ready.provider(default_model=model).get_info().defaults["context_window"] == window
    session = await ready.session(default_model="gpt-6-luna")
    await session.ask("hello", reasoning_effort="none")
    assert session.body["reasoning"]["effort"] == "low"
    assert session.sent == 1, "and nothing had to be refused first"


async def test_the_model_list_is_fetched_again_when_it_is_old(ready: Machine) -> None:
    provider = ready.provider()
    for _ in range(3):
        await provider.list_models()
    await provider.close()
    assert len(asked(ready)) == 1


async def test_the_next_process_starts_with_the_saved_model_list(ready: Machine) -> None:
    await listed(ready)
    provider = ready.provider(default_model="gpt-5.3-codex-spark")
    assert provider.get_model_info().context_window == 128_000
    assert [model.id for model in await provider.list_models()]
    await provider.close()
    assert len(asked(ready)) == 1
    assert (ready.home / "tokens.json.models").stat().st_mode & 0o777 == 0o600


async def test_an_old_model_list_is_requested_with_its_tag(ready: Machine) -> None:
    first = await listed(ready, models_cache_ttl="0")
    second = await listed(ready, models_cache_ttl="0")
    assert [model.id for model in first] == [model.id for model in second]
    assert [each.status for each in asked(ready)] == [200, 304]
    assert asked(ready)[1].headers["if-none-match"]
    await listed(ready)
    assert len(asked(ready)) == 2, "the answer made it new again"


async def test_a_changed_model_list_replaces_the_old_one(ready: Machine, catalogue: Catalogue) -> None:
    await listed(ready, models_cache_ttl="0")
    catalogue.entries = (CatalogueEntry(slug="gpt-7-sol"),)
    assert [model.id for model in await listed(ready, models_cache_ttl="0")] == ["gpt-7-sol", "gpt-7-sol-fast"]
    assert [each.status for each in asked(ready)] == [200, 200]


async def test_a_response_with_another_tag_outdates_the_model_list(ready: Machine, catalogue: Catalogue) -> None:
    session = await ready.session()
    await session.provider.list_models()
    await session.ask("hello")
    await session.provider.list_models()
    assert len(asked(ready)) == 1
    catalogue.entries = (*catalogue.entries, CatalogueEntry(slug="gpt-7-sol"))
    await session.ask("hello")
    assert "gpt-7-sol" in [model.id for model in await session.provider.list_models()]
    assert len(asked(ready)) == 2


async def test_the_saved_model_list_is_used_and_marked_offline(
    ready: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    known = await listed(ready)
    ready.emulator.stop()
    models = await listed(ready, models_cache_ttl="0")
    assert [model.id for model in models] == [model.id for model in known]
    assert all("(as of 20" in model.display_name for model in models)
    assert [
        record
        for record in caplog.records
        if record.levelno == logging.WARNING and "model list cannot be fetched" in record.message
    ]


async def test_no_model_list_is_invented_offline(ready: Machine) -> None:
    ready.emulator.stop()
    with pytest.raises(NetworkError):
        await listed(ready, max_retries=0)


async def test_a_refusal_is_reported_although_a_model_list_is_saved(ready: Machine) -> None:
    await listed(ready)
    for tokens in [ready.kept["access_token"]]:
        ready.service.reject_access_token(tokens)
    ready.service.script("refresh", HttpReply(401, {"error": {"code": "refresh_token_expired"}}))
    with pytest.raises(AuthenticationError):
        await listed(ready, models_cache_ttl="0")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"v": 1}', '{"v": 2, "source": "elsewhere", "models": []}'])
async def test_a_file_that_is_not_a_model_list_is_ignored(ready: Machine, content: str) -> None:
    path = ready.home / "tokens.json.models"
    path.touch(mode=0o600)
    path.write_text(content)
    assert await listed(ready)
    assert json.loads(path.read_text())["models"]


async def test_a_model_list_is_saved_under_a_lock(ready: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, two processes would delete each other's temporary files."""
    monkeypatch.setattr(models_file, "_LOCK_DEADLINE_S", 0.05)
    path = ready.home / "tokens.json.models"
    with hold_file_lock(path.with_name(f"{path.name}.lock")):
        assert await listed(ready)
        assert not path.exists()
    assert await listed(ready)
    assert path.exists()


async def test_a_model_list_of_another_client_version_is_not_used(ready: Machine) -> None:
    every = await listed(ready)
    few = await listed(ready, client_version="0.100.0")
    assert {model.id for model in few} < {model.id for model in every}
    assert len(asked(ready)) == 2


async def test_the_model_list_works_without_a_file(ready: Machine, emulator: Emulator) -> None:
    import asyncio

    from tests.support.chatgpt_machine import Person

    provider = ready.provider(token_store="memory", account="nowhere")
    await asyncio.to_thread(provider.login, Person(ready.service))
    assert await provider.list_models()
    assert await provider.list_models()
    await provider.close()
    assert len(asked(ready)) == 1
    assert not list(ready.home.glob("*.json.models"))


async def test_a_response_that_is_not_a_model_list_is_an_error(machine: Machine, emulator: Emulator) -> None:
    machine.keep(machine.service.token_set())
    session: Session = await machine.session()
    models = session.provider._backend.models

    class Fetch:
        async def fetch_document(self, path: str, *, etag: str | None = None) -> Any:
            from openai_responses_common import Document

            return Document(body={"data": []})

    with pytest.raises(ProviderUnavailableError, match="model list"):
        await models.list_models(Fetch(), session.provider._configured_options)


def test_a_sign_in_forgets_the_catalogue_of_the_account_before(ready: Machine) -> None:
    import asyncio

    from tests.support.chatgpt_machine import Person

    asyncio.run(listed(ready))
    assert ready.provider().login(Person(ready.service))
    assert not (ready.home / "tokens.json.models").exists()
    ask(ready.provider())
