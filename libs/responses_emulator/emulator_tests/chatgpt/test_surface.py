"""The ChatGPT backend checks the client, the account, the token and the body, and streams as recorded."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from emulator_clients.chatgpt import (
    ADA,
    BOB,
    BODY,
    HELLO,
    RECORDED,
    REFUSED,
    events,
    headers,
    items_of,
    post,
    serving,
    text_of,
)
from responses_emulator import (
    Call,
    Catalogue,
    CatalogueEntry,
    Emulator,
    Framing,
    Say,
    SignInService,
    Think,
    Turn,
    chatgpt_surface,
    chatgpt_surfaces,
    make_token,
    openai_surface,
    strict_catalogue,
)
from responses_emulator.chatgpt.surface import ALLOWED_FIELDS, refusal_message


class TestWhoIsLetIn:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"authorization": "Bearer nonsense"}, "unauthorized_unknown"),
            ({"authorization": f"Bearer {make_token(ADA, expires_at=2_000_000_000)}"}, "unauthorized_unknown"),
            ({"authorization": "Basic abc"}, "unauthorized_unknown"),
            ({"authorization": ""}, "unauthorized_unknown"),
        ],
    )
    def test_a_token_that_the_sign_in_did_not_issue_is_refused(
        self, sign_in: SignInService, emulator: Emulator, change: dict[str, str], code: str
    ) -> None:
        reply = post(emulator, {**headers(sign_in), **change})
        assert reply.status_code == 401
        assert reply.json()["error"]["code"] == code
        assert "Could not parse" in reply.json()["error"]["message"]

    def test_the_refusal_of_an_expired_token_is_also_in_the_headers(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        stale = sign_in.token_set(lifetime_s=-1)
        reply = post(emulator, headers(sign_in) | {"authorization": f"Bearer {stale.access_token}"})
        assert reply.status_code == 401
        assert reply.headers["x-openai-authorization-error"] == "401"
        assert json.loads(base64.b64decode(reply.headers["x-error-json"])) == reply.json()
        assert reply.json()["error"]["code"] == "token_expired"
        assert not [name for name in reply.headers if name.startswith("x-codex-")]

    def test_a_token_can_be_refused_before_it_expires(self, sign_in: SignInService, emulator: Emulator) -> None:
        tokens = sign_in.token_set()
        who = headers(sign_in) | {"authorization": f"Bearer {tokens.access_token}"}
        assert post(emulator, who).status_code == 200
        sign_in.reject_access_token(tokens.access_token)
        assert post(emulator, who).json()["error"]["code"] == "token_expired"

    @pytest.mark.parametrize("given", ["user-x", "", None])
    def test_an_account_id_must_be_that_of_the_token(
        self, sign_in: SignInService, emulator: Emulator, given: str | None
    ) -> None:
        who = headers(sign_in)
        del who["chatgpt-account-id"]
        reply = post(emulator, who if given is None else {**who, "chatgpt-account-id": given})
        assert (reply.status_code, reply.json()) == (403, {"detail": {"code": "invalid_workspace_selected"}})

    def test_a_personal_account_may_leave_its_id_out(self, sign_in: SignInService) -> None:
        with serving(sign_in, needs_account=False) as emulator:
            who = headers(sign_in)
            del who["chatgpt-account-id"]
            assert post(emulator, who).status_code == 200

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("user-agent", "python-httpx/0.28.1"),
            ("user-agent", "AsyncOpenAI/Python 2.1.0"),
            ("user-agent", ""),
            ("originator", ""),
        ],
    )
    def test_the_edge_sends_a_challenge_to_http_libraries(
        self, sign_in: SignInService, emulator: Emulator, name: str, value: str
    ) -> None:
        for address in ("/backend-api/codex/models", "/backend-api/wham/usage"):
            reply = httpx.get(f"{emulator.origin}{address}", headers={**headers(sign_in), name: value})
            assert reply.status_code == 403
            assert reply.headers["content-type"].startswith("text/html")
            assert reply.headers["cf-mitigated"] == "challenge"
            assert "Just a moment" in reply.text

    def test_the_edge_can_be_turned_off(self, sign_in: SignInService) -> None:
        with serving(sign_in, challenge=False) as emulator:
            assert post(emulator, {**headers(sign_in), "user-agent": "python-httpx/0.28.1"}).status_code == 200

    def test_a_surface_without_sign_in_accepts_every_valid_token(self) -> None:
        with Emulator(surfaces=(chatgpt_surface(),)) as emulator:
            who = headers(SignInService())
            assert post(emulator, who).status_code == 200
            stale = make_token(ADA, expires_at=1)
            assert post(emulator, {**who, "authorization": f"Bearer {stale}"}).status_code == 401
            assert post(emulator, {**who, "authorization": "Bearer nonsense"}).status_code == 401


class TestBodies:
    @pytest.mark.parametrize(("change", "status", "said"), REFUSED, ids=[str(row[2]) for row in REFUSED])
    def test_a_body_is_refused_with_a_detail(
        self, sign_in: SignInService, emulator: Emulator, change: dict[str, Any], status: int, said: str
    ) -> None:
        reply = post(emulator, headers(sign_in), **change)
        assert (reply.status_code, reply.json()) == (status, {"detail": said})

    def test_a_field_that_is_not_on_the_list_is_refused(self, sign_in: SignInService, emulator: Emulator) -> None:
        from responses_emulator.contract.create_request import _SHAPE

        who = headers(sign_in)
        for name in sorted(set(_SHAPE.keys) - ALLOWED_FIELDS):
            assert post(emulator, who, **{name: "x"}).json() == {"detail": f"Unsupported parameter: {name}"}

    @pytest.mark.parametrize(
        "change",
        [
            {"service_tier": "priority"},
            {"service_tier": "default"},
            {"client_metadata": {"x": "y"}},
            {"include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "parallel_tool_calls": False},
            {"reasoning": {"effort": "max", "summary": "auto"}, "text": {"verbosity": "low"}},
            {
                "tools": [
                    {"type": "web_search"},
                    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}},
                ]
            },
            {"tools": [{"type": "custom", "name": "run", "description": "d"}], "tool_choice": "auto"},
            {"input": [{"role": "developer", "content": "x"}, *HELLO]},
            {"model": "gpt-4.1"},
            {"model": "gpt-4o"},
            {"model": "gpt-5.4"},
            {"model": "gpt-6.1-sol"},
            {"model": "gpt-5.3-codex-spark", "reasoning": {"effort": "high"}},
            {"model": "gpt-5.5", "reasoning": {"effort": "none"}},
        ],
        ids=str,
    )
    def test_a_body_with_allowed_fields_is_accepted(
        self, sign_in: SignInService, emulator: Emulator, change: dict[str, Any]
    ) -> None:
        assert post(emulator, headers(sign_in), **change).status_code == 200

    @pytest.mark.parametrize("effort", ["ultra", "none", "minimal", "nonsense"])
    def test_an_effort_that_the_catalogue_does_not_list_is_refused(
        self, sign_in: SignInService, emulator: Emulator, effort: str
    ) -> None:
        reply = post(emulator, headers(sign_in), reasoning={"effort": effort})
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == "reasoning.effort"

    def test_a_model_must_be_in_the_catalogue_and_new_enough(self, sign_in: SignInService) -> None:
        with serving(sign_in, catalogue=strict_catalogue()) as emulator:
            who = headers(sign_in)
            unknown = post(emulator, who, model="gpt-99")
            assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "Model not found gpt-99")
            assert post(emulator, who, model="gpt-4.1").status_code == 404
            gone = post(emulator, who, model="gpt-5.4")
            said = "The 'gpt-5.4' model is not supported when using Codex with a ChatGPT account."
            assert (gone.status_code, gone.json()) == (400, {"detail": said})
            old = post(emulator, {**who, "version": "0.150.0"}, model="gpt-6-astra")
            assert old.status_code == 400
            assert "requires a newer version of Codex" in old.json()["detail"]
            assert post(emulator, {**who, "version": "0.153.1"}, model="gpt-6-astra").status_code == 200
            assert post(emulator, who, model="gpt-6-astra").status_code == 200

    def test_the_lite_header_is_refused_for_other_models(self, sign_in: SignInService) -> None:
        entries = (CatalogueEntry(slug="gpt-5.6-luna", lite=True), CatalogueEntry(slug="gpt-5.6-sol"))
        with serving(sign_in, catalogue=Catalogue(entries)) as emulator:
            who = headers(sign_in, x_openai_internal_codex_responses_lite="true")
            assert post(emulator, who, model="gpt-5.6-luna").status_code == 200
            assert "not supported when using" in post(emulator, who).json()["detail"]

    def test_an_error_of_the_api_has_its_usual_body(self, sign_in: SignInService, emulator: Emulator) -> None:
        reply = post(emulator, headers(sign_in), tools=[{"type": "function", "name": "not a name"}])
        assert reply.status_code == 400
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}

    @pytest.mark.parametrize("address", ["responses/compact", "responses/resp_1", "conversations"])
    def test_other_paths_are_not_found(self, sign_in: SignInService, emulator: Emulator, address: str) -> None:
        reply = httpx.post(f"{emulator.base_url}/{address}", json=BODY, headers=headers(sign_in))
        assert reply.status_code == 404


@pytest.mark.parametrize("change", RECORDED, ids=str)
def test_a_recorded_body_is_accepted(sign_in: SignInService, emulator: Emulator, change: dict[str, Any]) -> None:
    body = {**BODY, "model": "gpt-5.5", **change}
    assert refusal_message(body) is None
    assert post(emulator, headers(sign_in), **body).status_code == 200


def test_refusal_message_checks_a_body_without_a_server() -> None:
    assert refusal_message({**BODY, "temperature": 1}) == "Unsupported parameter: temperature"
    assert refusal_message({**BODY, "model": "gpt-99"}) == "Model not found gpt-99"


class TestReasoning:
    ASKED: dict[str, Any] = {"include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}}  # noqa: RUF012

    def made(self, emulator: Emulator, who: dict[str, str]) -> list[dict[str, Any]]:
        emulator.script(Turn(Think(["Hm."]), Call("f", {})))
        tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
        return items_of(post(emulator, who, tools=tools, **self.ASKED))

    def back(self, made: list[dict[str, Any]], *, with_id: bool = False) -> list[dict[str, Any]]:
        thought, call = made
        if not with_id:
            thought = {key: value for key, value in thought.items() if key != "id"}
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"}
        return [*HELLO, thought, call, output]

    def test_reasoning_is_accepted_without_its_id(self, sign_in: SignInService, emulator: Emulator) -> None:
        who = headers(sign_in)
        made = self.made(emulator, who)
        assert post(emulator, who, input=self.back(made)).status_code == 200

    def test_reasoning_is_accepted_with_its_id_and_its_ciphertext(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        who = headers(sign_in)
        made = self.made(emulator, who)
        assert post(emulator, who, input=self.back(made, with_id=True)).status_code == 200
        made[0]["encrypted_content"] = None
        reply = post(emulator, who, input=self.back(made, with_id=True))
        assert reply.status_code == 404
        assert reply.json()["error"]["message"].startswith(f"Item with id '{made[0]['id']}' not found.")

    def test_a_reference_to_an_item_is_not_found(self, sign_in: SignInService, emulator: Emulator) -> None:
        who = headers(sign_in)
        reference = {"type": "item_reference", "id": self.made(emulator, who)[0]["id"]}
        assert post(emulator, who, input=[*HELLO, reference]).status_code == 404

    def test_reasoning_with_its_id_can_be_refused(self, sign_in: SignInService) -> None:
        with serving(sign_in, reasoning_ids=False) as emulator:
            who = headers(sign_in)
            made = self.made(emulator, who)
            reply = post(emulator, who, input=self.back(made, with_id=True))
            assert reply.status_code == 404
            assert reply.json()["error"]["message"].startswith(f"Item with id '{made[0]['id']}' not found.")

    def test_reasoning_of_another_account_is_refused(self, sign_in: SignInService, emulator: Emulator) -> None:
        made = self.made(emulator, headers(sign_in))
        reply = post(emulator, headers(sign_in, BOB), input=self.back(made))
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_encrypted_content")

    def test_reasoning_of_the_public_api_is_refused(self, sign_in: SignInService) -> None:
        public = openai_surface(keys={"sk-ada": ADA.account_id})
        with Emulator(surfaces=(*chatgpt_surfaces(sign_in), public)) as emulator:
            emulator.script(Turn(Think(["Hm."]), Say("ok")))
            body = {**BODY, **self.ASKED}
            there = {"authorization": "Bearer sk-ada"}
            made = items_of(httpx.post(f"{emulator.base_url_of('openai')}/responses", json=body, headers=there))
            thought = {key: value for key, value in made[0].items() if key != "id"}
            reply = post(emulator, headers(sign_in), input=[*HELLO, thought, made[1], *HELLO])
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_encrypted_content")


class TestStreams:
    def test_a_stream_has_plan_limits_and_an_empty_terminal_output(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        emulator.script(Say("Hello there."))
        reply = post(emulator, headers(sign_in), service_tier="priority")
        told = events(reply)
        assert [event["type"] for event in told[:3]] == [
            "response.created",
            "response.in_progress",
            "codex.rate_limits",
        ]
        last = told[-1]
        assert (last["type"], last["response"]["output"]) == ("response.completed", [])
        assert last["response"]["service_tier"] == "default"
        assert last["response"]["safety_identifier"] == ADA.user_id
        assert last["response"]["prompt_cache_key"]
        assert last["response"]["store"] is False
        assert last["response"]["usage"]["total_tokens"] > 0
        assert [item["phase"] for item in items_of(reply)] == ["final_answer"]
        assert text_of(reply) == "Hello there."

    def test_a_stream_has_the_headers_of_the_plan(self, sign_in: SignInService, emulator: Emulator) -> None:
        reply = post(emulator, headers(sign_in))
        assert "content-type" not in reply.headers, "recorded: streams do not say what they are"
        assert reply.headers["x-codex-plan-type"] == "plus"
        assert reply.headers["x-codex-primary-window-minutes"] == "300"
        assert reply.headers["x-codex-secondary-window-minutes"] == "10080"
        assert int(reply.headers["x-codex-primary-reset-at"]) > 1_700_000_000
        assert reply.headers["x-oai-request-id"]
        listed = httpx.get(f"{emulator.base_url}/models?client_version=1.0.0", headers=headers(sign_in))
        assert reply.headers["x-models-etag"] == listed.headers["etag"]

    def test_a_stream_has_the_options_of_the_backend(self, sign_in: SignInService) -> None:
        moods = {"full_output": True, "rate_limit_event": False, "content_type": True, "served_model": "gpt-5.6-luna"}
        with serving(sign_in, **moods) as emulator:
            emulator.script(Say("hi"))
            reply = post(emulator, headers(sign_in))
            assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert reply.headers["openai-model"] == "gpt-5.6-luna"
            last = events(reply)[-1]["response"]
            assert (last["model"], last["output"]) == ("gpt-5.6-luna", items_of(reply))
            assert not [event for event in events(reply) if event["type"] == "codex.rate_limits"]

    def test_a_stream_takes_its_framing_from_the_script(self, sign_in: SignInService, emulator: Emulator) -> None:
        emulator.script(Turn(Say("hi"), Framing(done_tail=True)))
        reply = post(emulator, headers(sign_in))
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.text.endswith("data: [DONE]\n\n")
