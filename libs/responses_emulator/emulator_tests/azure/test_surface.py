"""The Azure OpenAI surfaces answer as the service does: who may call, what is deployed, in which words it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from emulator_clients.responses import parse_events
from openai import AsyncAzureOpenAI, AsyncOpenAI
from responses_emulator import (
    Directory,
    Emulator,
    HttpReply,
    RateLimits,
    Say,
    TerminalFields,
    Think,
    Turn,
    azure_classic_surface,
    azure_surface,
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
    too_many_requests,
)

KEY = {"api-key": "azure-key-1"}
COGNITIVE = "https://cognitiveservices.azure.com"


@contextmanager
def serving(*, classic: bool = False, limits: RateLimits | None = None, **options: Any) -> Iterator[Emulator]:
    surface = azure_classic_surface(**options) if classic else azure_surface(**options)
    with Emulator(surfaces=(surface,), limits=limits) as running:
        yield running


@pytest.fixture
def azure() -> Iterator[Emulator]:
    with serving() as running:
        yield running


def post(
    emulator: Emulator, *, headers: dict[str, str] | None = None, version: str | None = None, **body: Any
) -> httpx.Response:
    sent = {"model": "gpt-5.6-sol", "input": "hello", "store": False, **body}
    query = {} if version is None else {"api-version": version}
    return httpx.post(
        f"{emulator.base_url}/responses", json=sent, headers=KEY if headers is None else headers, params=query
    )


def error_of(reply: httpx.Response) -> dict[str, Any]:
    return reply.json()["error"]


def bearer(value: str) -> dict[str, str]:
    return {"authorization": f"Bearer {value}"}


# Who may call.


def test_a_key_is_accepted_in_either_header(azure: Emulator) -> None:
    assert post(azure).status_code == 200
    assert post(azure, headers=bearer("azure-key-2")).status_code == 200


@pytest.mark.parametrize("key", ["azure-key-wrong", "sk-of-somebody-else"])
def test_a_wrong_key_is_refused(azure: Emulator, key: str) -> None:
    for headers in ({"api-key": key}, bearer(key)):
        reply = post(azure, headers=headers)
        assert reply.status_code == 401
        assert reply.json() == invalid_subscription_key().body
        assert key not in reply.text


def test_a_key_must_be_listed_if_there_is_a_list() -> None:
    with serving(keys={"one"}) as azure:
        assert post(azure, headers={"api-key": "one"}).status_code == 200
        assert post(azure).status_code == 401


def test_a_request_without_credential_is_refused(azure: Emulator) -> None:
    reply = post(azure, headers={})
    assert (reply.status_code, reply.json()["statusCode"]) == (401, 401)
    assert reply.json()["message"] == (
        "Unauthorized. Access token is missing, invalid, audience is incorrect "
        "(https://cognitiveservices.azure.com), or have expired."
    )


def test_a_token_of_the_directory_is_accepted() -> None:
    directory = Directory()
    with serving(directory=directory) as azure:
        good = directory.issue_access_token(COGNITIVE)
        assert post(azure, headers=bearer(good.text)).status_code == 200
        unknown, over = f"{good.text}x", directory.issue_access_token(COGNITIVE, expires_in=-1).text
        foreign = directory.issue_access_token("https://ai.azure.com").text
        for token in (unknown, over, foreign):
            reply = post(azure, headers=bearer(token))
            assert reply.status_code == 401
            assert "audience is incorrect" in reply.json()["message"]
        directory.revoke_access_tokens(good.text)
        assert post(azure, headers=bearer(good.text)).status_code == 401
        again = directory.issue_access_token(f"{COGNITIVE}/")
        assert again.number == 4
        assert post(azure, headers=bearer(again.text)).status_code == 200


def test_a_token_for_another_audience_is_refused() -> None:
    directory = Directory()
    with serving(directory=directory, audiences=["https://ai.azure.com"]) as azure:
        assert post(azure, headers=bearer(directory.issue_access_token("https://ai.azure.com").text)).status_code == 200
        reply = post(azure, headers=bearer(directory.issue_access_token(COGNITIVE).text))
        assert "(https://ai.azure.com)" in reply.json()["message"]


def test_a_principal_without_a_role_is_refused() -> None:
    directory = Directory()
    directory.roles.clear()
    with serving(directory=directory) as azure:
        reply = post(azure, headers=bearer(directory.issue_access_token(COGNITIVE).text))
        assert (reply.status_code, error_of(reply)["code"]) == (401, "PermissionDenied")
        assert error_of(reply)["message"] == (
            f"The principal `{directory.object_id}` lacks the required data action "
            "`Microsoft.CognitiveServices/accounts/OpenAI/responses/write` to perform `POST /openai/v1/responses` "
            "operation."
        )
        assert post(azure).status_code == 200, "keys need no role"


def test_callers_of_one_resource_share_their_reasoning() -> None:
    directory = Directory()
    include: dict[str, Any] = {"include": ["reasoning.encrypted_content"]}
    with serving(directory=directory) as azure:
        azure.script(Turn(Think(), Say("42")))
        output = post(azure, **include).json()["output"]
        thought, said = ({key: value for key, value in item.items() if key != "status"} for item in output)
        given = [{"role": "user", "content": "hello"}, thought, said, {"role": "user", "content": "and?"}]
        token = directory.issue_access_token(COGNITIVE).text
        assert post(azure, headers=bearer(token), input=given, **include).status_code == 200
    with serving(resource="another") as other:
        reply = post(other, input=given, **include)
        assert error_of(reply)["code"] == "invalid_encrypted_content"


# What is there.


def test_a_request_names_a_deployment() -> None:
    with serving(deployments={"chat": "gpt-5.4", "old": "gpt-4.1"}) as azure:
        reply = post(azure, model="chat", text={"verbosity": "low"})
        assert reply.json()["model"] == "gpt-5.4-2026-03-05"
        assert post(azure, model="old").json()["model"] == "gpt-4.1-2025-04-14"
        missing = post(azure, model="gpt-5.4")
        assert (missing.status_code, missing.json()) == (404, deployment_not_found().body)


def test_unknown_paths_are_not_found(azure: Emulator) -> None:
    reply = httpx.post(f"{azure.base_url}/chat/nothing", json={}, headers=KEY)
    assert (reply.status_code, reply.json()) == (404, {"error": {"code": "404", "message": "Resource not found"}})


@pytest.mark.parametrize("version", [None, "preview", "latest", "v1"])
def test_the_v1_path_takes_no_dated_version(azure: Emulator, version: str | None) -> None:
    assert post(azure, version=version).status_code == 200
    reply = post(azure, version="2025-04-01-preview")
    assert (reply.status_code, error_of(reply)["message"]) == (400, "API version not supported")


def test_the_v1_path_can_refuse_every_version() -> None:
    with serving(takes_version=False) as azure:
        assert post(azure).status_code == 200
        reply = post(azure, version="preview")
        assert error_of(reply) == {
            "code": "BadRequest",
            "message": "api-version query parameter is not allowed when using /v1 path",
        }


@pytest.mark.parametrize(
    ("version", "status"),
    [
        (None, 404),
        ("2024-10-21", 404),
        ("preview", 404),
        ("2024-12-01-preview", 400),
        ("2025-03-01-preview", 200),
        ("2025-04-01-preview", 200),
    ],
)
def test_the_classic_path_takes_dated_previews(version: str | None, status: int) -> None:
    with serving(classic=True) as azure:
        assert post(azure, version=version).status_code == status
        listed = httpx.get(
            f"{azure.base_url}/models", headers=KEY, params={} if version is None else {"api-version": version}
        )
        assert listed.status_code == status


def test_the_classic_path_takes_keys_in_their_own_header_alone() -> None:
    with serving(classic=True) as azure:
        assert post(azure, headers=bearer("azure-key-1"), version="2025-04-01-preview").status_code == 401


async def test_both_clients_of_the_sdk_reach_their_surface() -> None:
    with Emulator(surfaces=(azure_surface(), azure_classic_surface())) as both:
        both.script(Say("of v1"), Say("of the classic path"))
        async with AsyncOpenAI(base_url=both.base_url, api_key="azure-key-1", max_retries=0) as plain:
            assert (await plain.responses.create(model="gpt-5.4", input="hello")).output_text == "of v1"
        async with AsyncAzureOpenAI(
            azure_endpoint=both.origin, api_version="2025-04-01-preview", api_key="azure-key-1", max_retries=0
        ) as classic:
            reply = await classic.responses.create(model="gpt-5.4", input="hello")
            assert reply.output_text == "of the classic path"
        assert [each.surface for each in both.requests] == ["azure", "azure-classic"]


def test_the_list_of_models_has_no_deployments() -> None:
    with serving(deployments={"chat": "gpt-5.4"}) as azure:
        listed = httpx.get(f"{azure.base_url}/models", headers=KEY).json()
        ids = [row["id"] for row in listed["data"]]
        assert "gpt-5.6-sol" in ids
        assert "chat" not in ids
        one = httpx.get(f"{azure.base_url}/models/gpt-5.6-sol", headers=KEY).json()
        assert (one["lifecycle_status"], one["capabilities"]["chat_completion"]) == ("generally-available", True)
        assert httpx.get(f"{azure.base_url}/models/chat", headers=KEY).status_code == 404


# What must not be sent.


def test_output_items_with_their_status_are_refused(azure: Emulator) -> None:
    said = {"type": "message", "role": "assistant", "content": "hi", "id": "msg_1"}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"}
    done = {"type": "function_call_output", "call_id": "c", "output": "1", "status": "completed"}
    user = {"role": "user", "content": "hello"}
    reply = post(azure, input=[user, {**said, "status": "completed"}])
    assert (reply.status_code, error_of(reply)["message"]) == (400, "Unknown parameter: 'input[1].status'.")
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x", "status": None}
    assert error_of(post(azure, input=[user, thought]))["param"] == "input[1].status"
    assert post(azure, input=[user, said, call, done]).status_code == 200


def test_image_generation_needs_the_header_of_its_deployment(azure: Emulator) -> None:
    tools = [{"type": "image_generation"}]
    refused = post(azure, tools=tools)
    assert (refused.status_code, error_of(refused)["param"]) == (400, "tools")
    assert "x-ms-oai-image-generation-deployment" in error_of(refused)["message"]
    named = {**KEY, "x-ms-oai-image-generation-deployment": "gpt-image-1"}
    assert post(azure, headers=named, tools=tools).status_code == 200


def test_encrypted_content_is_refused_for_a_model_that_does_not_reason(azure: Emulator) -> None:
    reply = post(azure, model="gpt-4.1", include=["reasoning.encrypted_content"])
    assert reply.json() == encrypted_content_not_supported().body


SCRIPTED: list[tuple[HttpReply, int, str]] = [
    (content_filter_refusal(), 400, "content_filter"),
    (deployment_not_found(), 404, "DeploymentNotFound"),
    (network_access_denied(), 403, "403"),
    (network_access_denied("public_access"), 403, "403"),
    (network_access_denied("virtual_network"), 403, "403"),
    (gateway_rate_limit(after_s=7, after_ms=6500), 429, "429"),
    (too_many_requests(), 429, "too_many_requests"),
]


@pytest.mark.parametrize(("status", "number", "code"), SCRIPTED)
def test_scripted_refusals_have_status_and_code(azure: Emulator, status: HttpReply, number: int, code: str) -> None:
    azure.script(status)
    reply = post(azure)
    assert (reply.status_code, error_of(reply)["code"]) == (number, code)
    assert reply.headers["apim-request-id"]


def test_a_filtered_prompt_names_its_category(azure: Emulator) -> None:
    azure.script(content_filter_refusal("jailbreak"))
    error = error_of(post(azure))
    assert (error["param"], error["type"], error["status"]) == ("prompt", None, 400)
    assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert error["innererror"]["content_filter_result"]["jailbreak"] == {"filtered": True, "detected": True}


def test_a_rate_limit_may_state_its_wait(azure: Emulator) -> None:
    azure.script(gateway_rate_limit(after_s=7, after_ms=6500), gateway_rate_limit(after_s=None), too_many_requests())
    told = post(azure).headers
    assert (told["retry-after"], told["retry-after-ms"]) == ("7", "6500")
    assert "retry-after" not in post(azure).headers
    silent = post(azure).headers
    assert not {"retry-after", "retry-after-ms"} & set(silent)
    assert (silent["x-ratelimit-limit-tokens"], silent["x-ratelimit-remaining-tokens"]) == ("-1", "0")


def test_a_quota_binds() -> None:
    with serving(limits=RateLimits(requests=1)) as azure:
        assert post(azure).headers["x-ratelimit-remaining-requests"] == "0"
        reply = post(azure, headers={"api-key": "azure-key-2"})
        assert (reply.status_code, error_of(reply)["code"]) == (429, "429")
        assert int(reply.headers["retry-after-ms"]) > 0


# Annotations beside the response.


def streamed(emulator: Emulator, **body: Any) -> list[dict[str, Any]]:
    reply = post(emulator, stream=True, **body)
    assert reply.status_code == 200, reply.text
    assert reply.headers["azureai-fe-is-streaming"] == "true"
    return parse_events(reply.text)


def test_content_filters_are_in_the_terminal_event(azure: Emulator) -> None:
    events = streamed(azure)
    assert events[0]["response"]["content_filters"] is None
    prompt, completion = events[-1]["response"]["content_filters"]
    assert (prompt["source_type"], completion["source_type"]) == ("prompt", "completion")
    assert not prompt["blocked"]
    assert post(azure).json()["content_filters"] == [prompt, completion]


def test_content_filters_of_a_script_win(azure: Emulator) -> None:
    blocked = TerminalFields({"content_filters": content_filters(blocked="hate")})
    azure.script(Turn(Say("so"), content_filter_failure(after=5), blocked))
    last = streamed(azure)[-1]
    assert (last["type"], last["response"]["error"]["code"]) == ("response.failed", "content_filter")
    assert last["response"]["content_filters"][1]["blocked"]


def test_a_stream_can_end_with_an_error(azure: Emulator) -> None:
    azure.script(Turn(Say("so"), content_filter_event(after=5)), Turn(rate_limit_event()))
    filtered = streamed(azure)
    assert [event["type"] for event in filtered[-2:]] == ["response.output_text.delta", "error"]
    assert filtered[-1]["error"]["code"] == "content_filter"
    error, failed = streamed(azure)[-2:]
    assert (error["error"]["type"], error["error"]["code"]) == ("too_many_requests", "rate_limit_exceeded")
    assert (failed["type"], failed["response"]["error"]["code"]) == ("response.failed", "rate_limit_exceeded")


def test_usage_of_older_deployments_has_no_cache_writes() -> None:
    with serving() as newer, serving(cache_writes=False) as older:
        assert "cache_write_tokens" in post(newer).json()["usage"]["input_tokens_details"]
        assert post(older).json()["usage"]["input_tokens_details"] == {"cached_tokens": 0}


def test_replies_carry_the_headers_of_azure(azure: Emulator) -> None:
    headers = post(azure).headers
    assert headers["apim-request-id"] == headers["x-request-id"]
    assert (headers["x-ms-region"], headers["azureai-fe-is-streaming"]) == ("East US 2", "false")
    assert "openai-organization" not in headers
