"""Who is signed in: several accounts, signing out, what is said about it, and what another module has left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common import create_provider
from responses_emulator import Account, Disconnect, Emulator, HttpReply, write_codex_file, write_ms_module_file
from responses_emulator.openai_sign_in.tokens import decode_claims

from tests.support.chatgpt_machine import Machine, Person, ask
from tests.support.session import stored

BOB = Account(
    email="bob@example.com", plan="team", account_id="account-of-bob", user_id="user-Bob", subject="auth0|Bob"
)


def test_each_account_has_its_own_sign_in(machine: Machine) -> None:
    ada, bob = machine.provider(), machine.provider(account="work")
    assert ada.login(Person(machine.service))
    assert bob.auth_status() == "unauthenticated"
    assert bob.login(Person(machine.service, lambda: machine.service.approve(account=BOB)))
    for provider in (ada, bob, ada):
        ask(provider)
    ids = [each.headers["chatgpt-account-id"] for each in machine.emulator.model_requests]
    assert ids == [machine.service.account.account_id, BOB.account_id, machine.service.account.account_id]
    assert sorted(path.name for path in machine.home.glob("*.json")) == ["tokens.json", "tokens.work.json"]
    bob.logout()
    assert (ada.auth_status(), bob.auth_status()) == ("authenticated", "unauthenticated")


async def test_ciphertext_stays_with_its_account(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    ada = await machine.session()
    first = await ada.ask("hello")
    other = machine.provider(account="work")
    assert await __import__("asyncio").to_thread(
        other.login, Person(machine.service, lambda: machine.service.approve(account=BOB))
    )
    bob = await machine.session(account="work")
    await bob.ask("hello", stored(first), "more")
    assert not [item for item in bob.body["input"] if item["type"] == "reasoning"]
    await ada.ask("hello", stored(first), "more")
    (reasoning,) = [item for item in ada.body["input"] if item["type"] == "reasoning"]
    assert reasoning["encrypted_content"]
    assert "id" not in reasoning


def test_signing_out_revokes_the_tokens_at_the_service(machine: Machine) -> None:
    tokens = machine.keep(machine.service.token_set())
    provider = machine.provider()
    ask(provider)
    assert provider.logout() == [f"{machine.file} (mode 0600)"]
    (revoked,) = machine.service.requests_to("revoke")
    assert revoked.body == {
        "token": tokens.refresh_token,
        "token_type_hint": "refresh_token",
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
    }
    assert not machine.service.is_live(tokens.refresh_token)
    assert not machine.file.exists()
    assert not list(machine.home.glob("*.json.models"))
    with pytest.raises(AuthenticationError, match="nobody is signed in"):
        ask(provider)
    assert provider.logout() == []


@pytest.mark.parametrize("fault", [HttpReply(503, "busy"), Disconnect()])
def test_signing_out_works_without_the_service(machine: Machine, fault: Any, caplog: pytest.LogCaptureFixture) -> None:
    machine.keep(machine.service.token_set())
    machine.service.script("revoke", fault)
    assert machine.provider().logout()
    assert not machine.file.exists()
    assert any("not revoked at the service" in record.message for record in caplog.records)


def test_a_damaged_file_can_be_signed_out_of(machine: Machine) -> None:
    machine.file.touch(mode=0o600)
    machine.file.write_text("{", encoding="utf-8")
    with pytest.raises(AuthenticationError, match="damaged: sign in again"):
        machine.provider().auth_status()
    assert machine.provider().logout()
    assert machine.provider().auth_status() == "unauthenticated"


def test_a_damaged_file_can_be_signed_in_over(machine: Machine) -> None:
    machine.file.touch(mode=0o600)
    machine.file.write_text("{", encoding="utf-8")
    assert machine.provider().login(Person(machine.service))
    assert ask(machine.provider()).text


@pytest.mark.parametrize(
    ("lifetime_s", "refresh", "status"),
    [
        (1000, True, "authenticated"),
        (-10, True, "authenticated"),
        (1000, False, "authenticated"),
        (-10, False, "expired"),
    ],
)
def test_the_status_that_hosts_ask_for(machine: Machine, lifetime_s: float, refresh: bool, status: str) -> None:
    tokens = machine.keep(machine.service.token_set(lifetime_s=lifetime_s))
    if not refresh:
        document = json.loads(machine.file.read_text())
        document["tokens"]["refresh_token"] = ""
        machine.file.write_text(json.dumps(document))
    provider = machine.provider()
    assert provider.auth_status() == status
    assert "auth:oauth-device-code" in provider.get_info().capabilities
    assert not machine.emulator.requests
    assert tokens


@pytest.mark.parametrize("fedramp", [True, False])
def test_the_fedramp_header_goes_with_its_claim(machine: Machine, fedramp: bool) -> None:
    machine.keep(machine.service.token_set(Account(fedramp=fedramp)))
    ask(machine.provider())
    (request,) = machine.emulator.model_requests
    assert request.headers.get("x-openai-fedramp") == ("true" if fedramp else None)


@pytest.mark.parametrize("wrong", [None, "user-whatever"])
def test_the_file_of_microsofts_module_is_imported(machine: Machine, wrong: str | None) -> None:
    """With the account id computed anew: what stands there is a user's."""
    tokens = machine.service.token_set()
    machine.file.touch(mode=0o600)
    write_ms_module_file(machine.file, tokens, account_id=wrong)
    provider = machine.provider()
    assert provider.auth_status() == "authenticated"
    ask(provider)
    (request,) = machine.emulator.model_requests
    assert request.headers["authorization"] == f"Bearer {tokens.access_token}"
    assert request.headers["chatgpt-account-id"] == machine.service.account.account_id


def test_an_imported_token_that_has_expired_is_refreshed_and_saved_in_our_format(machine: Machine) -> None:
    machine.file.touch(mode=0o600)
    write_ms_module_file(machine.file, machine.service.token_set(lifetime_s=-10))
    ask(machine.provider())
    assert len(machine.service.requests_to("refresh")) == 1
    assert json.loads(machine.file.read_text())["v"] == 1
    assert json.loads(machine.file.read_text())["account"] == machine.service.account.account_id


def test_an_imported_opaque_token_expires_when_the_file_says_so(machine: Machine) -> None:
    machine.service.opaque_access_tokens = True
    machine.file.touch(mode=0o600)
    write_ms_module_file(machine.file, machine.service.token_set(lifetime_s=5_000))
    ask(machine.provider())
    assert not machine.service.requests_to("refresh")
    assert machine.sent[0].startswith("at_")


def test_a_file_of_openais_own_client_is_left_alone(machine: Machine) -> None:
    machine.file.touch(mode=0o600)
    write_codex_file(machine.file, machine.service.token_set())
    before = machine.file.read_text()
    with pytest.raises(AuthenticationError, match="not written by this program"):
        ask(machine.provider())
    assert machine.file.read_text() == before


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"auth_mode": "oauth"}', '{"auth_mode": "oauth", "access_token": "x"}']
)
def test_any_other_file_is_left_alone(machine: Machine, content: str) -> None:
    machine.file.touch(mode=0o600)
    machine.file.write_text(content, encoding="utf-8")
    with pytest.raises(AuthenticationError):
        ask(machine.provider())
    assert machine.file.read_text() == content


def test_tokens_in_memory_touch_no_file(machine: Machine) -> None:
    provider = machine.provider(token_store="memory", account="of-this-test")
    assert provider.login(Person(machine.service))
    assert ask(provider).text
    assert not list(machine.home.iterdir())
    provider.logout()


def test_a_script_creates_the_provider_by_name(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    provider = create_provider("chatgpt:gpt-5.6-luna", **machine.settings())
    assert ask(provider).text  # type: ignore[arg-type]
    assert machine.emulator.request_bodies[-1]["model"] == "gpt-5.6-luna"


HOSTS = [
    ({"base_url": "https://chatgpt.com.example/backend-api/codex"}, "allowed_hosts"),
    ({"base_url": "https://evilchatgpt.com/x"}, "allowed_hosts"),
    ({"base_url": "http://chatgpt.com/backend-api/codex"}, "https"),
    ({"issuer": "https://auth.openai.com.example"}, "allowed_hosts"),
    ({"issuer": "https://chatgpt.com"}, "allowed_hosts"),
    ({"issuer": "http://gateway.example", "allowed_hosts": "gateway.example"}, "https"),
    ({"base_url": "http://0.0.0.0:9/x"}, "allowed_hosts"),
]


@pytest.mark.promise("a credential goes to no address without TLS, look-alike or trick address", area="security")
@pytest.mark.parametrize(("change", "said"), HOSTS, ids=lambda value: str(value)[:60])
def test_tokens_go_to_known_hosts_only(machine: Machine, change: dict[str, Any], said: str) -> None:
    machine.keep(machine.service.token_set())
    from amplifier_core.llm_errors import ConfigurationError

    provider = machine.provider(**change)
    with pytest.raises(ConfigurationError, match=said):
        ask(provider)
    with pytest.raises(ConfigurationError, match=said):
        provider.auth_status()
    person = Person(machine.service)
    assert provider.login(person) is False
    assert not machine.emulator.requests


@pytest.mark.parametrize("allowed", ["gateway.example", ["Gateway.example"], " x.example, gateway.example "])
def test_tokens_go_to_a_host_that_the_user_allowed(allowed: Any) -> None:
    from amplifier_module_provider_chatgpt_oauth.account_settings import AccountSettings

    place = AccountSettings.from_config({"base_url": "https://eu.gateway.example/codex/", "allowed_hosts": allowed})
    assert place.base_url == "https://eu.gateway.example/codex"
    assert place.usage_url == "https://eu.gateway.example/wham/usage"


@pytest.mark.parametrize(
    ("base_url", "usage_url"),
    [
        ("http://127.0.0.1:9", "http://127.0.0.1:9/wham/usage"),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/wham/usage"),
        ("http://127.0.0.1:9/a/codex", "http://127.0.0.1:9/a/wham/usage"),
    ],
)
def test_the_usage_is_beside_the_service(base_url: str, usage_url: str) -> None:
    from amplifier_module_provider_chatgpt_oauth.account_settings import AccountSettings

    assert AccountSettings.from_config({"base_url": base_url}).usage_url == usage_url


async def test_no_redirect_is_followed_with_a_token(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    with Emulator() as elsewhere:
        session = await machine.session(max_retries=0)
        for status in (301, 302, 303, 307, 308):
            machine.emulator.script(HttpReply(status, "", {"location": f"{elsewhere.base_url}/responses"}))
            with pytest.raises(Exception, match="redirect"):
                await session.ask("hello")
        assert not elsewhere.requests


def test_a_home_is_not_written_to_before_somebody_signs_in(tmp_path: Path, machine: Machine) -> None:
    provider = machine.provider(token_file_path=str(tmp_path / "new" / "tokens.json"))
    assert provider.auth_status() == "unauthenticated"
    assert not (tmp_path / "new").exists()
    assert provider.login(Person(machine.service))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_the_claims_are_those_of_the_token(machine: Machine) -> None:
    tokens = machine.service.token_set()
    from openai_responses_common.auth.jwt import read_claims as ours

    assert ours(tokens.access_token) == decode_claims(tokens.access_token)
    for broken in ("", "a.b", "a.b.c", "a.!.c", "a.eyJ4.c", "a.W10.c"):
        assert ours(broken) == {}
