"""Without `auth` the first way that exists is taken: the config before the environment, what fails ends the search."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.identity
import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError
from amplifier_module_provider_azure_openai_v2.settings import LOGIN_HINT
from responses_emulator import Emulator, FakeAzureCli, HttpReply, imds_error, imds_proxy_refusal, write_azure_cli

from tests.support.azure_cloud import CANARY, COGNITIVE, ENTRA, KEY, METADATA, MINE, Cloud


@dataclass
class Offers:
    """What an environment offers, one thing after the other."""

    cloud: Cloud
    machine: Emulator
    certificate: SimpleNamespace
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    settings: dict[str, Any] = field(default_factory=dict)
    az: FakeAzureCli | None = None

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def application(self) -> None:
        self.set(**self.cloud.environment(secret=False))

    def key(self) -> None:
        self.set(AZURE_OPENAI_API_KEY=KEY)

    def token(self) -> None:
        self.set(AZURE_OPENAI_AD_TOKEN=self.cloud.directory.issue_access_token(COGNITIVE).text)

    def secret(self) -> None:
        self.application()
        self.set(AZURE_CLIENT_SECRET=self.cloud.directory.client_secret)

    def pem(self) -> None:
        self.application()
        path = self.folder / "app.pem"
        path.write_bytes(self.certificate.files["key first.pem"])
        self.cloud.directory.register_certificate(self.certificate.pem)
        self.set(AZURE_CLIENT_CERTIFICATE_PATH=str(path))

    def workload(self) -> None:
        self.application()
        self.cloud.directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
        (self.folder / "assertion").write_text(self.cloud.directory.federated_token())
        self.set(AZURE_FEDERATED_TOKEN_FILE=str(self.folder / "assertion"))

    def metadata(self) -> None:
        self.set(AZURE_MANAGED_IDENTITY_CLIENT_ID=MINE.client_id)
        self.cloud.names.ports[METADATA] = self.machine.port

    def person(self) -> None:
        self.application()
        self.settings |= self.cloud.sign_in(self.folder)

    def cli(self) -> None:
        self.az = write_azure_cli(self.folder, self.cloud.directory)
        self.set(PATH=str(self.az.folder))


# In the order in which they are looked for, and how each is told from the others.
ORDER: dict[str, Callable[[Offers], bool]] = {
    "key": lambda it: it.cloud.sent == [KEY],
    "token": lambda it: it.cloud.sent == [os.environ["AZURE_OPENAI_AD_TOKEN"]],
    "secret": lambda it: "client_secret" in it.cloud.directory.token_forms[-1],
    "pem": lambda it: len(it.cloud.directory.token_forms[-1]["client_assertion"]) > 700,
    "workload": lambda it: (
        it.cloud.directory.token_forms[-1]["client_assertion"] == (it.folder / "assertion").read_text()
    ),
    "metadata": lambda it: it.cloud.caller.object_id == MINE.object_id,
    "person": lambda it: it.cloud.caller.user is not None and it.cloud.directory.token_forms != [],
    "cli": lambda it: it.az is not None and len(it.az.calls) == 1,
}


@pytest.fixture
def offers(
    cloud: Cloud, certificate: SimpleNamespace, machine: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Offers:
    del cloud.names.ports[METADATA]
    return Offers(cloud, machine, certificate, tmp_path, monkeypatch)


@pytest.mark.parametrize("first", ORDER)
async def test_the_first_available_credential_ends_the_search(offers: Offers, first: str) -> None:
    names = list(ORDER)
    for name in reversed(names[names.index(first) :]):
        getattr(offers, name)()
    await offers.cloud.ask(**offers.settings)
    assert ORDER[first](offers)
    behind = names[names.index(first) + 1 :]
    assert "cli" not in behind or offers.az is None or offers.az.calls == []
    assert "metadata" not in behind or offers.cloud.directory.requests_to("imds") == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (lambda cloud: {"api_key": f"{KEY}-mine", **cloud.secret}, "config key"),
        (lambda cloud: {"client_secret": cloud.directory.client_secret}, "secret"),
        (lambda cloud: {"managed_identity_client_id": MINE.client_id}, "metadata"),
        (lambda cloud: {"managed_identity_object_id": MINE.object_id}, "metadata"),
        (lambda cloud: {"use_managed_identity": "true"}, "metadata"),
        (lambda cloud: {"azure_ad_token": "${AZURE_OPENAI_AD_TOKEN}"}, "token"),
        (lambda cloud: {"use_default_credential": True}, "token"),
        (lambda cloud: {"managed_identity_client_id": MINE.client_id, "use_managed_identity": "false"}, "key"),
        (lambda cloud: {"client_secret": "${NOT_SET_ANYWHERE}"}, "key"),
        (lambda cloud: {"api_key": "", "client_secret": "", "auth": ""}, "key"),
    ],
)
async def test_the_config_wins_over_the_environment(
    offers: Offers, settings: Callable[[Cloud], dict[str, Any]], expected: str
) -> None:
    for name in ("key", "token", "secret", "metadata"):
        getattr(offers, name)()
    await offers.cloud.ask(**settings(offers.cloud))
    assert offers.cloud.sent == [f"{KEY}-mine"] if expected == "config key" else ORDER[expected](offers)


@pytest.mark.parametrize("flag", ["AZURE_USE_MANAGED_IDENTITY", "AZURE_USE_DEFAULT_CREDENTIAL"])
async def test_a_key_of_the_environment_wins_over_a_switch_of_the_environment(offers: Offers, flag: str) -> None:
    offers.key()
    offers.metadata()
    offers.set(**{flag: "true"})
    await offers.cloud.ask()
    assert offers.cloud.sent == [KEY]


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [("dev", "cli"), ("prod", "secret"), ("ManagedIdentityCredential", "metadata"), ("AzureCliCredential", "cli")],
)
async def test_the_search_can_be_limited_as_in_the_sdks(offers: Offers, narrowed: str, expected: str) -> None:
    for name in ("secret", "metadata", "cli"):
        getattr(offers, name)()
    offers.set(AZURE_TOKEN_CREDENTIALS=narrowed)
    await offers.cloud.ask(token_store="file", token_file_path=str(offers.folder / "nobody.json"))
    assert ORDER[expected](offers)


# What does not exist is passed over.


NOT_AZURE = {  # what other clouds and networks answer at the metadata address
    "no identity": imds_error(),
    "Docker Desktop": imds_proxy_refusal(),
    "another cloud, newer": HttpReply(401, "<html>401 - Unauthorized</html>"),
    "another cloud, older": HttpReply(404, "<html>404 - Not Found</html>"),
    "a captive portal": HttpReply(200, "<html>Please sign in</html>"),
    "plain text": HttpReply(400, "bad request"),
    "an empty body": HttpReply(200, ""),
    "a redirect": HttpReply(302, "", headers={"location": "http://portal.example/"}),
    "a broken server": HttpReply(503, "<html>try later</html>"),
}
# These end the search of azure-identity, or cost it more than 20 seconds.
_SLOW_IN_AZURE_IDENTITY = {"another cloud, older", "an empty body", "a redirect", "a broken server"}


@pytest.mark.parametrize("name", NOT_AZURE)
async def test_a_machine_without_an_identity_is_skipped(offers: Offers, name: str) -> None:
    """As the default credential of azure-identity does it."""
    offers.cli()
    offers.set(AZURE_POD_IDENTITY_AUTHORITY_HOST=offers.machine.origin)
    offers.cloud.directory.script(*[NOT_AZURE[name]] * 20, at="identity")
    await offers.cloud.ask()
    assert ORDER["cli"](offers)
    if name not in _SLOW_IN_AZURE_IDENTITY:
        with azure.identity.DefaultAzureCredential() as reference:
            assert (await asyncio.to_thread(reference.get_token, COGNITIVE)).token
        assert offers.az is not None
        assert len(offers.az.calls) == 2


async def test_a_silent_metadata_address_is_skipped(offers: Offers) -> None:
    offers.cli()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        offers.set(AZURE_POD_IDENTITY_AUTHORITY_HOST=f"http://127.0.0.1:{silent.getsockname()[1]}")
        await offers.cloud.ask()
    assert ORDER["cli"](offers)


async def test_in_azure_cloud_shell_its_signed_in_cli_is_found(offers: Offers) -> None:
    offers.cli()
    offers.set(MSI_ENDPOINT="http://localhost:50342/oauth2/token")
    offers.set(AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:9")
    await offers.cloud.ask()
    assert ORDER["cli"](offers)


@pytest.mark.parametrize("trouble", ["nobody", "folder", "other application"])
async def test_a_sign_in_that_cannot_be_used_is_skipped(offers: Offers, trouble: str, tmp_path: Path) -> None:
    offers.application()  # other programs set AZURE_CLIENT_ID for their own reasons
    offers.cli()
    settings: dict[str, Any] = {"token_store": "file", "token_file_path": str(tmp_path / "store" / "user.json")}
    (tmp_path / "store").mkdir(mode=0o700)
    if trouble == "folder":
        (tmp_path / "store" / "user.json").write_text("{}")
        (tmp_path / "store").chmod(0o777)
    if trouble == "other application":
        settings |= offers.cloud.sign_in(tmp_path)
        offers.set(AZURE_CLIENT_ID="11111111-1111-1111-1111-111111111111")
        settings.pop("client_id", None)
    await offers.cloud.ask(**settings)
    assert ORDER["cli"](offers)
    if trouble == "nobody":
        assert list((tmp_path / "store").iterdir()) == [], "the store was not opened"


@pytest.mark.parametrize("value", [False, "false"])
async def test_false_in_the_config_wins_over_the_environment(offers: Offers, value: Any) -> None:
    offers.key()
    offers.metadata()
    offers.set(AZURE_USE_MANAGED_IDENTITY="true")
    await offers.cloud.ask(use_managed_identity=value, managed_identity_client_id=MINE.client_id)
    assert offers.cloud.sent == [KEY]


async def test_null_and_a_variable_select_different_identities(offers: Offers) -> None:
    offers.metadata()
    await offers.cloud.ask(auth="entra_managed_identity")
    assert offers.cloud.caller.object_id == MINE.object_id
    await offers.cloud.ask(auth="entra_managed_identity", managed_identity_client_id=None)
    assert offers.cloud.caller.object_id != MINE.object_id


@pytest.mark.parametrize("name", ["AzurePowerShellCredential", "VisualStudioCodeCredential", "prod,dev", "typo"])
async def test_an_unknown_limit_of_the_search_is_refused(offers: Offers, name: str) -> None:
    offers.secret()
    offers.set(AZURE_TOKEN_CREDENTIALS=name)
    error = await offers.cloud.refusal()
    assert isinstance(error, ConfigurationError)
    assert f"AZURE_TOKEN_CREDENTIALS is '{name}'" in str(error)
    assert "auth to azure_identity" in str(error)


async def test_a_metadata_address_without_a_server_is_skipped(offers: Offers) -> None:
    offers.cli()
    offers.set(AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:9")
    await offers.cloud.ask()
    assert ORDER["cli"](offers)


async def test_every_credential_is_listed_with_what_it_lacks_if_none_is_available(offers: Offers) -> None:
    offers.set(AZURE_CLIENT_SECRET=f"{CANARY}-half")
    offers.az = write_azure_cli(offers.folder, offers.cloud.directory, says="not signed in")
    offers.set(PATH=str(offers.az.folder))
    error = await offers.cloud.refusal()
    assert isinstance(error, AuthenticationError)
    assert not error.retryable
    told = str(error)
    lines = [
        "no credential for Azure OpenAI found: set api_key (AZURE_OPENAI_API_KEY), or set up one of these",
        "  entra_token: set azure_ad_token",
        "  entra_client_secret: set tenant_id and client_id",
        "  entra_client_certificate: set tenant_id, client_id and client_certificate_path",
        "  entra_workload_identity: set tenant_id, client_id and federated_token_file",
        "  entra_managed_identity: this machine has no identity service",
        "  entra_device_code: set client_id",
        "  entra_azure_cli: the Azure CLI is not signed in: run `az login`",
    ]
    assert [line[: len(start)] for line, start in zip(told.splitlines(), lines, strict=True)] == lines
    assert CANARY not in told


async def test_nothing_interactive_happens_in_a_session(offers: Offers) -> None:
    offers.application()
    error = await offers.cloud.refusal(token_store="file", token_file_path=str(offers.folder / "nobody.json"))
    assert f"entra_device_code: nobody has signed in: {LOGIN_HINT}" in str(error)
    assert "entra_azure_cli: the program `az` is not on the PATH" in str(error)
    assert offers.cloud.directory.requests == []


# What exists and fails ends the search.


async def test_a_wrong_secret_ends_the_search(offers: Offers) -> None:
    for name in ("secret", "metadata", "cli"):
        getattr(offers, name)()
    offers.set(AZURE_CLIENT_SECRET="wrong")
    error = await offers.cloud.refusal()
    assert "AADSTS7000215" in str(error)
    assert offers.cloud.directory.requests_to("imds") == []
    assert offers.az is not None
    assert offers.az.calls == []


async def test_a_metadata_service_that_fails_ends_the_search(offers: Offers) -> None:
    offers.metadata()
    offers.cli()
    offers.cloud.directory.script(*[imds_error("later", status=500)] * 2, at="identity")  # a probe comes first
    error = await offers.cloud.refusal()
    assert (METADATA in str(error), error.retryable) == (True, True)
    assert offers.az is not None
    assert offers.az.calls == []


HALVES = [
    ({"client_secret": f"{CANARY}-half"}, "auth entra_client_secret needs tenant_id .* and client_id "),
    ({"client_secret": f"{CANARY}-half", "tenant_id": "t"}, r"needs client_id \(AZURE_CLIENT_ID\)$"),
    ({"auth": "entra_client_secret", "tenant_id": "t", "client_id": "c"}, r"needs client_secret \(AZURE_CLIENT_SEC"),
    ({"auth": "entra_client_certificate", "client_id": "c"}, "needs tenant_id .* and client_certificate_path "),
    ({"federated_token_file": "/x"}, "auth entra_workload_identity needs tenant_id"),
    ({"auth": "entra_device_code"}, r"needs client_id \(AZURE_CLIENT_ID\)$"),
    ({"auth": "entra_token"}, r"needs azure_ad_token \(AZURE_OPENAI_AD_TOKEN\)$"),
    ({"auth": "api_key"}, r"api_key \(AZURE_OPENAI_API_KEY, AZURE_OPENAI_KEY\) is not set"),
    ({"auth": "wizardry"}, "'auth' takes auto, api_key, .*, not 'wizardry'"),
    ({"use_managed_identity": "perhaps"}, "'use_managed_identity' takes true or false, not 'perhaps'"),
    ({"client_secret": "s", "client_id": "c", "tenant_id": "a&b"}, "'tenant_id' takes the id or the domain"),
    ({"client_secret": "s", "client_id": "c", "tenant_id": "common"}, "needs the id or the domain of one tenant"),
    ({"api_key": f"{CANARY}\nkey"}, "the setting api_key holds a space, a line break"),
    ({"azure_ad_token": f"{CANARY} token"}, "holds a space, a line break"),
    ({"credential": object()}, r"'credential' takes an object with get_token\(\)"),
    ({"token_store": "cloud", "auth": "entra_browser", "client_id": "c"}, "token_store|store"),
    ({"auth": "entra_managed_identity", "token_timeout": "soon"}, "'token_timeout' takes a number"),
    ({"allowed_hosts": 5, "api_key": KEY}, "'allowed_hosts' must be a list"),
    ({"allowed_hosts": True, "api_key": KEY}, "'allowed_hosts' must be a list"),
    ({"deployment_type": "lunar", "api_key": KEY}, "'deployment_type' takes global, us, eu, apac"),
    ({"deployments": [1], "api_key": KEY}, "'deployments' takes"),
]


@pytest.mark.parametrize(("settings", "told"), HALVES)
async def test_missing_and_invalid_settings_are_named(cloud: Cloud, settings: dict[str, Any], told: str) -> None:
    session = await cloud.open(**settings)
    for call in (session.ask("hello"), session.provider.list_models()):
        with pytest.raises(ConfigurationError, match=told) as caught:
            await call
        assert not caught.value.retryable
        assert CANARY not in str(caught.value)
    assert cloud.server.requests == []


@pytest.mark.promise("a credential goes to no address without TLS, look-alike or trick address", area="security")
@pytest.mark.parametrize("host", ["https://apim.contoso.com", "https://contoso.openai.azure.com.evil.example"])
async def test_no_token_goes_to_a_host_that_is_not_azures(cloud: Cloud, host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not sent to .*allowed_hosts"):
        await (await cloud.open(azure_endpoint=host, **cloud.secret)).ask("hello")
    assert cloud.server.requests == []


# What was found is kept.


async def test_the_first_credential_that_works_is_remembered_and_logged_once(
    offers: Offers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "amplifier_module_provider_azure_openai_v2")
    offers.cloud.directory.expires_in = 100
    offers.cli()
    session = await offers.cloud.open()
    await session.ask("hello")
    offers.metadata()
    offers.secret()
    await session.ask("hello")
    assert offers.az is not None
    assert len(offers.az.calls) == 2
    told = [each.getMessage() for each in caplog.records if "is called with" in each.getMessage()]
    assert told == ["Azure OpenAI is called with the Azure CLI"]


async def test_an_authority_of_another_cloud_is_an_error(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "login.microsoftonline.us")
    with pytest.raises(ConfigurationError, match="disagree about the cloud"):
        await (await cloud.open(**cloud.secret)).ask("hello")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://{ENTRA}/")
    await cloud.ask(**cloud.secret)
