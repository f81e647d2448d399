"""Addresses: every form that people have becomes one base URL, and what is no plain address is refused."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_module_provider_azure_openai_v2.endpoint import CLOUDS, resolve_endpoint

pytestmark = pytest.mark.promise(
    "a credential goes to no address without TLS, look-alike or trick address", area="security"
)

COGNITIVE = "https://cognitiveservices.azure.com/.default"
FOUNDRY = "https://ai.azure.com/.default"
RESOURCE = "https://contoso.openai.azure.com"

FORMS = {
    RESOURCE: f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}//": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai/": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai/v1": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai/v1/": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/OpenAI/V1/": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai/v1/responses": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai/responses": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}/openai/deployments/mine/chat/completions": f"{RESOURCE}/openai/v1",
    f"{RESOURCE}:443/openai": f"{RESOURCE}:443/openai/v1",
    "HTTPS://Contoso.OpenAI.Azure.com": "https://Contoso.OpenAI.Azure.com/openai/v1",
    "https://contoso.cognitiveservices.azure.com/": "https://contoso.cognitiveservices.azure.com/openai/v1",
    "https://contoso.services.ai.azure.com": "https://contoso.services.ai.azure.com/openai/v1",
    "https://contoso.services.ai.azure.com/models": "https://contoso.services.ai.azure.com/openai/v1",
    "https://contoso.services.ai.azure.com/api/projects/one": "https://contoso.services.ai.azure.com/api/projects/one/openai/v1",
    "https://contoso.services.ai.azure.com/api/projects/one/openai/v1/": "https://contoso.services.ai.azure.com/api/projects/one/openai/v1",
    "https://contoso.openai.azure.us": "https://contoso.openai.azure.us/openai/v1",
    "https://contoso.openai.azure.cn/openai": "https://contoso.openai.azure.cn/openai/v1",
    "https://apim.contoso.com": "https://apim.contoso.com/openai/v1",
    "https://apim.contoso.com/openai": "https://apim.contoso.com/openai/v1",
    "contoso.openai.azure.com": f"{RESOURCE}/openai/v1",
    "contoso.openai.azure.com/openai/v1": f"{RESOURCE}/openai/v1",
    "https://contoso.services.ai.azure.com/api/projects/openai": "https://contoso.services.ai.azure.com/api/projects/openai/openai/v1",
    "https://contoso.services.ai.azure.com/api/projects/openai/openai/v1/responses": "https://contoso.services.ai.azure.com/api/projects/openai/openai/v1",
    "https://apim.contoso.com/openai/eastus/openai/v1": "https://apim.contoso.com/openai/eastus/openai/v1",
    "https://apim.contoso.com/openai/eastus/openai/responses": "https://apim.contoso.com/openai/eastus/openai/v1",
    "https://apim.contoso.com/openai/eastus": "https://apim.contoso.com/openai/eastus/openai/v1",
    "https://apim.contoso.com/team/openai/v1": "https://apim.contoso.com/team/openai/v1",
    "https://apim.contoso.com/team": "https://apim.contoso.com/team/openai/v1",
    "https://gateway.contoso.com/llm/v1": "https://gateway.contoso.com/llm/v1",
    "https://gateway.contoso.com/llm/v1/responses": "https://gateway.contoso.com/llm/v1",
    "http://localhost:8080": "http://localhost:8080/openai/v1",
    "http://127.0.0.1:8080/openai/v1": "http://127.0.0.1:8080/openai/v1",
    "http://[::1]:8080/": "http://[::1]:8080/openai/v1",
}


@pytest.mark.parametrize(("address", "base_url"), FORMS.items())
def test_every_form_of_an_address_becomes_one_base_url(address: str, base_url: str) -> None:
    place = resolve_endpoint(address)
    assert place.base_url == base_url
    assert place.query == {}
    assert resolve_endpoint(place.base_url).base_url == base_url, "and what came out goes in again"


TARGET_URIS = {  # as the portals show them: base URL, query and deployment
    f"{RESOURCE}/openai/responses?api-version=2025-04-01-preview": (
        f"{RESOURCE}/openai",
        {"api-version": "2025-04-01-preview"},
        "",
    ),
    f"{RESOURCE}/openai/v1/responses?api-version=preview": (f"{RESOURCE}/openai/v1", {"api-version": "preview"}, ""),
    f"{RESOURCE}/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01": (
        f"{RESOURCE}/openai/v1",
        {},
        "gpt-4o",
    ),
    f"{RESOURCE}/openai/deployments/OpenAI/chat/completions?api-version=2025-01-01-preview": (
        f"{RESOURCE}/openai/v1",
        {},
        "OpenAI",
    ),
    "https://apim.contoso.com/openai/deployments/openai/responses?API-Version=2025-03-01-preview": (
        "https://apim.contoso.com/openai",
        {"api-version": "2025-03-01-preview"},
        "openai",
    ),
}


@pytest.mark.parametrize("address", TARGET_URIS)
def test_a_target_uri_can_be_pasted(address: str) -> None:
    endpoint = resolve_endpoint(address)
    assert (endpoint.base_url, endpoint.query, endpoint.deployment) == TARGET_URIS[address]
    assert resolve_endpoint(address, api_version="v1").query == {"api-version": "v1"}, "the setting wins"


ADVERSARIAL = [
    "http://contoso.openai.azure.com",
    "http://127.1",
    "http://0.0.0.0",
    "http://2130706433",
    "http://localhost.evil.com",
    "http://evil.com#@localhost",
    "http://[::ffff:10.0.0.1]",
    "https://user@contoso.openai.azure.com",
    "https://user:hush@contoso.openai.azure.com",
    "https://contoso.openai.azure.com@evil.com",
    "https://contoso.openai.azure.com:hush@evil.com/",
    "https://contoso.openai.azure.com?x=1",
    "https://contoso.openai.azure.com/?",
    "https://contoso.openai.azure.com#top",
    "https://contoso.openai.azure.com\\@evil.com",
    "https://contoso.openai.azure.com\n",
    " https://contoso.openai.azure.com",
    "https://contoso.openai.azure.com/a b",
    "https://contoso.openai.azure.com/\x00",
    "https://contoso.openai.azure.com./",
    "https://contoso..openai.azure.com/",
    "https://cont\u00f6so.openai.azure.com",
    "https://contoso.openai.azure.com/../x",
    "https://contoso.openai.azure.com/%2e%2E/x",
    "https://contoso.openai.azure.com:port/",
    "https://contoso.openai.azure.com:99999/",
    "https://[::1",
    "https://",
    "https:///openai",
    "apim.contoso.com",
    "contoso.openai.azure.com.evil.com",
    "https://contoso.openai.azure.com?api-version=v1&x=1",
    "https://contoso.openai.azure.com?api-version=v1#top",
    "https://contoso.openai.azure.com?api-version=hush@evil.com",
    "//contoso.openai.azure.com",
    "ftp://contoso.openai.azure.com",
    "javascript:alert(1)",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("address", ADVERSARIAL)
def test_a_value_that_is_not_a_plain_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="azure_endpoint") as caught:
        resolve_endpoint(address)
    assert "hush" not in str(caught.value)


LOOK_ALIKES = [
    "https://openai.azure.com.evil.com",
    "https://contosoopenai.azure.com",
    "https://evilopenai.azure.com",
    "https://contoso.openai.azure.com.evil.com",
    "https://openai-azure.com",
    "https://contoso.openai.azure.co",
    "https://apim.contoso.com",
    "http://localhost:1",
]


@pytest.mark.parametrize("address", LOOK_ALIKES)
def test_tokens_go_to_no_look_alike(address: str) -> None:
    assert not resolve_endpoint(address).accepts_entra_tokens


@pytest.mark.parametrize(
    "address", [RESOURCE, "https://x.services.ai.azure.com/api/projects/p", "https://x.openai.azure.us"]
)
def test_tokens_go_to_azure(address: str) -> None:
    assert resolve_endpoint(address).accepts_entra_tokens


def test_tokens_go_where_the_user_allowed_it() -> None:
    assert resolve_endpoint("https://apim.contoso.com", allowed_hosts=("APIM.contoso.com",)).accepts_entra_tokens
    assert resolve_endpoint("https://apim.contoso.com", allowed_hosts=("contoso.com",)).accepts_entra_tokens
    assert not resolve_endpoint("https://apimcontoso.com", allowed_hosts=("contoso.com",)).accepts_entra_tokens


@pytest.mark.parametrize("version", ["v1", "preview", "latest"])
def test_a_version_of_v1_is_added_to_the_v1_route(version: str) -> None:
    place = resolve_endpoint(RESOURCE, api_version=version)
    assert (place.base_url, place.query) == (f"{RESOURCE}/openai/v1", {"api-version": version})


@pytest.mark.parametrize("version", ["2025-03-01-preview", "2025-04-01-preview", "2026-01-01-preview"])
@pytest.mark.parametrize("address", [RESOURCE, f"{RESOURCE}/openai", f"{RESOURCE}/openai/v1/"])
def test_a_dated_version_takes_the_older_route(address: str, version: str) -> None:
    place = resolve_endpoint(address, api_version=version)
    assert (place.base_url, place.query) == (f"{RESOURCE}/openai", {"api-version": version})


@pytest.mark.parametrize(
    "version", ["2024-10-21", "2024-10-01-preview", "2025-02-01-preview", "2026-01-01", "soon", "v2"]
)
def test_a_version_without_the_responses_api_is_refused_with_what_to_do(version: str) -> None:
    with pytest.raises(ConfigurationError, match=r"api_version.*leave it out"):
        resolve_endpoint(RESOURCE, api_version=version)


@pytest.mark.parametrize(
    ("address", "settings", "authority", "scopes"),
    [
        (RESOURCE, {}, "https://login.microsoftonline.com", (COGNITIVE, FOUNDRY)),
        ("https://x.services.ai.azure.com", {}, "https://login.microsoftonline.com", (COGNITIVE, FOUNDRY)),
        (
            "https://x.services.ai.azure.com/api/projects/p",
            {},
            "https://login.microsoftonline.com",
            (FOUNDRY, COGNITIVE),
        ),
        (
            "https://x.openai.azure.us",
            {},
            "https://login.microsoftonline.us",
            ("https://cognitiveservices.azure.us/.default",),
        ),
        (
            "https://x.openai.azure.cn",
            {},
            "https://login.partner.microsoftonline.cn",
            ("https://cognitiveservices.azure.cn/.default",),
        ),
        (
            "https://apim.contoso.us",
            {"cloud": "USGov"},
            "https://login.microsoftonline.us",
            ("https://cognitiveservices.azure.us/.default",),
        ),
        (RESOURCE, {"scope": "api://mine/.default"}, "https://login.microsoftonline.com", ("api://mine/.default",)),
        (
            "https://x.openai.azure.cn",
            {"authority_host": "login.chinacloudapi.cn"},
            "https://login.chinacloudapi.cn",
            ("https://cognitiveservices.azure.cn/.default",),
        ),
        (
            RESOURCE,
            {"authority_host": "https://login.sovcloud-identity.fr/"},
            "https://login.sovcloud-identity.fr",
            (COGNITIVE, FOUNDRY),
        ),
    ],
)
def test_cloud_authority_and_scope_follow_from_the_address(
    address: str, settings: dict[str, Any], authority: str, scopes: tuple[str, ...]
) -> None:
    place = resolve_endpoint(address, **settings)
    assert (place.authority, place.scopes) == (authority, scopes)


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        (RESOURCE, {"cloud": "usgov"}),
        (RESOURCE, {"authority_host": "login.microsoftonline.us"}),
        ("https://apim.contoso.us", {"cloud": "usgov", "authority_host": "login.microsoftonline.com"}),
    ],
)
def test_settings_that_disagree_about_the_cloud_are_refused(address: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="disagree about the cloud"):
        resolve_endpoint(address, **settings)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"cloud": "mars"}, "cloud"),
        ({"authority_host": "http://login.microsoftonline.com"}, "authority_host"),
        ({"authority_host": "https://login.microsoftonline.com@evil.com"}, "authority_host"),
    ],
)
def test_an_error_names_an_invalid_cloud_or_authority(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        resolve_endpoint(RESOURCE, **settings)


def test_no_two_clouds_share_a_name_or_a_suffix() -> None:
    suffixes = [suffix for cloud in CLOUDS for suffix in cloud.host_suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert len({cloud.name for cloud in CLOUDS}) == len(CLOUDS)
