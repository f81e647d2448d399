"""The API for an app that uses a ChatGPT plan: what it refuses, what it answers, and what its replies do not tell."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from emulator_clients.chatgpt_plan import BOB, BODY, FUNCTION, access_token, bearer, events, post
from emulator_clients.websocket import ask, code, open_socket
from responses_emulator import (
    PLAN_ERROR_CODES,
    Account,
    Call,
    Emulator,
    ErrorEvent,
    PlanSignIn,
    PlanStatus,
    Say,
    Think,
    Turn,
    chatgpt_plan_surface,
    make_plan_token,
    plan_error,
)
from responses_emulator.chatgpt_plan.surface import UNSUPPORTED_FIELDS
from responses_emulator.rules import chatgpt_plan as rules

from emulator_tests.chatgpt_plan.conftest import Clock

TOOLS = {"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}
NAMESPACE = {"type": "namespace", "name": "host", "description": "d", "tools": [FUNCTION]}
UNSUPPORTED = "subscription_sharing_unsupported_capability"


@pytest.fixture
def token(sign_in: PlanSignIn) -> str:
    return access_token(sign_in)


class TestAnswers:
    def test_the_last_event_has_no_output_and_a_reply_tells_neither_limits_nor_its_id(
        self, emulator: Emulator, token: str
    ) -> None:
        emulator.script(Turn(Think(["x"]), Say("Hello.")))
        reply = post(emulator, token, service_tier="priority")
        received = events(reply)
        assert received[-1]["type"] == "response.completed"
        assert received[-1]["response"]["output"] == []
        assert received[-1]["response"]["service_tier"] == "default"
        assert [each["item"]["type"] for each in received if each["type"] == "response.output_item.done"] == [
            *("reasoning", "message")
        ]
        assert "codex.rate_limits" not in {each["type"] for each in received}
        assert {name for name in reply.headers if "limit" in name or "request-id" in name or "codex" in name} == set()

    @pytest.mark.parametrize("body", [{"input": [TOOLS, *BODY["input"]]}, {"tools": [NAMESPACE]}])
    def test_tools_come_in_an_item_or_in_a_namespace(self, emulator: Emulator, token: str, body: Any) -> None:
        emulator.script(Call("f", {}))
        assert "function_call" in post(emulator, token, **body).text

    def test_a_choice_may_name_a_tool_of_an_item(self, emulator: Emulator, token: str) -> None:
        body = {"input": [TOOLS, *BODY["input"]], "tool_choice": {"type": "function", "name": "f"}}
        assert '"type":"function_call"' in post(emulator, token, **body).text

    def test_reasoning_of_the_account_can_be_sent_again(
        self, emulator: Emulator, token: str, sign_in: PlanSignIn
    ) -> None:
        emulator.script(Turn(Think(["x"]), Say("Hello.")))
        received = events(post(emulator, token, include=["reasoning.encrypted_content"]))
        items = [each["item"] for each in received if each["type"] == "response.output_item.done"]
        conversation = [*BODY["input"], *items, *BODY["input"]]
        assert post(emulator, token, input=conversation).status_code == 200
        refused = post(emulator, access_token(sign_in, BOB), input=conversation)
        assert refused.json()["error"]["code"] == "invalid_encrypted_content"

    def test_web_search_is_a_tool(self, emulator: Emulator, token: str) -> None:
        assert post(emulator, token, tools=[{"type": "web_search"}]).status_code == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"store": True}, "Store must be set to false"),
        ({"store": None}, "Store must be set to false"),
        ({"stream": None}, "Stream must be set to true"),
        ({"input": "hello"}, "Input must be a list"),
        ({"input": [{"role": "system", "content": "x"}, *BODY["input"]]}, "System messages are not allowed"),
        *(({name: "x"}, f"Unsupported parameter: {name}") for name in UNSUPPORTED_FIELDS),
    ],
)
def test_a_request_that_is_not_one_of_a_plan_is_refused_under_detail(
    emulator: Emulator, token: str, body: dict[str, Any], detail: str
) -> None:
    refused = post(emulator, token, **body)
    assert (refused.status_code, refused.json()) == (400, {"detail": detail})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [FUNCTION]}, "tools"),
        ({"tools": [{"type": "custom", "name": "run"}]}, "tools"),
        *(({"tools": [{"type": kind}]}, "tools") for kind in ("image_generation", "tool_search", "computer")),
        ({"input": [{**TOOLS, "tools": [{"type": "image_generation"}]}, *BODY["input"]]}, "tools"),
        ({"input": [*BODY["input"], {"type": "compaction_trigger"}]}, "input"),
        ({"input": [{"type": "image_generation_call", "id": "ig_1", "result": "", "status": "completed"}]}, "input"),
    ],
)
def test_what_plans_do_not_pay_for_is_refused_by_a_code(
    emulator: Emulator, token: str, body: dict[str, Any], param: str
) -> None:
    error = post(emulator, token, **body).json()["error"]
    assert (error["code"], error["param"]) == (UNSUPPORTED, param)


class TestTokens:
    def test_an_expired_token_is_refused_in_a_dialect_of_its_own(
        self, emulator: Emulator, token: str, clock: Clock
    ) -> None:
        clock.now_s += 3600
        refused = post(emulator, token)
        assert (refused.status_code, refused.json()) == (401, {"detail": {"error_code": "invalid_token"}})

    @pytest.mark.parametrize("value", ["", "Bearer", "Bearer sk-key", "Basic eA=="])
    def test_anything_else_is_refused(self, emulator: Emulator, value: str) -> None:
        refused = httpx.post(f"{emulator.base_url}/responses", json=BODY, headers={"authorization": value})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "subscription_sharing_invalid_user")

    def test_without_a_sign_in_a_well_formed_token_is_enough(self) -> None:
        end = int(time.time()) + 60
        with Emulator(surfaces=(chatgpt_plan_surface(),)) as emulator:
            assert post(emulator, make_plan_token(Account(), expires_at=end)).status_code == 200
            assert post(emulator, make_plan_token(Account(), expires_at=end - 100)).status_code == 401
            scopeless = make_plan_token(Account(), expires_at=end, scope="openid")
            assert post(emulator, scopeless).json()["error"]["code"] == "chatpass_v2_scope_not_authorized"


class TestErrors:
    @pytest.mark.parametrize("code", PLAN_ERROR_CODES)
    def test_a_test_can_script_each_error(self, emulator: Emulator, token: str, status: PlanStatus, code: str) -> None:
        emulator.script(plan_error(code))
        scripted = post(emulator, token)
        assert scripted.json()["error"]["code"] == code
        status.refusal_code = code
        standing = httpx.get(f"{emulator.base_url}/models", headers=bearer(token))
        assert (standing.status_code, standing.json()["error"]["code"]) == (scripted.status_code, code)

    def test_a_plan_can_be_used_up_in_the_middle_of_a_stream(self, emulator: Emulator, token: str) -> None:
        limit = "subscription_sharing_usage_limit_exceeded"
        emulator.script(Turn(Say("Hel"), ErrorEvent(limit, rules.USAGE_LIMIT.text, then_failed=True)))
        assert [each["type"] for each in events(post(emulator, token))][-2:] == ["error", "response.failed"]

    @pytest.mark.parametrize(
        "path", ["/responses/input_tokens", "/responses/compact", "/embeddings", "/models/gpt-5.5"]
    )
    def test_every_other_path_is_refused(self, emulator: Emulator, token: str, path: str) -> None:
        for method in ("GET", "POST"):
            refused = httpx.request(method, f"{emulator.base_url}{path}", headers=bearer(token))
            assert refused.status_code == 403
            assert refused.json()["error"]["code"] == "subscription_sharing_route_not_supported"


class TestModels:
    def listed(self, emulator: Emulator, token: str, query: str = "") -> list[dict[str, Any]]:
        reply = httpx.get(f"{emulator.base_url}/models{query}", headers=bearer(token))
        assert set(reply.json()) == {"models"}
        return reply.json()["models"]

    def test_the_list_has_the_shape_of_openais_own_client(self, emulator: Emulator, token: str) -> None:
        models = self.listed(emulator, token)
        assert [each["slug"] for each in models] == [
            *("gpt-6-astra", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5")
        ]
        assert {each["visibility"] for each in models} == {"list"}
        assert {each["context_window"] for each in models} == {272_000}

    def test_a_newer_client_is_told_more_models(self, emulator: Emulator, token: str) -> None:
        assert "gpt-6.1-sol" in {each["slug"] for each in self.listed(emulator, token, "?client_version=1.0.0")}

    def test_a_model_that_is_not_listed_answers(self, emulator: Emulator, token: str) -> None:
        assert post(emulator, token, model="gpt-6.1-sol").status_code == 200
        assert post(emulator, token, model="gpt-4.1").json()["error"]["code"] == "model_not_found"


class TestWebSocket:
    async def test_a_connection_continues_its_own_responses(self, emulator: Emulator, token: str) -> None:
        async with open_socket(emulator, bearer(token)) as socket:
            first = await ask(socket, input=BODY["input"])
            assert (first["type"], first["response"]["output"]) == ("response.completed", [])
            parent = first["response"]["id"]
            assert (await ask(socket, input=BODY["input"], previous_response_id=parent))["type"] == "response.completed"
        async with open_socket(emulator, bearer(token)) as other:
            refused = await ask(other, input=BODY["input"], previous_response_id=parent)
            assert code(refused) == "previous_response_not_found"

    async def test_a_frame_has_the_rules_of_a_request(self, emulator: Emulator, token: str) -> None:
        async with open_socket(emulator, bearer(token)) as socket:
            assert code(await ask(socket, input=BODY["input"], tools=[FUNCTION])) == UNSUPPORTED
