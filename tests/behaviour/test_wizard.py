"""What a person is asked who sets a provider up, and that the provider then works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.models import ConfigField
from responses_emulator import Emulator

from tests.support.backends import BackendUnderTest
from tests.support.session import Session
from tests.support.wizard_host import GENERATIONS, Wizard, expanded, shown

EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
NEUTRAL = {"default", "auto"}
RESOURCE = "https://contoso.openai.azure.com"
# What a platform or another program sets where a choice makes sense.
AROUND = {
    "entra_token": {"AZURE_OPENAI_AD_TOKEN": "a-token"},
    "entra_workload_identity": {
        "AZURE_TENANT_ID": "contoso.example",
        "AZURE_CLIENT_ID": "an-application",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token",
    },
}


@pytest.fixture(params=GENERATIONS)
def generation(request: pytest.FixtureRequest) -> str:
    """Both CLIs."""
    return request.param


SetUp = Callable[..., Wizard]


@pytest.fixture
def set_up(backend: BackendUnderTest, emulator: Emulator, generation: str, monkeypatch: pytest.MonkeyPatch) -> SetUp:
    """Prepares a run of the wizard, with what a person would answer about the backend's account."""

    def prepare(**answers: str) -> Wizard:
        account = backend.config(emulator.base_url, backend.secret)
        fields = questions(backend)
        typed = {each.id: str(account[each.id]) for each in fields if each.id in account} | answers
        for each in fields:
            if each.id in typed and each.id not in answers:  # what must be chosen for the question to come up
                typed |= {key: value for key, value in (each.show_when or {}).items() if ":" not in value}
        if not backend.collected(emulator.base_url, backend.secret):  # nothing to type: somebody is signed in
            for name, value in backend.environment(emulator.base_url, backend.secret).items():
                monkeypatch.setenv(name, value)
        return Wizard(
            provider_class=backend.provider_class,
            generation=generation,
            answers=typed,
            model=backend.model,
            keep=monkeypatch.setenv,
        )

    return prepare


def questions(backend: BackendUnderTest) -> list[ConfigField]:
    """Everything that the wizard could ask."""
    nobody = Wizard(provider_class=backend.provider_class, generation="newer", answers={}, model="", keep=print)
    return nobody.made({}).get_info().config_fields


async def answer(backend: BackendUnderTest, emulator: Emulator, config: dict[str, Any]) -> dict[str, Any]:
    """Mount with a config, make a call, and give its body."""
    session = await Session(backend, emulator).mount(config)
    try:
        assert (await session.ask("hello")).text
        return session.body
    finally:
        await session.cleanup()


def test_the_wizard_ends_with_a_provider_that_works(
    set_up: SetUp, backend: BackendUnderTest, emulator: Emulator
) -> None:
    wizard = set_up(reasoning_effort="high")
    saved = wizard.run()
    assert backend.model in wizard.menu, wizard.told
    assert not wizard.told
    assert backend.secret not in str(saved)
    # As a session starts: variables are replaced, and the host adds settings of its own.
    config = {key: expanded(value) for key, value in saved.items()} | {"priority": 1, "raw": True}
    body = asyncio.run(answer(backend, emulator, config))
    assert (body["model"], body["reasoning"]["effort"]) == (backend.model, "high")


def test_the_saved_settings_work_also_where_nobody_replaces_variables(
    set_up: SetUp, backend: BackendUnderTest, emulator: Emulator
) -> None:
    saved = set_up().run()
    assert asyncio.run(answer(backend, emulator, dict(saved)))["model"] == backend.model


def test_enter_leaves_everything_to_the_model(set_up: SetUp, backend: BackendUnderTest, emulator: Emulator) -> None:
    saved = set_up().run()
    assert saved["reasoning_effort"] in NEUTRAL
    body = asyncio.run(answer(backend, emulator, dict(saved)))
    assert body.get("reasoning", {}).get("effort") == backend.stated_effort


def test_the_questions_are_few(set_up: SetUp) -> None:
    wizard = set_up()
    wizard.run()
    assert len(wizard.asked) <= 6, wizard.asked
    assert wizard.asked[-1] == "reasoning_effort"
    assert len(set(wizard.asked)) == len(wizard.asked)


def test_what_is_saved_are_strings_that_the_module_knows(
    set_up: SetUp, backend: BackendUnderTest, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    saved = set_up().run()
    assert {type(value) for value in saved.values()} == {str}
    with caplog.at_level(logging.WARNING):
        asyncio.run(answer(backend, emulator, dict(saved)))
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_a_named_deployment_is_the_model(set_up: SetUp, backend: BackendUnderTest, emulator: Emulator) -> None:
    wizard = set_up(deployment_name="gpt-5.6-luna")
    saved = wizard.run()
    if "deployment_name" not in {each.id for each in questions(backend)}:
        assert wizard.menu, "where there are no deployments, a model is picked"
        return
    assert saved["default_model"] == "gpt-5.6-luna"
    assert not wizard.menu
    assert not emulator.requests
    assert asyncio.run(answer(backend, emulator, dict(saved)))["model"] == "gpt-5.6-luna"


def test_a_second_instance_keeps_its_own_place(set_up: SetUp, backend: BackendUnderTest, emulator: Emulator) -> None:
    places = {"base_url", "azure_endpoint"} & {each.id for each in questions(backend)}
    first = set_up().run()
    second = set_up(**dict.fromkeys(places, emulator.base_url.replace("127.0.0.1", "localhost"))).run()
    for place in places:
        assert first[place] == emulator.base_url
        assert second[place] != first[place]


def test_without_a_credential_the_wizard_says_why_and_asks_for_the_name_of_a_model(
    backend: BackendUnderTest, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {each.id: RESOURCE for each in questions(backend) if each.required}
    wizard = Wizard(
        provider_class=backend.provider_class,
        generation=generation,
        answers=answers,
        model="my-model",
        keep=monkeypatch.setenv,
        signs_in=False,
    )
    saved = wizard.run()
    assert not wizard.menu
    (told,) = wizard.told
    assert any(name in told for name in (*backend.remedies, *backend.unset)), told
    assert saved["default_model"] == "my-model"


def test_fields_are_what_the_wizard_understands(backend: BackendUnderTest) -> None:
    fields = questions(backend)
    for each in fields:
        assert each.default is None or isinstance(each.default, str), each.id
        assert each.prompt
        assert each.display_name
        if each.field_type == "choice":
            assert each.choices
            assert all(isinstance(choice, str) for choice in each.choices)
            assert each.default in NEUTRAL & set(each.choices), f"{each.id} has no neutral value"
        if each.field_type == "secret":
            assert each.env_var, f"{each.id} would lie in the settings file"
        else:
            assert each.env_var is None, f"{each.id} would be shared by all instances"
    effort = next(each for each in fields if each.id == "reasoning_effort")
    assert set(effort.choices or []) >= EFFORTS
    assert effort.requires_model


def test_conditions_are_about_questions_that_came_before(backend: BackendUnderTest) -> None:
    before: dict[str, ConfigField] = {}
    fields = questions(backend)
    for each in sorted(fields, key=lambda one: one.requires_model):
        for key in each.show_when or {}:
            if key == "default_model":
                assert each.requires_model, f"{each.id} comes before the model is known"
                continue
            assert key in before, f"{each.id} depends on {key}, which was not asked"
            values = before[key].choices or []
            assert any(shown(each.model_dump(), {key: value}) for value in values), f"{each.id} is never asked"
        before[each.id] = each


def choices(backend: BackendUnderTest) -> list[tuple[str, str]]:
    return [(each.id, choice) for each in questions(backend) for choice in each.choices or []]


def test_every_choice_can_be_used_with_what_the_wizard_then_asks(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is called with them here: some choices mean somebody else's service."""
    texts = {each.id: "something" for each in questions(backend) if each.field_type in {"text", "secret"}}
    texts |= {
        key: value for key, value in {"base_url": emulator.base_url, "azure_endpoint": RESOURCE}.items() if key in texts
    }
    for key, choice in choices(backend):
        with monkeypatch.context() as around:
            for name, value in AROUND.get(choice, {}).items():
                around.setenv(name, value)
            wizard = Wizard(
                provider_class=backend.provider_class,
                generation="newer",
                answers={**texts, key: choice},
                model=backend.model,
                keep=around.setenv,
                signs_in=False,
            )
            saved = wizard.run()
            assert saved[key] == choice
            assert wizard.made(saved).find_problems() == (), f"{key} {choice}"


@pytest.mark.parametrize("effort", [None, *sorted(EFFORTS)])
async def test_every_effort_is_taken_by_the_service(
    backend: BackendUnderTest, emulator: Emulator, effort: str | None
) -> None:
    config = backend.settings(emulator, **({"reasoning_effort": effort} if effort else {}))
    try:
        await answer(backend, emulator, config)
    except ConfigurationError as error:
        pytest.fail(f"{effort}: {error}")
