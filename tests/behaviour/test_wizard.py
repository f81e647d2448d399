"""What a person is asked who sets a provider up, and that the provider then works."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.models import ConfigField
from responses_emulator import Emulator

from tests.support.backends import BackendUnderTest
from tests.support.session import Session
from tests.support.wizard_host import GENERATIONS, Wizard, expanded, shown

pytestmark = [
    pytest.mark.one_transport("no request is made over a WebSocket"),
    pytest.mark.one_sign_in("the questions are those of the module"),
]

EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
RESOURCE = "https://contoso.openai.azure.com"


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


def places(backend: BackendUnderTest, emulator: Emulator) -> dict[str, str]:
    """Answers that lead to the emulator."""
    return {"base_url": emulator.base_url, "azure_endpoint": emulator.base_url, "deployment_name": backend.model}


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


ENVIRONMENTS = ("nothing", "address", "key and address")  # a key alone would be sent to the service itself


@pytest.fixture(params=ENVIRONMENTS)
def surroundings(
    request: pytest.FixtureRequest, backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Sets variables of the backend, and says whether they are all that a call needs."""
    values = backend.environment(emulator.base_url, backend.secret)
    names = [name for name in values if ("address" if values[name] == emulator.base_url else "key") in request.param]
    for name in names:
        monkeypatch.setenv(name, values[name])
    return len(names) == len(values)


def press_enter(backend: BackendUnderTest, generation: str, **options: Any) -> dict[str, str]:
    """What is saved if somebody only presses Enter, and picks the first model; nothing if an answer is required."""
    wizard = Wizard(
        provider_class=backend.provider_class,
        generation=generation,
        answers={},
        model="",
        keep=lambda *_: None,
        signs_in=False,
        **options,
    )
    try:
        return wizard.run()
    except ValueError:
        return {}


@pytest.mark.promise("pressing Enter in a wizard overrides what a bundle or the environment says", area="hazard")
def test_enter_saves_nothing_but_the_model_and_references_to_set_variables(
    surroundings: bool, backend: BackendUnderTest, emulator: Emulator, generation: str
) -> None:
    saved = press_enter(backend, generation)
    saved.pop("default_model", None)
    secrets = {each.id: each.env_var for each in questions(backend) if each.field_type == "secret"}
    assert saved == {key: f"${{{name}}}" for key, name in secrets.items() if name in os.environ and key in saved}
    if surroundings:  # the variables are all that a call needs
        asyncio.run(_compare_calls(backend, emulator, saved))


async def _compare_calls(backend: BackendUnderTest, emulator: Emulator, saved: dict[str, str]) -> None:
    """Check that a call with what was saved is one without, also over what a bundle configures."""
    model = {"default_model": backend.model}
    bundle = {**model, "reasoning_effort": "high", "verbosity": "low"}
    bodies = [
        await answer(backend, emulator, config)
        for config in (model, {**saved, **model}, bundle, {**bundle, **saved, **model})
    ]
    assert _without_ids(bodies[0]) == _without_ids(bodies[1])
    assert _without_ids(bodies[2]) == _without_ids(bodies[3])
    assert bodies[3]["reasoning"]["effort"] == "high"
    headers = [[each.headers.get(name) for name in ("authorization", "api-key")] for each in emulator.model_requests]
    assert all(each == headers[0] for each in headers)


def _without_ids(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what is new in each conversation."""
    return {key: value for key, value in body.items() if key not in {"prompt_cache_key", "client_metadata"}}


ANSWERS: list[dict[str, str]] = [
    {},
    {"deployment_name": ""},  # the model is picked from the menu
    {"auth": "entra_client_secret"},
    {"auth": "entra_managed_identity", "reasoning_effort": "xhigh"},  # as somebody writes it by hand
]


@pytest.mark.promise("setting a provider up again changes what was not touched", area="hazard")
def test_enter_changes_nothing_of_what_was_set_up(
    set_up: SetUp, backend: BackendUnderTest, emulator: Emulator, generation: str
) -> None:
    texts = {each.id: "something" for each in questions(backend) if each.field_type == "text" and each.id != "auth"}
    texts |= {key: value for key, value in places(backend, emulator).items() if key in texts}
    for answers in ANSWERS:
        existing = set_up(**{**texts, "reasoning_effort": "low", **answers}).run()
        assert len(existing) >= 2
        assert press_enter(backend, generation, existing=existing) == existing


def test_each_instance_has_a_key_of_its_own(
    set_up: SetUp, backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host names the variable of a second instance, and what is shown of its credential names it too."""
    secret = next((each for each in questions(backend) if each.field_type == "secret"), None)
    if secret is None or secret.env_var is None:
        return  # nobody has to type a secret
    other = secret.env_var.replace("_API_KEY", "_2_API_KEY")
    wizard = set_up(**{secret.id: "the-second-key"})
    wizard.variables = {secret.env_var: other}
    monkeypatch.setenv(secret.env_var, backend.secret)
    saved = wizard.run()
    assert saved[secret.id] == f"${{{other}}}"
    for config in (saved, {key: expanded(value) for key, value in saved.items()}):
        credential = wizard.made(config)._backend.transport.http.endpoint.credential
        assert f"the key in the variable {other}" in credential.description


def test_the_questions_are_few(set_up: SetUp) -> None:
    wizard = set_up()
    wizard.run()
    assert len(wizard.asked) <= 6, wizard.asked
    assert wizard.asked[-1] == "reasoning_effort"
    assert wizard.asked[0] in {"api_key", "azure_endpoint", "default_model"}
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
    addresses = {"base_url", "azure_endpoint"} & {each.id for each in questions(backend)}
    first = set_up().run()
    second = set_up(**dict.fromkeys(addresses, emulator.base_url.replace("127.0.0.1", "localhost"))).run()
    for place in addresses:
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
        assert each.prompt
        assert each.display_name
        assert each.default is None, f"{each.id}: hosts save a default that nobody chose"
        assert each.field_type in {"text", "secret"}, f"{each.id}: hosts save the first choice if nobody chose"
        if each.field_type == "secret":
            assert each.env_var, f"{each.id} would lie in the settings file"
        else:
            assert each.env_var is None, f"{each.id} would be shared by all instances"
    effort = next(each for each in fields if each.id == "reasoning_effort")
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
            values = [(each.show_when or {})[key].rpartition(":")[2], ""]
            assert any(shown(each.model_dump(), {key: value}) for value in values), f"{each.id} is never asked"
        before[each.id] = each


def conditions(backend: BackendUnderTest) -> list[tuple[str, str]]:
    """The answers after which further questions come up, and an empty one."""
    pairs = [pair for each in questions(backend) for pair in (each.show_when or {}).items() if ":" not in pair[1]]
    return [("reasoning_effort", ""), *dict.fromkeys(pairs)]


def test_every_answer_can_be_used_with_what_the_wizard_then_asks(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is called with them here: some answers mean somebody else's service."""
    texts = {each.id: "something" for each in questions(backend)} | {"auth": "", "reasoning_effort": ""}
    texts |= places(backend, emulator) | {"azure_endpoint": RESOURCE}
    for key, value in conditions(backend):
        wizard = Wizard(
            provider_class=backend.provider_class,
            generation="newer",
            answers={**texts, key: value},
            model=backend.model,
            keep=monkeypatch.setenv,
            signs_in=False,
        )
        saved = wizard.run()
        assert saved.get(key, "") == value
        assert {each.id for each in questions(backend) if (each.show_when or {}).get(key) == value} <= saved.keys()
        assert wizard.made(saved).find_problems() == (), f"{key} {value}"


@pytest.mark.parametrize("effort", [None, *sorted(EFFORTS)])
async def test_every_effort_is_taken_by_the_service(
    backend: BackendUnderTest, emulator: Emulator, effort: str | None
) -> None:
    config = backend.settings(emulator, **({"reasoning_effort": effort} if effort else {}))
    try:
        await answer(backend, emulator, config)
    except ConfigurationError as error:
        pytest.fail(f"{effort}: {error}")
