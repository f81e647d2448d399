"""What this machine keeps of Sign in with ChatGPT outlasts a sign-out, and holds no secret."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from amplifier_core.llm_errors import AuthenticationError
from amplifier_module_provider_chatgpt_oauth.account_settings import AccountSettings
from amplifier_module_provider_chatgpt_oauth.auth.registration import (
    Registration,
    check_subject,
    describe_reset,
    load_host_id,
    load_registration,
    save_registration,
)
from amplifier_module_provider_chatgpt_oauth.auth.tokens import Tokens

ADA = Registration(client_id="oaiapp_1", subject="ada", declined_plan=True)


@pytest.fixture(params=["file", "memory"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AccountSettings:
    file = tmp_path / "home" / "tokens.json"
    config = {"auth_mode": "plan", "token_store": request.param, "token_file_path": str(file)}
    return AccountSettings.from_config(config)


def test_it_is_empty_at_first_and_then_what_was_saved(settings: AccountSettings) -> None:
    assert load_registration(settings) == Registration()
    save_registration(settings, ADA)
    assert load_registration(settings) == ADA
    assert settings.token_file.parent.exists() is not settings.is_in_memory


def test_the_id_of_the_machine_stays_and_is_shared_by_all_accounts(settings: AccountSettings) -> None:
    host_id = load_host_id(settings)
    assert host_id.startswith("urn:uuid:")
    config = {"auth_mode": "plan", "account": "work", "token_store": settings.token_store}
    work = AccountSettings.from_config({**config, "token_file_path": str(settings.token_file.with_name("tokens.json"))})
    save_registration(settings, ADA)
    assert load_host_id(work) == host_id
    assert load_registration(work) == Registration(), "a client id belongs to one account"


@pytest.mark.parametrize("content", ["", "no JSON", "[]", '{"client_id": 5, "subject": null, "declined_plan": "yes"}'])
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: str) -> None:
    settings = AccountSettings.from_config({"auth_mode": "plan", "token_file_path": str(tmp_path / "tokens.json")})
    tmp_path.chmod(0o700)
    for file in (settings.registration_file, settings.host_file):
        file.write_text(content, encoding="utf-8")
        file.chmod(0o600)
    assert load_registration(settings) == Registration()
    assert load_host_id(settings).startswith("urn:uuid:")


def test_a_client_id_is_for_its_issuer_alone(settings: AccountSettings) -> None:
    save_registration(settings, ADA)
    other = replace(settings, issuer="http://127.0.0.1:1")
    assert load_registration(other) == Registration()
    assert describe_reset(other) == ""
    assert load_registration(settings) == ADA


def test_the_way_to_a_new_client_id_names_the_file(settings: AccountSettings) -> None:
    assert describe_reset(settings) == ""
    save_registration(settings, ADA)
    assert (str(settings.registration_file) in describe_reset(settings)) is not settings.is_in_memory


def test_another_person_is_refused() -> None:
    bob = Tokens(access_token="x", expires_at=1.0, account="bob")
    check_subject(Registration(), bob)
    check_subject(Registration(subject="bob"), bob)
    with pytest.raises(AuthenticationError, match="'account'"):
        check_subject(ADA, bob)
