"""What Azure does otherwise than the API: its refusals with what to do, its limits, filters, routes and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from responses_emulator import (
    Emulator,
    HttpReply,
    Say,
    TerminalFields,
    Think,
    Turn,
    content_filter_event,
    content_filter_failure,
    content_filter_refusal,
    content_filters,
    deployment_not_found,
    encrypted_content_not_supported,
    gateway_rate_limit,
    invalid_subscription_key,
    network_access_denied,
    rate_limit_event,
    resource_not_found,
    too_many_requests,
)
from responses_emulator.azure.errors import tenant_mismatch
from responses_emulator.microsoft.error_bodies import gateway_error

from tests.support.azure_cloud import CANARY, HOST, KEY, PROJECT_HOST, Cloud, StartCloud, failing
from tests.support.session import Conversation, tool

REFUSALS: list[tuple[HttpReply, type[kernel.LLMError], list[str]]] = [
    (
        invalid_subscription_key(),
        kernel.AuthenticationError,
        ["the key belongs to another resource", "the key in the setting api_key", HOST],
    ),
    (
        deployment_not_found(),
        kernel.NotFoundError,
        ["set default_model to the name of a deployment", "gpt-5.6-sol", "5 min"],
    ),
    (
        tenant_mismatch(),
        kernel.AuthenticationError,
        ["set tenant_id to the tenant of the resource", "az login --tenant"],
    ),
    (resource_not_found(), kernel.NotFoundError, ["check the address, the region, and api_version"]),
    (network_access_denied(), kernel.AccessDeniedError, ["Firewall", "network rules", "private endpoint"]),
    (network_access_denied("virtual_network"), kernel.AccessDeniedError, ["Virtual Network", "network rules"]),
    (network_access_denied("public_access"), kernel.AccessDeniedError, ["Public access is disabled", "network rules"]),
    (
        HttpReply(403, gateway_error("AuthenticationTypeDisabled", "Key based authentication is disabled")),
        kernel.AuthenticationError,
        ["remove api_key and sign in with Entra"],
    ),
    (content_filter_refusal("violence"), kernel.ContentFilterError, ["violence medium"]),
    (content_filter_refusal("jailbreak"), kernel.ContentFilterError, ["jailbreak"]),
    (HttpReply(401, {"statusCode": 401, "message": "Unauthorized."}), kernel.AuthenticationError, ["check the key"]),
]


@pytest.mark.parametrize(("answer", "kind", "told"), REFUSALS, ids=[str(row[0].body)[:60] for row in REFUSALS])
async def test_a_refusal_of_the_resource_has_a_remedy(
    cloud: Cloud, answer: HttpReply, kind: type[kernel.LLMError], told: list[str]
) -> None:
    cloud.server.script(answer)
    error = await cloud.refusal(api_key=KEY)
    assert type(error) is kind, error
    assert not error.retryable
    for text in told:
        assert text in str(error)
    assert CANARY not in str(error)


async def test_a_key_of_another_resource_has_a_remedy(start: StartCloud) -> None:
    cloud = start(keys={"azure-key-other"})
    error = await cloud.refusal(api_key=KEY)
    assert "the key belongs to another resource" in str(error)
    assert len(cloud.sent) == 1, "another key there is not"


async def test_an_absent_deployment_is_reported_with_its_remedy(start: StartCloud) -> None:
    cloud = start(deployments={"chat": "gpt-5.4"})
    error = await cloud.refusal(api_key=KEY)
    assert type(error) is kernel.NotFoundError
    assert "set default_model to the name of a deployment, not of a model" in str(error)
    await cloud.ask(api_key=KEY, default_model="chat")


# Filters in mid-stream.


@pytest.mark.parametrize(
    "ending", [content_filter_event(after=5), content_filter_failure(after=5)], ids=["error", "failed"]
)
async def test_a_content_filter_in_mid_response_ends_it(cloud: Cloud, ending: Any) -> None:
    told = TerminalFields({"content_filters": content_filters(blocked="hate")})
    cloud.server.script(Turn(Say("so it goes"), ending, told))
    session = await cloud.open(api_key=KEY, max_retries=3)
    error = await failing(session)
    assert type(error) is kernel.ContentFilterError
    assert len(cloud.sent) == 1
    if ending == content_filter_failure(after=5):
        assert "hate medium" in str(error)


# Limits.


async def test_a_wait_in_milliseconds_wins(cloud: Cloud) -> None:
    cloud.server.script(gateway_rate_limit(after_s=7, after_ms=20))
    session = await cloud.open(api_key=KEY, max_retries=1, min_retry_delay=0.01)
    await session.ask("hello")
    assert 0.02 <= session.recorder.one("provider:retry")["delay"] < 5


async def test_a_rate_limit_without_a_wait_is_retried(cloud: Cloud) -> None:
    cloud.server.script(too_many_requests(), too_many_requests())
    session = await cloud.open(api_key=KEY, max_retries=2, min_retry_delay=0.01, max_retry_delay=5)
    await session.ask("hello")
    assert len(cloud.sent) == 3
    cloud.server.script(too_many_requests())
    error = await cloud.refusal(api_key=KEY)
    assert (type(error), error.retryable, error.retry_after) == (kernel.RateLimitError, True, None)
    cloud.server.script(gateway_rate_limit(after_s=None))
    assert (await cloud.refusal(api_key=KEY)).retry_after == 60, "the text names the wait, too"


async def test_a_rate_limit_in_a_stream_is_retried(cloud: Cloud) -> None:
    cloud.server.script(Turn(rate_limit_event()))
    session = await cloud.open(api_key=KEY, max_retries=1, min_retry_delay=0.01)
    await session.ask("hello")
    assert len(cloud.sent) == 2
    cloud.server.script(Turn(rate_limit_event()))
    assert type(await cloud.refusal(api_key=KEY)) is kernel.RateLimitError


# What is learned, and what is left out.


async def test_a_deployment_without_encrypted_reasoning_is_remembered(cloud: Cloud) -> None:
    cloud.server.script(encrypted_content_not_supported())
    session = await cloud.open(api_key=KEY)
    for _ in range(2):
        await session.ask("hello")
    assert ["include" in body for body in cloud.server.request_bodies] == [True, False, False]


async def test_the_status_of_items_is_never_sent_back(cloud: Cloud) -> None:
    conversation = Conversation(await cloud.open(api_key=KEY), tools=[tool("look", "at")])
    cloud.server.script(Turn(Think(["hm"]), Say("42")))
    await conversation.say("what is it?")
    await conversation.say("and now?")
    assert {item["type"] for item in cloud.server.request_bodies[-1]["input"]} >= {"reasoning", "message"}
    assert not [item for item in cloud.server.request_bodies[-1]["input"] if "status" in item]


async def test_usage_of_older_deployments_has_no_cache_writes(start: StartCloud) -> None:
    answer = await start(cache_writes=False).ask(api_key=KEY)
    assert not answer.usage.cache_write_tokens
    assert answer.usage.cost_usd > 0


async def test_images_are_made_by_the_deployment_in_the_settings(cloud: Cloud) -> None:
    await cloud.ask(api_key=KEY, image_generation_deployment="gpt-image-1", image_generation=True)
    assert cloud.server.model_requests[0].headers["x-ms-oai-image-generation-deployment"] == "gpt-image-1"
    await cloud.ask(api_key=KEY)
    assert "x-ms-oai-image-generation-deployment" not in cloud.server.model_requests[1].headers


# Prices.

ASTRA = {"default_model": "chat", "deployments": {"chat": "gpt-6-astra"}}
PRICES = [
    ({}, {}, Decimal(1)),
    ({"deployment_type": "us"}, {}, Decimal("1.1")),
    ({"deployment_type": "EU"}, {}, Decimal("1.1")),
    ({"deployment_type": "us"}, ASTRA, Decimal("1.1")),
    ({"deployment_type": "eu"}, ASTRA, Decimal("1.2")),
    ({"deployment_type": "provisioned"}, {}, None),
    ({"deployment_type": "PTU"}, {}, None),
]


@pytest.mark.parametrize(("settings", "served", "factor"), PRICES)
async def test_the_price_follows_from_the_kind_of_deployment(
    start: StartCloud, settings: dict[str, Any], served: dict[str, Any], factor: Decimal | None
) -> None:
    cloud = start(deployments=served.get("deployments"))
    plain = await cloud.ask(api_key=KEY, **served)
    session = await cloud.open(api_key=KEY, **served, **settings)
    cost = (await session.ask("hello")).usage.cost_usd
    assert cost == (None if factor is None else plain.usage.cost_usd * factor)
    if factor is None:
        assert session.provider.get_model_info().pricing is None


# Routes.

FORMS = [
    *("", "/", "/openai", "/openai/", "/openai/v1", "/openai/v1/", "//", "/OpenAI/V1"),
    *("/openai/v1/responses", "/openai/deployments/mine/chat/completions"),
]


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_the_address_reaches_the_resource(cloud: Cloud, form: str) -> None:
    await cloud.ask(azure_endpoint=f"{cloud.url()}{form}", api_key=KEY)
    (request,) = cloud.server.requests
    assert (request.path, request.query, request.surface) == ("/openai/v1/responses", "", "azure")


@pytest.mark.parametrize("form", ["", "/openai", "/openai/v1/responses", "/OpenAI/"])
async def test_every_form_of_a_gateways_address_reaches_it(cloud: Cloud, form: str) -> None:
    await cloud.ask(azure_endpoint=f"{cloud.url('apim.contoso.com')}{form}", api_key=KEY)
    assert cloud.server.requests[0].path.lower() == "/openai/v1/responses"


@pytest.mark.parametrize("key", ["azure_endpoint", "endpoint", "base_url"])
@pytest.mark.parametrize("host", [HOST, PROJECT_HOST, "contoso.cognitiveservices.azure.com", "apim.contoso.com"])
async def test_every_name_of_a_resource_takes_a_key(cloud: Cloud, key: str, host: str) -> None:
    await cloud.ask(**{"azure_endpoint": ..., key: cloud.url(host)}, api_key=KEY)
    assert cloud.server.requests[0].headers["host"] == f"{host}:{cloud.server.port}"


@pytest.mark.parametrize("suffix", ["", "/openai/v1"])
async def test_a_project_is_called_at_its_own_address(start: StartCloud, suffix: str) -> None:
    cloud = start(prefix="/api/projects/one/openai/v1")
    await cloud.ask(azure_endpoint=f"{cloud.url(PROJECT_HOST)}/api/projects/one{suffix}", api_key=KEY)
    assert cloud.server.requests[0].path == "/api/projects/one/openai/v1/responses"


VERSIONS = [
    ({"api_version": "preview"}, {}, "/openai/v1/responses", "api-version=preview"),
    ({"api_version": "2025-04-01-preview"}, {}, "/openai/responses", "api-version=2025-04-01-preview"),
    ({}, {"AZURE_OPENAI_API_VERSION": "2025-03-01-preview"}, "/openai/responses", "api-version=2025-03-01-preview"),
    ({}, {"OPENAI_API_VERSION": "preview"}, "/openai/v1/responses", "api-version=preview"),
    ({}, {"AZURE_OPENAI_API_VERSION": "2024-10-21"}, "/openai/v1/responses", ""),
    ({}, {"OPENAI_API_VERSION": "2024-10-01-preview"}, "/openai/v1/responses", ""),
    ({"api_version": ""}, {"OPENAI_API_VERSION": "2024-02-01"}, "/openai/v1/responses", ""),
    ({"api_version": "v1"}, {"OPENAI_API_VERSION": "2025-04-01-preview"}, "/openai/v1/responses", "api-version=v1"),
]


@pytest.mark.parametrize(("settings", "environment", "path", "query"), VERSIONS)
async def test_a_dated_api_version_is_sent(
    cloud: Cloud,
    settings: dict[str, str],
    environment: dict[str, str],
    path: str,
    query: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session = await cloud.open(api_key=KEY, **settings)
    await session.ask("hello")
    assert (cloud.server.requests[0].path, cloud.server.requests[0].query) == (path, query)
    await session.provider.list_models()
    assert cloud.server.requests[1].query == query


async def test_tokens_take_the_older_route_too(cloud: Cloud) -> None:
    await cloud.ask(**cloud.secret, api_version="2025-04-01-preview")
    assert cloud.server.model_requests[0].surface == "azure-classic"


async def test_a_version_without_the_responses_api_is_refused_before_anything_is_sent(cloud: Cloud) -> None:
    error = await cloud.refusal(api_key=KEY, api_version="2024-10-21")
    assert type(error) is kernel.ConfigurationError
    assert "leave it out for the v1 route" in str(error)
    assert cloud.server.requests == []


async def test_a_resource_that_takes_no_version_says_what_to_remove(start: StartCloud) -> None:
    cloud = start(takes_version=False)
    error = await cloud.refusal(api_key=KEY, api_version="preview")
    assert type(error) is kernel.ConfigurationError
    assert "remove the setting 'api_version' (AZURE_OPENAI_API_VERSION, OPENAI_API_VERSION)" in str(error)
    await cloud.ask(api_key=KEY)


async def test_a_resource_on_this_machine_may_do_without_tls(directory: Any) -> None:
    from responses_emulator import azure_surface

    with Emulator(surfaces=(azure_surface(directory=directory),)) as plain:
        cloud = Cloud(directory=directory, server=plain, ca_file="", names=None)  # pyright: ignore[reportArgumentType]
        session = await cloud.open(azure_endpoint=plain.origin, api_key=KEY)
        await session.ask("hello")
        await session.cleanup()
