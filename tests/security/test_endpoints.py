"""Addresses that are meant to mislead: refused before anything is looked up, and no secret in them is repeated."""

from __future__ import annotations

import re
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, LLMError
from amplifier_core.testing import MockCoordinator

from tests.support.azure_cloud import Names
from tests.support.backends import ALL_BACKENDS, BACKENDS, PLAN_BACKEND, BackendUnderTest
from tests.support.session import Recorder, asking
from tests.support.witness import leaks

pytestmark = pytest.mark.promise(
    "a credential goes to no address without TLS, look-alike or trick address", area="security"
)

CANARY = "hush-7"
# HOST is a host of the service's own.
NO_ADDRESS = [
    "https://HOST@evil.example/v1",
    "https://HOST:hush-7@evil.example/",
    "https://user:hush-7@HOST/v1",
    "https://user:hush-7#@HOST/v1",
    "https://user:hush-7/@HOST/v1",
    "https://user:hush-7?@HOST/v1",
    "https://user:hush-7",
    "https://HOST?sig=hush-7",
    "https://HOST/v1?sig=hush-7",
    "https://HOST/v1?api-version=preview&sig=hush-7",
    "https://HOST/v1?sig=hush-7&api-version=preview",
    "https://HOST/v1?api-version=preview#hush-7",
    "https://HOST/v1#hush-7",
    "https://HOST/?",
    "https://HOST\\@evil.example",
    "https://HOST/ hush-7",
    "https://HOST/\x00",
    "https://HOST/\r\nX-Mine: 1",
    "https://HOST\t.evil.example",
    "https://HOST./v1",
    "https://evil..HOST/v1",
    "https://-evil.HOST/v1",
    "https://\u0435vil.example/v1",
    "https://HOST\uff0fevil.example/v1",
    "https://HOST/../v1",
    "https://HOST/%2e%2E/v1",
    "https://HOST:port/v1",
    "https://HOST:99999/v1",
    "https://HOST:-1/v1",
    "https://[::1",
    "https://[evil]/v1",
    "https://",
    "https:///v1",
    "HOST/v1",
    "user:hush-7@HOST/v1",
    "evil.example\\@HOST/v1",
    "//HOST/v1",
    "sk-hush-7-pasted-into-the-wrong-field",
    "ftp://HOST/v1",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http+unix://HOST/v1",
]
# Where no credential goes without TLS.
IN_THE_CLEAR = [
    "http://HOST/v1",
    "http://HOST:443/v1",
]
LOOK_LIKE_LOOPBACK = [
    "http://127.1/v1",
    "http://2130706433/v1",
    "http://0x7f000001/v1",
    "http://0.0.0.0/v1",
    "http://localhost.evil.example/v1",
    "http://127.0.0.1.evil.example/v1",
    "http://[::ffff:10.0.0.1]/v1",
    "http://[::]/v1",
]
LOOK_LIKE_THE_SERVICE = [
    "https://HOST.evil.example/v1",
    "https://evilHOST/v1",
    "https://evil-HOST/v1",
    "https://evil.example/HOST/v1",
    "https://evil.example:443/https://HOST/v1",
]
KEYS = {
    "openai-v2": ("base_url",),
    "azure-openai-v2": ("azure_endpoint", "authority_host"),
    "chatgpt-oauth": ("base_url", "issuer"),
    "chatgpt-oauth-plan": ("plan_base_url",),
}
HOSTS = {
    "base_url": {"openai-v2": "api.openai.com", "chatgpt-oauth": "chatgpt.com"},
    "azure_endpoint": {"azure-openai-v2": "contoso.openai.azure.com"},
    "authority_host": {"azure-openai-v2": "login.microsoftonline.com"},
    "issuer": {"chatgpt-oauth": "auth.openai.com"},
    "plan_base_url": {"chatgpt-oauth": "api.openai.com"},
}
SETTINGS = [(row, key) for row in ALL_BACKENDS for key in KEYS[row.service]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Every name that is looked up; none of them leads anywhere."""
    found = Names()
    found.install(monkeypatch)
    return found


async def refused(row: BackendUnderTest, key: str, address: str) -> LLMError:
    """The error of the first call with such an address; the model list has the same."""
    usual: dict[str, Any] = row.config("https://" + HOSTS[KEYS[row.service][0]][row.name] + "/v1", row.secret)
    usual.pop("issuer", None)
    if key == "authority_host":
        del usual["api_key"]
        usual |= {"tenant_id": "t.example", "client_id": "c", "client_secret": f"{CANARY}-secret"}
    coordinator: Any = MockCoordinator()
    events = Recorder(coordinator.hooks)
    cleanup = await row.mount(coordinator, {**usual, key: address, "max_retries": 0, "timeout": 5})
    provider = coordinator.get("providers")[row.name]
    with pytest.raises(LLMError) as caught:
        await provider.complete(asking("hello"))
    with pytest.raises(LLMError):
        await provider.list_models()
    await cleanup()
    for secret in (CANARY, row.secret):
        assert not [each for thing in (caught.value, events.events, provider) for each in leaks(secret, thing)]
    return caught.value


@pytest.mark.parametrize(("row", "key"), SETTINGS, ids=lambda value: getattr(value, "name", value))
async def test_what_is_no_plain_address_is_refused_before_anything_is_looked_up(
    row: BackendUnderTest, key: str, names: Names
) -> None:
    """The whole list, for every setting that says where a credential goes."""
    for address in NO_ADDRESS:
        given = address.replace("HOST", HOSTS[key][row.name])
        if key in ("authority_host", "azure_endpoint") and re.fullmatch(r"[\w.-]+(/v1)?", given):
            continue  # a host of the cloud may come without its scheme, and gets https
        error = await refused(row, key, given)
        assert isinstance(error, ConfigurationError), given
        assert key in str(error), given
    assert names.asked == []


@pytest.mark.parametrize(("row", "key"), SETTINGS, ids=lambda value: getattr(value, "name", value))
async def test_no_credential_goes_to_the_service_in_the_clear(row: BackendUnderTest, key: str, names: Names) -> None:
    """Plain HTTP ends where the service's own hosts begin, whatever the port."""
    for address in IN_THE_CLEAR:
        error = await refused(row, key, address.replace("HOST", HOSTS[key][row.name]))
        assert isinstance(error, ConfigurationError)
        assert "https" in str(error)
    assert names.asked == []


# A server of one's own may do without TLS, also in one's own network; that is what this module is for, too.
STRICT = [(row, key) for row, key in SETTINGS if row.name != "openai-v2"]


@pytest.mark.parametrize(("row", "key"), STRICT, ids=lambda value: getattr(value, "name", value))
async def test_plain_http_is_for_this_machine_and_not_for_what_looks_like_it(
    row: BackendUnderTest, key: str, names: Names
) -> None:
    """Where accounts of a cloud or of a person are at stake, only real names of this machine do without TLS."""
    for address in LOOK_LIKE_LOOPBACK:
        assert isinstance(await refused(row, key, address), ConfigurationError), address
    assert names.asked == []


@pytest.mark.parametrize("key", ["base_url", "issuer", "plan_base_url"])
async def test_tokens_of_a_plan_go_to_no_look_alike(key: str, names: Names) -> None:
    """Suffixes are compared at dots; Azure's are in tests/unit/azure/test_endpoint.py."""
    row = PLAN_BACKEND if key == "plan_base_url" else next(row for row in BACKENDS if row.name == "chatgpt-oauth")
    for address in LOOK_LIKE_THE_SERVICE:
        error = await refused(row, key, address.replace("HOST", HOSTS[key][row.name]))
        assert isinstance(error, ConfigurationError), address
        assert ("allowed_hosts" in str(error)) == (key != "plan_base_url"), "no setting opens the way for a plan"
        if key == "issuer":
            error = await refused(PLAN_BACKEND, key, address.replace("HOST", HOSTS[key][row.name]))
            assert "remove it" in str(error)
    assert names.asked == []


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com", "API.OpenAI.com"])
def test_a_key_goes_to_openai_over_https_only(host: str) -> None:
    """The error does not say that http is for this machine only, because a server in a private network may use it."""
    from amplifier_module_provider_openai_v2.settings import resolve_settings

    problem = resolve_settings({"base_url": f"http://{host}/v1", "api_key": "sk-1"}).problem
    assert problem is not None
    assert "must begin with https" in problem
    assert "this machine" not in problem
    assert resolve_settings({"base_url": "http://10.0.0.1:8000/v1", "api_key": "sk-1"}).problem is None


async def test_no_look_alike_of_openai_is_taken_for_openai(names: Names) -> None:
    """A key goes where its owner says; but nobody else is called without one, or billed like OpenAI."""
    from amplifier_module_provider_openai_v2.settings import resolve_settings

    for address in LOOK_LIKE_THE_SERVICE:
        found = resolve_settings({"base_url": address.replace("HOST", "api.openai.com"), "api_key": "sk-1"})
        assert found.problem is None
        assert not found.has_data_residency, address
    assert resolve_settings({"base_url": "https://eu.api.openai.com/v1", "api_key": "sk-1"}).has_data_residency
    assert names.asked == []
