"""What goes wrong on the way to a token: the kernel's class, whether trying again helps, and what a person reads."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from amplifier_module_provider_azure_openai_v2.auth.azure_cli import AzureCli
from amplifier_module_provider_azure_openai_v2.settings import LOGIN_HINT
from responses_emulator import (
    Authority,
    Directory,
    Disconnect,
    Emulator,
    HttpReply,
    app_service_error,
    arc_surface,
    entra_error,
    entra_unavailable,
    imds_error,
    imds_proxy_refusal,
    imds_unavailable,
    redirect,
    write_azure_cli,
)

from tests.support.azure_cloud import CANARY, COGNITIVE, ENTRA, METADATA, MINE, Cloud, until
from tests.support.run_clock import RunClock


def check(error: kernel.LLMError, kind: type[kernel.LLMError], told: list[str], *, retryable: bool = False) -> None:
    """Class, retryability, and every text that has to be there."""
    assert type(error) is kind, error
    assert error.retryable is retryable
    for text in told:
        assert text in str(error), error
    assert CANARY not in str(error)


# Entra refuses.

NUMBERS = [7000215, 7000222, 700016, 700027, 700213, 50027, 70011]
REMEDIES = {
    7000218: "switch on 'Allow public client flows'",
    65001: "let an administrator of the tenant grant consent",
    500011: "set tenant_id to the tenant of the Azure OpenAI resource",
}


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_refusal_of_entra_is_reported_with_its_code_and_a_remedy(cloud: Cloud, number: int) -> None:
    refusal = entra_error(number, {"client": CANARY, "tenant": CANARY})
    cloud.directory.script(refusal)
    error = await cloud.refusal(**cloud.secret)
    assert isinstance(refusal.body, dict)
    told = [
        f"AADSTS{number} ({refusal.body['error']})",
        f"correlation id {refusal.body['correlation_id']}",
        "check id, tenant and secret",
    ]
    check(error, kernel.AuthenticationError, [*told, cloud.directory.tenant, cloud.directory.client_id])


@pytest.mark.parametrize("number", REMEDIES)
async def test_a_refusal_with_one_cause_names_its_remedy(cloud: Cloud, number: int) -> None:
    cloud.directory.script(entra_error(number))
    error = await cloud.refusal(**cloud.secret)
    check(error, kernel.AuthenticationError, [f"AADSTS{number}", REMEDIES[number]])
    assert "check id, tenant and secret" not in str(error)


async def test_a_transient_refusal_is_retried(cloud: Cloud) -> None:
    cloud.directory.script(entra_error(90033))
    check(await cloud.refusal(**cloud.secret), kernel.ProviderUnavailableError, ["AADSTS90033"], retryable=True)


async def test_a_failure_of_azure_identity_lists_what_it_tried(cloud: Cloud, cli: Cli) -> None:
    cli.says("not signed in")
    error = await cloud.refusal(auth="azure_identity")
    check(error, kernel.AuthenticationError, ["after trying EnvironmentCredential, ", "AzureCliCredential"])


async def test_an_unknown_tenant_is_reported(cloud: Cloud) -> None:
    error = await cloud.refusal(**{**cloud.secret, "tenant_id": "elsewhere.example"})
    told = ["AADSTS90002", "correlation id", "elsewhere.example", cloud.directory.client_id, ENTRA]
    check(error, kernel.AuthenticationError, told)


@pytest.mark.parametrize("number", [50076, 53003, 700082, 70043])
async def test_a_refusal_that_needs_a_user_says_to_sign_in(cloud: Cloud, number: int) -> None:
    cloud.directory.script(entra_error(number))
    check(await cloud.refusal(**cloud.secret), kernel.AuthenticationError, [f"AADSTS{number}", LOGIN_HINT])


async def test_a_corrected_secret_counts_at_once(cloud: Cloud) -> None:
    cloud.directory.script(entra_error(700016))
    await cloud.refusal(**{**cloud.secret, "client_secret": "wrong"})
    await cloud.ask(**cloud.secret)


# Entra is not itself.

TROUBLE: list[tuple[Any, type[kernel.LLMError], list[str], bool]] = [
    (entra_unavailable(), kernel.ProviderUnavailableError, [ENTRA, "503"], True),
    (entra_unavailable(status=500), kernel.ProviderUnavailableError, [ENTRA, "500"], True),
    (HttpReply(429, None, {"retry-after": "3"}), kernel.RateLimitError, [ENTRA, "429"], True),
    (HttpReply(429, "slow"), kernel.RateLimitError, [ENTRA, "429"], True),
    (
        HttpReply(200, "<html>Log in to the hotel</html>"),
        kernel.ProviderUnavailableError,
        [ENTRA, "200", "proxy"],
        True,
    ),
    (HttpReply(200, "[1]"), kernel.ProviderUnavailableError, [ENTRA, "200"], True),
    (HttpReply(403, "<html>blocked</html>"), kernel.ProviderUnavailableError, [ENTRA, "403"], True),
    (
        HttpReply(200, {"access_token": f"{CANARY}-AT"}),
        kernel.AuthenticationError,
        ["cannot get a token of", "client secret"],
        False,
    ),
    (HttpReply(200, {"token_type": "Bearer"}), kernel.AuthenticationError, ["Entra"], False),
    (HttpReply(401, {"error": f"{CANARY} echoed"}), kernel.AuthenticationError, ["without a code"], False),
    (redirect("https://elsewhere.example/"), kernel.AuthenticationError, [ENTRA, "redirects", "307"], False),
    (Disconnect(), kernel.NetworkError, [ENTRA], True),
    (Disconnect(reset=True), kernel.NetworkError, [ENTRA], True),
]


@pytest.mark.promise("a token service in trouble and a clock that jumps cost no valid token", area="security")
@pytest.mark.parametrize(("answer", "kind", "told", "retryable"), TROUBLE, ids=[str(row[0])[:50] for row in TROUBLE])
@pytest.mark.parametrize("at", ["token", "discovery"])
async def test_a_failure_of_entra_is_reported(
    cloud: Cloud, answer: Any, kind: type[kernel.LLMError], told: list[str], retryable: bool, at: Any
) -> None:
    if at == "discovery" and isinstance(answer, HttpReply) and isinstance(answer.body, dict):
        kind, told = kernel.AuthenticationError, ["Entra application"]
    cloud.directory.script(answer, at=at)
    error = await cloud.refusal(**cloud.secret)
    check(error, kind, told, retryable=retryable)
    if isinstance(answer, HttpReply) and answer.headers.get("retry-after"):
        assert error.retry_after == 3


async def test_a_passing_failure_of_entra_is_retried(cloud: Cloud) -> None:
    cloud.directory.script(entra_unavailable(), Disconnect(), HttpReply(429, None))
    await cloud.ask(**cloud.secret, max_retries=3, min_retry_delay=0.01)
    assert cloud.token_requests() == 4


@pytest.mark.promise("a token service in trouble and a clock that jumps cost no valid token", area="security")
async def test_an_entra_that_hangs_times_out(cloud: Cloud) -> None:
    cloud.directory.hold()
    with RunClock() as run_clock:
        error = await cloud.refusal(**cloud.secret, token_timeout=0.3)
    cloud.directory.release()
    check(error, kernel.LLMTimeoutError, ["getting a token of Entra application", "0.3 s"], retryable=True)
    assert run_clock.elapsed_s < 30


async def test_an_unreachable_entra_is_reported(cloud: Cloud) -> None:
    cloud.names.ports[ENTRA] = 9
    check(await cloud.refusal(**cloud.secret), kernel.NetworkError, [f"cannot reach {ENTRA}"], retryable=True)
    del cloud.names.ports[ENTRA]
    check(await cloud.refusal(**cloud.secret), kernel.NetworkError, [f"cannot reach {ENTRA}"], retryable=True)


@pytest.mark.promise("a server whose certificate is not valid gets nothing", area="security")
@pytest.mark.parametrize(
    ("wrong", "text"),
    [("expired", "expired"), ("wrong_host", "match"), ("untrusted", "issuer"), ("self_signed", "self")],
)
async def test_an_entra_with_an_untrusted_certificate_is_reported(
    cloud: Cloud, ca: Authority, wrong: str, text: str
) -> None:
    with Emulator(tls=getattr(ca, wrong)()) as server:
        cloud.names.ports["localhost"] = server.port
        error = await cloud.refusal(**cloud.secret, authority_host=f"https://localhost:{server.port}")
        assert server.requests == []
    check(error, kernel.NetworkError, ["cannot reach localhost", text, "SSL_CERT_FILE"])


ENVIRONMENT = [
    ("HTTPS_PROXY", f"foo://{CANARY}"),
    ("HTTPS_PROXY", f"http://{CANARY}:port"),
    ("ALL_PROXY", f"ftp://{CANARY}:21"),
    ("SSL_CERT_FILE", f"/nowhere/{CANARY}.pem"),
]


@pytest.mark.parametrize(("variable", "value"), ENVIRONMENT)
@pytest.mark.parametrize("way", ["secret", "certificate", "federated token"])
async def test_a_variable_that_no_client_can_use_is_named(
    cloud: Cloud, broken: Any, certificate: Any, variable: str, value: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    config = {
        "secret": {"client_secret": cloud.directory.client_secret},
        "certificate": {"client_certificate_path": broken("app.pem", certificate.files["key first.pem"])},
        "federated token": {"federated_token_file": broken("token", b"a.b.c")},
    }[way]
    error = await cloud.refusal(**cloud.app, **config)
    check(error, kernel.ConfigurationError, ["cannot create an HTTP client", variable])


@pytest.mark.skipif(importlib.util.find_spec("socksio") is not None, reason="socksio is installed")
async def test_a_socks_proxy_without_its_package_names_the_package(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://localhost:1080")
    check(await cloud.refusal(**cloud.secret), kernel.ConfigurationError, ["'socksio>=1,<2'"])


# Certificates and assertions that cannot be used.


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, bytes], str]:
    def write(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("name", ["locked.pem", "locked.pfx"])
@pytest.mark.parametrize("password", [None, f"{CANARY}-wrong"])
async def test_a_certificate_with_a_wrong_password_is_refused(
    cloud: Cloud, broken: Any, certificate: Any, name: str, password: str | None
) -> None:
    path = broken(name, certificate.files[name])
    given = {"client_certificate_password": password} if password else {}
    error = await cloud.refusal(**cloud.app, client_certificate_path=path, **given)
    check(error, kernel.ConfigurationError, ["password", path])


@pytest.mark.parametrize("name", ["nothing.pem", "nothing.pfx"])
async def test_a_file_that_is_not_a_certificate_is_refused(
    cloud: Cloud, broken: Any, tmp_path: Path, name: str
) -> None:
    path = broken(name, b"no certificate")
    check(await cloud.refusal(**cloud.app, client_certificate_path=path), kernel.ConfigurationError, ["certificate"])
    path = str(tmp_path / f"absent-{name}")
    error = await cloud.refusal(**cloud.app, client_certificate_path=path)
    check(error, kernel.ConfigurationError, ["client_certificate_path", path, "cannot be read"])
    error = await cloud.refusal(**cloud.app, client_certificate_path=name)
    check(error, kernel.ConfigurationError, ["absolute path", name])


async def test_a_certificate_that_is_not_registered_is_refused(cloud: Cloud, broken: Any, certificate: Any) -> None:
    path = broken("app.pem", certificate.files["key first.pem"])
    error = await cloud.refusal(**cloud.app, client_certificate_path=path)
    check(error, kernel.AuthenticationError, ["AADSTS700027", path])


async def test_an_absent_federated_token_file_is_reported(cloud: Cloud, tmp_path: Path) -> None:
    path = str(tmp_path / "absent")
    error = await cloud.refusal(**cloud.app, federated_token_file=path)
    check(error, kernel.ConfigurationError, ["federated_token_file", path])


async def test_an_expired_azure_ad_token_is_reported(cloud: Cloud) -> None:
    token = cloud.directory.issue_access_token("https://cognitiveservices.azure.com", expires_in=-5).text
    error = await cloud.refusal(azure_ad_token=token)
    check(error, kernel.AuthenticationError, ["azure_ad_token (AZURE_OPENAI_AD_TOKEN)", "has expired"])


# The machine's own services.

AGAIN = [(404, True), (410, True), (429, True), (500, True), (503, True)]


@pytest.mark.parametrize(("status", "retryable"), AGAIN)
@pytest.mark.usefixtures("machine")
async def test_a_metadata_service_that_fails_is_reported(cloud: Cloud, status: int, retryable: bool) -> None:
    cloud.directory.script(imds_unavailable(status), at="identity")
    error = await cloud.refusal(auth="entra_managed_identity")
    check(error, kernel.ProviderUnavailableError, [METADATA, str(status)], retryable=retryable)


@pytest.mark.promise("a metadata service in trouble or behind a proxy leaks no token", area="security")
@pytest.mark.usefixtures("machine")
async def test_a_metadata_service_that_recovers_issues_a_token(cloud: Cloud) -> None:
    cloud.directory.script(imds_unavailable(410), imds_unavailable(429), at="identity")
    await cloud.ask(auth="entra_managed_identity", max_retries=2, min_retry_delay=0.01)
    assert len(cloud.directory.requests_to("imds")) == 3


MACHINE: list[tuple[Any, type[kernel.LLMError], list[str], bool]] = [
    (imds_error(), kernel.AuthenticationError, [METADATA, "invalid_request", "assigned to this machine"], False),
    (imds_proxy_refusal(), kernel.ProviderUnavailableError, [METADATA, "403"], True),
    (HttpReply(200, "hello"), kernel.ProviderUnavailableError, [METADATA, "with JSON"], True),
    (HttpReply(200, {"access_token": f"{CANARY}-x"}), kernel.AuthenticationError, ["managed identity"], False),
]


@pytest.mark.promise("a metadata service in trouble or behind a proxy leaks no token", area="security")
@pytest.mark.parametrize(("answer", "kind", "told", "retryable"), MACHINE)
@pytest.mark.usefixtures("machine")
async def test_a_reply_of_a_metadata_service_is_reported(
    cloud: Cloud, answer: Any, kind: type[kernel.LLMError], told: list[str], retryable: bool
) -> None:
    cloud.directory.script(answer, at="identity")
    check(await cloud.refusal(auth="entra_managed_identity"), kind, told, retryable=retryable)


@pytest.mark.usefixtures("machine")
async def test_an_identity_that_is_not_assigned_to_the_machine_is_reported(cloud: Cloud) -> None:
    error = await cloud.refusal(managed_identity_client_id="unknown-id")
    check(error, kernel.AuthenticationError, ["unknown-id", "assigned to this machine"])


@pytest.mark.promise("a metadata service in trouble or behind a proxy leaks no token", area="security")
@pytest.mark.usefixtures("machine")
async def test_a_token_of_another_identity_is_not_used(cloud: Cloud) -> None:
    other = {"access_token": f"{CANARY}-x", "expires_in": "3600", "client_id": "somebody-else"}
    cloud.directory.script(HttpReply(200, other), at="identity")
    error = await cloud.refusal(managed_identity_client_id=MINE.client_id)
    check(error, kernel.AuthenticationError, ["another identity", MINE.client_id])
    assert cloud.server.model_requests == []


@pytest.mark.promise("a metadata service in trouble or behind a proxy leaks no token", area="security")
async def test_a_silent_metadata_service_times_out(cloud: Cloud, machine: Emulator) -> None:
    cloud.directory.hold("identity")
    error = await cloud.refusal(auth="entra_managed_identity", token_timeout=0.3)
    cloud.directory.release("identity")
    check(error, kernel.LLMTimeoutError, ["the managed identity", "0.3 s"], retryable=True)


@pytest.mark.promise(
    "a metadata service in trouble or behind a proxy leaks no token",
    area="security",
    without={
        "openai-v2": "there is no identity service and no Azure CLI",
        "chatgpt-oauth": "its tokens come from a sign-in only",
    },
)
@pytest.mark.usefixtures("machine")
async def test_no_proxy_sees_the_machines_own_services(
    cloud: Cloud, elsewhere: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.origin)
    monkeypatch.setenv("NO_PROXY", "contoso.openai.azure.com")
    await cloud.ask(auth="entra_managed_identity")
    assert cloud.directory.requests_to("imds")


async def test_a_refusal_of_an_app_platform_is_reported(
    cloud: Cloud, machine: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", machine.base_url_of("app_service"))
    monkeypatch.setenv("IDENTITY_HEADER", f"{CANARY}-wrong")
    error = await cloud.refusal(auth="entra_managed_identity")
    check(error, kernel.AuthenticationError, [f"127.0.0.1:{machine.port}", "HTTP 401", "assigned to this machine"])
    cloud.directory.script(app_service_error("no"), at="identity")
    check(await cloud.refusal(), kernel.AuthenticationError, ["HTTP 400"])


@pytest.mark.parametrize("fault", ["no key", "old agent"])
async def test_an_azure_arc_agent_that_cannot_be_used_is_reported(
    cloud: Cloud, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = tmp_path / "agent.key"
    key_file.write_text(f"{CANARY}-arc-key")
    prefixes = {"linux": str(tmp_path), "darwin": str(tmp_path)}
    monkeypatch.setattr("msal.managed_identity._supported_arc_platforms_and_their_prefixes", prefixes)
    with Emulator(surfaces=(arc_surface(cloud.directory, key_file, knows_users=False),)) as agent:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{agent.base_url_of('arc')}/oauth2/token")
        monkeypatch.setenv("IMDS_ENDPOINT", agent.origin)
        if fault == "no key":
            challenge = {"www-authenticate": f"Basic realm={tmp_path / 'absent.key'}"}
            cloud.directory.script(HttpReply(401, "{}", challenge), at="identity")
        error = await cloud.refusal(managed_identity_client_id=MINE.client_id)
    expected = {"no key": "FileNotFoundError", "old agent": "ManagedIdentityError"}[fault]
    check(error, kernel.AuthenticationError, [expected, MINE.client_id])


# The Azure CLI.


@dataclass
class Cli:
    folder: Path
    directory: Directory
    monkeypatch: pytest.MonkeyPatch

    def says(self, text: Any) -> Any:
        az = write_azure_cli(self.folder, self.directory, says=text)
        self.monkeypatch.setenv("PATH", f"{az.folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return az


@pytest.fixture
def cli(tmp_path: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> Cli:
    (tmp_path / "bin").mkdir()
    return Cli(tmp_path / "bin", directory, monkeypatch)


@pytest.mark.promise(
    "an Azure CLI that fails leaks no token, and no tenant becomes a command",
    area="security",
    without={
        "openai-v2": "there is no identity service and no Azure CLI",
        "chatgpt-oauth": "its tokens come from a sign-in only",
    },
)
@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("not signed in", ["not signed in", "az login"]),
        ("aadsts", ["AADSTS700082", "az login"]),
        ("garbage", ["something other than a token"]),
        ("nothing", ["something other than a token"]),
        ("leak", ["does not work (exit status 1): try `az version`"]),
        ("too old", ["az upgrade"]),
    ],
)
async def test_a_failure_of_the_azure_cli_is_reported(cloud: Cloud, cli: Cli, says: str, told: list[str]) -> None:
    cli.says(says)
    check(await cloud.refusal(auth="entra_azure_cli"), kernel.AuthenticationError, ["the Azure CLI", *told])


async def test_a_refusal_that_mentions_az_login_is_still_a_refusal(cloud: Cloud, cli: Cli) -> None:
    cli.says("aadsts")
    error = await cloud.refusal()
    assert "AADSTS700082" in str(error)
    assert "no credential for Azure OpenAI found" not in str(error)


async def test_an_absent_azure_cli_is_reported(cloud: Cloud) -> None:
    check(
        await cloud.refusal(auth="entra_azure_cli"), kernel.AuthenticationError, ["the program `az` is not on the PATH"]
    )


async def test_an_azure_cli_that_cannot_run_or_writes_no_text_is_reported(cloud: Cloud, cli: Cli) -> None:
    az = cli.says("token")
    az.program.write_bytes(b"\x7fELF no program")
    check(await cloud.refusal(auth="entra_azure_cli"), kernel.AuthenticationError, ["the Azure CLI", "OSError"])
    az.program.write_bytes(b"#!/bin/sh\nprintf '\\377\\376' >&2\nexit 3\n")
    check(await cloud.refusal(auth="entra_azure_cli"), kernel.AuthenticationError, ["exit status 3"])


TIMEOUTS_S = (0.5, 5.0, 50.0)
"""Half a second is enough, but not on every machine at every time."""


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return True


async def test_an_azure_cli_that_hangs_is_killed_with_its_children(cloud: Cloud, cli: Cli) -> None:
    az = cli.says("hang")
    for timeout_s in TIMEOUTS_S:
        error = await cloud.refusal(auth="entra_azure_cli", token_timeout=timeout_s)
        await until(lambda: not any(alive(each) for each in az.processes))
        started = len(az.processes)
        if started == 2 and "Azure CLI did not" in str(error):
            break
        (az.folder / "az.pids").unlink(missing_ok=True)
    words = f"the Azure CLI did not return a token within {0.9 * timeout_s:g} s"
    check(error, kernel.LLMTimeoutError, [words], retryable=True)
    assert started == 2


def test_a_program_that_keeps_the_pipe_of_a_killed_azure_cli_is_not_waited_for(cli: Cli) -> None:
    """As on Windows, where the kill ends the shell and not what it started."""
    az = cli.says("token")
    az.program.write_text(f"#!/bin/sh\nsetsid sleep 600 & echo $! > {az.folder}/kept\nsleep 600\n")
    kept = az.folder / "kept"
    for timeout_s in TIMEOUTS_S:
        with RunClock() as run_clock, pytest.raises(kernel.LLMTimeoutError, match="did not return a token within"):
            AzureCli(timeout_s=timeout_s).get_token(f"{COGNITIVE}/.default", None)
        if kept.exists() and kept.read_text():
            break
    os.kill(int(kept.read_text()), signal.SIGKILL)
    assert run_clock.elapsed_s < 30 + timeout_s


@pytest.mark.promise("an Azure CLI that fails leaks no token, and no tenant becomes a command", area="security")
async def test_an_invalid_tenant_never_reaches_a_command_line(cloud: Cloud, cli: Cli) -> None:
    az = cli.says("token")
    error = await cloud.refusal(auth="entra_azure_cli", tenant_id="a & calc.exe")
    check(error, kernel.ConfigurationError, ["tenant_id"])
    assert az.calls == []


# Objects that somebody else made.


class Broken:
    """Its messages hold what they should not."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_token(self, *scopes: str) -> Any:
        raise self.error


class ServiceRequestError(Exception):
    pass


async def test_an_exception_of_a_credential_object_is_reported_by_its_class(cloud: Cloud) -> None:
    broken = Broken(ValueError(f"AADSTS7000215: {CANARY}"))
    error = await cloud.refusal(credential=broken)
    check(error, kernel.AuthenticationError, ["the credential Broken", "AADSTS7000215 ValueError"])
    error = await cloud.refusal(credential=Broken(ServiceRequestError(CANARY)))
    check(error, kernel.NetworkError, ["the credential Broken", "ServiceRequestError"], retryable=True)


async def test_a_credential_object_that_hangs_times_out(cloud: Cloud) -> None:
    class Slow:
        async def get_token(self, *scopes: str) -> Any:
            import asyncio

            await asyncio.sleep(60)

    error = await cloud.refusal(credential=Slow(), token_timeout=0.2)
    check(error, kernel.LLMTimeoutError, ["the credential Slow", "0.2 s"], retryable=True)


async def test_a_credential_object_that_returns_no_token_is_reported(cloud: Cloud) -> None:
    class Odd:
        def get_token(self, *scopes: str) -> Any:
            return f"{CANARY} as a text"

    check(await cloud.refusal(credential=Odd()), kernel.AuthenticationError, ["the credential Odd", "AttributeError"])
