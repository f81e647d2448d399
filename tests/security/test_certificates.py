"""Servers that are not who they say get nothing, and no setting makes them trusted."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from amplifier_core.llm_errors import NetworkError
from responses_emulator import Authority, Emulator, SignInService, chatgpt_surfaces

from tests.support.backends import BACKENDS, ROOT
from tests.support.chatgpt_machine import Machine, Person, ask
from tests.support.run_clock import RunClock

pytestmark = pytest.mark.promise("a server whose certificate is not valid gets nothing", area="security")

WRONG = ["expired", "wrong_host", "untrusted", "self_signed"]


@pytest.fixture(params=WRONG)
def pretender(
    request: pytest.FixtureRequest, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """A whole service with a certificate that is wrong in one way; it must be asked nothing."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    tls = getattr(authority, request.param)()
    with Emulator(surfaces=chatgpt_surfaces(SignInService(interval="0.02")), tls=tls) as running:
        yield running
        assert running.requests == []


def at(running: Emulator) -> str:
    return f"https://localhost:{running.port}"


def test_a_renewal_with_a_pretender(pretender: Emulator, tmp_path: Path) -> None:
    """The refresh token is not sent, and nobody waits for a certificate to get better."""
    with Emulator(surfaces=chatgpt_surfaces(SignInService())) as running:
        machine = Machine(tmp_path / "home", running, SignInService())
        machine.keep(machine.service.token_set(lifetime_s=-10))
        with RunClock() as run_clock, pytest.raises(NetworkError, match=r"certificate.*SSL_CERT_FILE") as caught:
            ask(machine.provider(issuer=at(pretender), max_retries=5, min_retry_delay=30))
        assert not caught.value.retryable
        assert run_clock.elapsed_s < 20
        assert running.model_requests == []


def test_a_sign_in_with_a_pretender(pretender: Emulator, tmp_path: Path) -> None:
    """No code is asked for."""
    machine = Machine(tmp_path / "home", pretender, SignInService())
    person = Person(machine.service)
    assert machine.provider(issuer=at(pretender), base_url=f"{at(pretender)}/x").login(person) is False
    assert "SSL_CERT_FILE" in person.text
    assert not machine.file.exists()


def test_a_sign_out_with_a_pretender(pretender: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The tokens are removed here, and told to nobody."""
    machine = Machine(tmp_path / "home", pretender, SignInService())
    machine.keep(machine.service.token_set())
    assert machine.provider(issuer=at(pretender), base_url=f"{at(pretender)}/x").logout()
    assert "not revoked at the service" in caplog.text
    assert not machine.file.exists()


def test_a_list_of_models_with_a_pretender(pretender: Emulator, tmp_path: Path) -> None:
    """Neither is the access token sent."""
    machine = Machine(tmp_path / "home", pretender, SignInService())
    machine.keep(machine.service.token_set())
    provider = machine.provider(issuer=at(pretender), base_url=f"{at(pretender)}/backend-api/codex")

    async def listing() -> None:
        try:
            await provider.list_models()
        finally:
            await provider.close()

    with pytest.raises(NetworkError, match="SSL_CERT_FILE"):
        asyncio.run(listing())


def test_a_server_that_is_who_it_says_is_believed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The other side of it: with the authority trusted, the same way works."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    service = SignInService()
    with Emulator(surfaces=chatgpt_surfaces(service), tls=authority.context()) as running:
        machine = Machine(tmp_path / "home", running, service)
        machine.keep(service.token_set(lifetime_s=-10))
        urls = {"issuer": at(running), "base_url": f"{at(running)}/backend-api/codex"}
        assert ask(machine.provider(**urls)).text


LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"
SHIPPED = [*LIBRARY.rglob("*.py"), *(path for row in BACKENDS for path in row.package_path.rglob("*.py"))]
# What switches checking off, in any of the libraries below us.
OFF = {"verify", "verify_ssl", "ssl_verify", "check_hostname", "assert_hostname", "connection_verify"}
NEVER = {"_create_unverified_context", "CERT_NONE", "CERT_OPTIONAL"}


def test_nothing_switches_the_checking_off() -> None:
    """No file that is shipped names a switch for it, so no setting can reach one."""
    assert len(SHIPPED) > 60
    for path in SHIPPED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.keyword(arg=str(name)) | ast.Attribute(attr=name) | ast.Name(id=name):
                    assert name not in OFF | NEVER, f"{path}: {name}"
                case ast.Constant(value=str(text)):
                    assert text not in OFF | NEVER, f"{path}: {text}"
                case _:
                    pass


def test_no_setting_is_called_like_such_a_switch() -> None:
    """Nor does a module take a setting for it."""
    words = re.compile("verif|ssl|tls|insecure|trust|cert")
    found = {key for row in BACKENDS for key in row.provider_class(**row.collected("", ""))._backend.own_keys}
    assert {key for key in found if words.search(key)} == {
        "client_certificate_path",
        "client_certificate_password",
        "send_certificate_chain",
    }
