"""Nothing of an OpenAI account reaches Azure, and nothing at all reaches a second host."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from amplifier_module_provider_azure_openai_v2.__main__ import COMMANDS
from openai_responses_common.cli.commands import run_command
from responses_emulator import Emulator, redirect

from tests.support.azure_cloud import CANARY, ENTRA, HOST, KEY, METADATA, Cloud, StartCloud, failing

ACCOUNT = {
    "OPENAI_API_KEY": f"sk-{CANARY}-openai",
    "OPENAI_ADMIN_KEY": f"sk-admin-{CANARY}-openai",
    "OPENAI_ORG_ID": f"org-{CANARY}-openai",
    "OPENAI_PROJECT_ID": f"proj-{CANARY}-openai",
    "OPENAI_WEBHOOK_SECRET": f"whsec-{CANARY}-openai",
    "OPENAI_CUSTOM_HEADERS": f"X-Mine: {CANARY}-openai\napi-key: {CANARY}-openai\nAuthorization: {CANARY}-openai",
}


@pytest.mark.promise("other accounts in the environment, `.netrc` or cookies are not sent", area="security")
@pytest.mark.parametrize("by", ["key", "token"])
async def test_nothing_of_an_openai_account_is_sent(
    cloud: Cloud, elsewhere: Emulator, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ACCOUNT, "OPENAI_BASE_URL": elsewhere.origin}.items():
        monkeypatch.setenv(name, value)
    session = await cloud.open(**({"api_key": KEY} if by == "key" else cloud.secret))
    await session.ask("hello")
    await session.provider.list_models()
    assert len(cloud.server.requests) >= 2
    for request in cloud.server.requests:
        assert f"{CANARY}-openai" not in str(request.headers)
        assert f"{CANARY}-openai" not in request.raw_body.decode()
        assert not {name for name in request.headers if name.startswith("openai-")} & {
            "openai-organization",
            "openai-project",
        }
    assert len([name for name in cloud.server.model_requests[0].headers if name in {"api-key", "authorization"}]) == 1


async def test_the_variables_of_an_openai_account_are_not_read(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ACCOUNT, "OPENAI_BASE_URL": cloud.url()}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(kernel.AuthenticationError, match="Azure OpenAI is not set up"):
        await (await cloud.open(azure_endpoint=...)).ask("hello")
    with pytest.raises(kernel.AuthenticationError, match="no credential for Azure OpenAI found"):
        await (await cloud.open()).ask("hello")
    assert cloud.server.requests == []


# Redirects.

STATUSES = [301, 302, 303, 307, 308]


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("by", ["key", "token"])
async def test_a_redirect_of_the_resource_is_not_followed(
    cloud: Cloud, elsewhere: Emulator, status: int, by: str
) -> None:
    cloud.server.script(redirect(f"{elsewhere.origin}/openai/v1/responses", status=status))
    error = await cloud.refusal(**({"api_key": KEY} if by == "key" else cloud.secret))
    assert type(error) is kernel.ConfigurationError
    assert str(status) in str(error)
    assert not error.retryable


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("at", ["token", "discovery"])
async def test_a_redirect_of_entra_is_not_followed(cloud: Cloud, elsewhere: Emulator, status: int, at: Any) -> None:
    cloud.directory.script(redirect(f"{elsewhere.origin}/t/oauth2/v2.0/token", status=status), at=at)
    error = await cloud.refusal(**cloud.secret)
    assert type(error) is kernel.AuthenticationError
    assert f"{ENTRA} redirects a token request, which is not followed (HTTP {status})" in str(error)


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_of_a_sign_in_is_not_followed(
    cloud: Cloud, elsewhere: Emulator, status: int, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.directory.script(redirect(f"{elsewhere.origin}/x", status=status), at="devicecode")
    settings = {**cloud.local, **cloud.app, "token_file_path": str(tmp_path / "s.json")}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    assert run_command(COMMANDS, program="p", description="d", arguments=["login", *words]) == 1
    assert f"redirects a token request, which is not followed (HTTP {status})" in capsys.readouterr().err


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.usefixtures("machine")
async def test_a_redirect_of_a_metadata_service_is_not_followed(cloud: Cloud, elsewhere: Emulator, status: int) -> None:
    cloud.directory.script(redirect(f"{elsewhere.origin}/x", status=status), at="identity")
    error = await cloud.refusal(auth="entra_managed_identity")
    assert f"{METADATA} redirects a token request" in str(error)


# A discovery document that lies.


@pytest.mark.promise(
    "no discovery document or next page takes a credential to another host",
    area="security",
    without={
        "openai-v2": "no response names an address for a further request",
        "chatgpt-oauth": "the addresses of the sign-in are constants",
    },
)
async def test_a_forged_token_endpoint_gets_nothing(cloud: Cloud, elsewhere: Emulator) -> None:
    for place in (
        f"{elsewhere.origin}/t/token",
        f"https://{ENTRA}@127.0.0.1:{elsewhere.port}/t",
        f"https://{ENTRA}:444/t",
    ):
        cloud.directory.token_endpoint = place
        error = await cloud.refusal(**{**cloud.secret, "account": place})
        assert type(error) is kernel.AuthenticationError
        assert f"{ENTRA} names " in str(error)
        assert "nothing was sent" in str(error)
    assert cloud.directory.token_forms == []


@pytest.mark.promise("no discovery document or next page takes a credential to another host", area="security")
async def test_a_token_endpoint_without_tls_gets_nothing(cloud: Cloud) -> None:
    cloud.directory.token_endpoint = f"http://{ENTRA}/t/token"
    error = await cloud.refusal(**cloud.secret)
    assert type(error) is kernel.ConfigurationError
    assert "Entra's response" in str(error)
    assert cloud.directory.token_forms == []


async def test_a_region_in_the_environment_changes_no_address(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSAL_FORCE_REGION", "westeurope")
    monkeypatch.setenv("REGION_NAME", "westeurope")
    await cloud.ask(**cloud.secret)
    assert set(cloud.names.asked) == {ENTRA, HOST}


async def test_an_authority_that_msal_does_not_know_is_looked_up_nowhere(cloud: Cloud) -> None:
    await cloud.ask(**cloud.secret, authority_host=f"https://localhost:{cloud.server.port}")
    assert set(cloud.names.asked) == {HOST}


@pytest.mark.promise("a credential goes to no address without TLS, look-alike or trick address", area="security")
async def test_an_authority_without_tls_is_refused(cloud: Cloud, elsewhere: Emulator) -> None:
    error = await cloud.refusal(**cloud.secret, authority_host=f"http://127.0.0.1:{elsewhere.port}")
    assert type(error) is kernel.ConfigurationError


async def test_no_name_is_looked_up_before_the_first_call(cloud: Cloud) -> None:
    session = await cloud.open(**cloud.secret)
    session.provider.get_info()
    assert cloud.names.asked == []
    await session.ask("hello")


# Servers that are not who they say.


@pytest.mark.promise("a server whose certificate is not valid gets nothing", area="security")
@pytest.mark.parametrize("wrong", ["expired", "wrong_host", "untrusted", "self_signed"])
async def test_a_resource_that_cannot_be_trusted_gets_nothing(start: StartCloud, ca: Any, wrong: str) -> None:
    cloud = start(tls=getattr(ca, wrong)())
    error = await failing(await cloud.open(api_key=KEY, azure_endpoint=f"https://localhost:{cloud.server.port}"))
    assert type(error) is kernel.NetworkError
    assert not error.retryable
    assert "certificate" in str(error).lower()
    assert "SSL_CERT_FILE" in str(error)
    assert cloud.server.requests == []
