"""The ChatGPT backend that the emulator plays: who is let in, which bodies it takes, what it streams, what it lists."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.emulator import (
    Account,
    Call,
    Catalogue,
    CatalogueEntry,
    ChatGptOptions,
    Emulator,
    Framing,
    HttpReply,
    PlanLimits,
    PlanWindow,
    Say,
    SignInService,
    Think,
    Turn,
    chatgpt_surface,
    chatgpt_surfaces,
    client_upgrade_required,
    cloudflare_challenge,
    detail_reply,
    invalid_token,
    make_token,
    malformed_token,
    model_not_available,
    model_not_found,
    openai_surface,
    repeated_model_not_found,
    strict_catalogue,
    unsupported_parameter,
    usage_limit_reached,
    usage_not_included,
    wrong_workspace,
)
from tests.emulator.surface_chatgpt import ALLOWED_FIELDS, refusal_message

HELLO = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}]
BODY: dict[str, Any] = {
    "model": "gpt-5.6-sol",
    "instructions": "Be brief.",
    "input": HELLO,
    "store": False,
    "stream": True,
}
ADA = Account()
BOB = Account(email="bob@example.com", plan="team", account_id="b0b", user_id="user-Bob", subject="auth0|Bob")


@pytest.fixture
def sign_in() -> SignInService:
    return SignInService()


@pytest.fixture
def emulator(sign_in: SignInService) -> Iterator[Emulator]:
    with serving(sign_in) as running:
        yield running


def serving(sign_in: SignInService, *, catalogue: Catalogue | None = None, **options: Any) -> Emulator:
    surfaces = chatgpt_surfaces(sign_in, catalogue=catalogue, options=ChatGptOptions(**options))
    return Emulator(surfaces=surfaces)


def headers(sign_in: SignInService, account: Account = ADA, **more: str) -> dict[str, str]:
    """What an honest client sends."""
    given = {
        "authorization": f"Bearer {sign_in.token_set(account).access_token}",
        "chatgpt-account-id": account.account_id,
        "originator": "tester",
        "user-agent": "tester/1.0 (Linux 6.1; x86_64)",
    }
    return {**given, **{name.replace("_", "-"): value for name, value in more.items()}}


def post(emulator: Emulator, who: dict[str, str], **body: Any) -> httpx.Response:
    """One request; a value of None leaves a key out."""
    asked = {key: value for key, value in {**BODY, **body}.items() if value is not None}
    return httpx.post(f"{emulator.base_url}/responses", json=asked, headers=who, timeout=60)


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return [json.loads(line.removeprefix("data: ")) for line in reply.text.split("\n") if line.startswith("data: ")]


def text_of(reply: httpx.Response) -> str:
    return "".join(event["delta"] for event in events(reply) if event["type"] == "response.output_text.delta")


def items_of(reply: httpx.Response) -> list[dict[str, Any]]:
    return [event["item"] for event in events(reply) if event["type"] == "response.output_item.done"]


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
    def test_a_token_that_it_did_not_issue(
        self, sign_in: SignInService, emulator: Emulator, change: dict[str, str], code: str
    ) -> None:
        reply = post(emulator, {**headers(sign_in), **change})
        assert reply.status_code == 401
        assert reply.json()["error"]["code"] == code
        assert "Could not parse" in reply.json()["error"]["message"]

    def test_an_expired_token_says_so_in_its_headers(self, sign_in: SignInService, emulator: Emulator) -> None:
        stale = sign_in.token_set(lifetime_s=-1)
        reply = post(emulator, headers(sign_in) | {"authorization": f"Bearer {stale.access_token}"})
        assert reply.status_code == 401
        assert reply.headers["x-openai-authorization-error"] == "401"
        assert json.loads(base64.b64decode(reply.headers["x-error-json"])) == reply.json()
        assert reply.json()["error"]["code"] == "token_expired"
        assert not [name for name in reply.headers if name.startswith("x-codex-")]

    def test_a_token_can_be_rejected_before_its_time(self, sign_in: SignInService, emulator: Emulator) -> None:
        tokens = sign_in.token_set()
        who = headers(sign_in) | {"authorization": f"Bearer {tokens.access_token}"}
        assert post(emulator, who).status_code == 200
        sign_in.reject_access_token(tokens.access_token)
        assert post(emulator, who).json()["error"]["code"] == "token_expired"

    @pytest.mark.parametrize("given", ["user-x", "", None])
    def test_the_account_must_be_that_of_the_token(
        self, sign_in: SignInService, emulator: Emulator, given: str | None
    ) -> None:
        who = headers(sign_in)
        del who["chatgpt-account-id"]
        reply = post(emulator, who if given is None else {**who, "chatgpt-account-id": given})
        assert (reply.status_code, reply.json()) == (403, {"detail": {"code": "invalid_workspace_selected"}})

    def test_a_personal_account_may_leave_it_out(self, sign_in: SignInService) -> None:
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
    def test_the_edge_turns_scripts_away(
        self, sign_in: SignInService, emulator: Emulator, name: str, value: str
    ) -> None:
        for address in ("/backend-api/codex/models", "/backend-api/wham/usage"):
            reply = httpx.get(f"{emulator.origin}{address}", headers={**headers(sign_in), name: value})
            assert reply.status_code == 403
            assert reply.headers["content-type"].startswith("text/html")
            assert reply.headers["cf-mitigated"] == "challenge"
            assert "Just a moment" in reply.text

    def test_the_edge_can_be_switched_off(self, sign_in: SignInService) -> None:
        with serving(sign_in, challenge=False) as emulator:
            assert post(emulator, {**headers(sign_in), "user-agent": "python-httpx/0.28.1"}).status_code == 200

    def test_without_a_sign_in_any_token_of_that_shape_will_do(self) -> None:
        with Emulator(surfaces=(chatgpt_surface(),)) as emulator:
            who = headers(SignInService())
            assert post(emulator, who).status_code == 200
            stale = make_token(ADA, expires_at=1)
            assert post(emulator, {**who, "authorization": f"Bearer {stale}"}).status_code == 401
            assert post(emulator, {**who, "authorization": "Bearer nonsense"}).status_code == 401


REFUSED: list[tuple[dict[str, Any], int, Any]] = [
    ({"instructions": None, "store": True}, 400, "Instructions are required"),
    ({"instructions": " \n"}, 400, "Instructions are required"),
    ({"store": True, "stream": False}, 400, "Store must be set to false"),
    ({"store": None}, 400, "Store must be set to false"),
    ({"stream": False, "temperature": 1}, 400, "Stream must be set to true"),
    ({"stream": None}, 400, "Stream must be set to true"),
    ({"input": "hello"}, 400, "Input must be a list"),
    ({"input": [{"role": "system", "content": "x"}, *HELLO]}, 400, "System messages are not allowed"),
    *(({"service_tier": tier}, 400, f"Unsupported service_tier: {tier}") for tier in ("fast", "auto", "flex", "scale")),
    ({"tools": [{"type": "web_search_preview"}]}, 400, "Unsupported tool type: web_search_preview"),
    *(
        ({name: value}, 400, f"Unsupported parameter: {name}")
        for name, value in {
            "max_output_tokens": 100,
            "max_completion_tokens": 100,
            "temperature": 1,
            "top_p": 0.5,
            "frequency_penalty": 0,
            "presence_penalty": 0,
            "previous_response_id": "resp_1",
            "truncation": "auto",
            "user": "u",
            "metadata": {},
            "safety_identifier": "s",
            "prompt_cache_retention": "24h",
            "context_management": [],
            "stream_options": {"include_obfuscation": False},
            "background": True,
            "conversation": "conv_1",
            "nonsense": 1,
        }.items()
    ),
]


class TestBodies:
    @pytest.mark.parametrize(("change", "status", "said"), REFUSED, ids=[str(row[2]) for row in REFUSED])
    def test_refused_in_the_words_of_the_gateway(
        self, sign_in: SignInService, emulator: Emulator, change: dict[str, Any], status: int, said: str
    ) -> None:
        reply = post(emulator, headers(sign_in), **change)
        assert (reply.status_code, reply.json()) == (status, {"detail": said})

    def test_nothing_of_the_public_api_is_taken_unless_it_is_on_the_list(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        from tests.emulator.validate import _SHAPE

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
            {"tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": {"type": "object"}}]},
            {"tools": [{"type": "custom", "name": "run", "description": "d"}], "tool_choice": "auto"},
            {"input": [{"role": "developer", "content": "x"}, *HELLO]},
            {"model": "gpt-4.1"},
            {"model": "gpt-4o"},
            {"model": "gpt-5.4"},
            {"model": "gpt-6.1-sol"},
            {"model": "gpt-5.3-codex-spark", "reasoning": {"effort": "high"}},
        ],
        ids=str,
    )
    def test_accepted(self, sign_in: SignInService, emulator: Emulator, change: dict[str, Any]) -> None:
        assert post(emulator, headers(sign_in), **change).status_code == 200

    @pytest.mark.parametrize("effort", ["ultra", "none", "minimal", "nonsense"])
    def test_an_effort_that_the_entry_does_not_list(
        self, sign_in: SignInService, emulator: Emulator, effort: str
    ) -> None:
        reply = post(emulator, headers(sign_in), reasoning={"effort": effort})
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == "reasoning.effort"

    def test_models(self, sign_in: SignInService) -> None:
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

    def test_the_lite_header_is_for_models_that_ask_for_it(self, sign_in: SignInService) -> None:
        entries = (CatalogueEntry(slug="gpt-5.6-luna", lite=True), CatalogueEntry(slug="gpt-5.6-sol"))
        with serving(sign_in, catalogue=Catalogue(entries)) as emulator:
            who = headers(sign_in, x_openai_internal_codex_responses_lite="true")
            assert post(emulator, who, model="gpt-5.6-luna").status_code == 200
            assert "not supported when using" in post(emulator, who).json()["detail"]

    def test_errors_of_the_api_behind_are_worded_as_always(self, sign_in: SignInService, emulator: Emulator) -> None:
        reply = post(emulator, headers(sign_in), tools=[{"type": "function", "name": "not a name"}])
        assert reply.status_code == 400
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}

    @pytest.mark.parametrize("address", ["responses/compact", "responses/resp_1", "conversations"])
    def test_there_is_nothing_else(self, sign_in: SignInService, emulator: Emulator, address: str) -> None:
        reply = httpx.post(f"{emulator.base_url}/{address}", json=BODY, headers=headers(sign_in))
        assert reply.status_code == 404


CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
CUSTOM = {"type": "custom_tool_call", "call_id": "call_1", "name": "run", "input": "1", "id": "ctc_1"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}
# What the recordings of 2026-05-21 hold, one of each kind; the backend answered all of them.
RECORDED: list[dict[str, Any]] = [
    {"input": [{"type": "message", "role": "user", "content": "hi"}]},
    {"input": [*HELLO, CALL, {"type": "function_call_output", "call_id": "call_1", "output": "ok"}]},
    {"input": [*HELLO, {**CALL, "id": "fc_1"}, {"type": "function_call_output", "call_id": "call_1", "output": "ok"}]},
    {
        "input": [
            *HELLO,
            {**CUSTOM, "status": "completed"},
            {"type": "custom_tool_call_output", "call_id": "call_1", "output": "ok"},
        ],
        "tools": [{"type": "custom", "name": "run", "description": "d"}],
    },
    {
        "input": [
            {
                "type": "message",
                "role": "assistant",
                "phase": "final_answer",
                "content": [{"type": "output_text", "text": "x", "annotations": []}],
            },
            *HELLO,
        ]
    },
    {"tools": [FUNCTION], "tool_choice": "required", "parallel_tool_calls": False},
    {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
    {"text": {"format": {"type": "json_schema", "name": "Joke", "description": "d", "schema": SCHEMA}}},
    {
        "input": [{"type": "message", "role": "user", "content": "json"}],
        "text": {"format": {"type": "json_object"}},
    },
    {"reasoning": {"effort": "medium", "summary": "auto"}},
]


@pytest.mark.parametrize("change", RECORDED, ids=str)
def test_what_was_recorded_is_taken(sign_in: SignInService, emulator: Emulator, change: dict[str, Any]) -> None:
    body = {**BODY, "model": "gpt-5.5", **change}
    assert refusal_message(body) is None
    assert post(emulator, headers(sign_in), **body).status_code == 200


def test_a_refusal_can_be_had_without_asking() -> None:
    assert refusal_message({**BODY, "temperature": 1}) == json.dumps({"detail": "Unsupported parameter: temperature"})
    assert refusal_message({**BODY, "model": "gpt-99"}) == "Model not found gpt-99"


class TestReasoning:
    ASKED: dict[str, Any] = {"include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}}  # noqa: RUF012

    def made(self, emulator: Emulator, who: dict[str, str]) -> list[dict[str, Any]]:
        emulator.script(Turn(Think(["Hm."]), Call("f", {})))
        tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
        return items_of(post(emulator, who, tools=tools, **self.ASKED))

    def back(self, made: list[dict[str, Any]], *, with_id: bool = False) -> list[dict[str, Any]]:
        thought, call = made
        if not with_id:
            thought = {key: value for key, value in thought.items() if key != "id"}
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"}
        return [*HELLO, thought, call, output]

    def test_it_comes_back_without_its_id(self, sign_in: SignInService, emulator: Emulator) -> None:
        who = headers(sign_in)
        made = self.made(emulator, who)
        assert post(emulator, who, input=self.back(made)).status_code == 200

    def test_its_id_is_not_found(self, sign_in: SignInService, emulator: Emulator) -> None:
        who = headers(sign_in)
        made = self.made(emulator, who)
        reply = post(emulator, who, input=self.back(made, with_id=True))
        assert reply.status_code == 404
        assert reply.json()["error"]["message"].startswith(f"Item with id '{made[0]['id']}' not found.")
        reference = {"type": "item_reference", "id": made[0]["id"]}
        assert post(emulator, who, input=[*HELLO, reference]).status_code == 404

    def test_its_id_may_be_taken(self, sign_in: SignInService) -> None:
        with serving(sign_in, reasoning_ids=True) as emulator:
            who = headers(sign_in)
            made = self.made(emulator, who)
            assert post(emulator, who, input=self.back(made, with_id=True)).status_code == 200

    def test_another_account_cannot_read_it(self, sign_in: SignInService, emulator: Emulator) -> None:
        made = self.made(emulator, headers(sign_in))
        reply = post(emulator, headers(sign_in, BOB), input=self.back(made))
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_encrypted_content")

    def test_nor_can_this_backend_read_what_the_public_api_wrote(self, sign_in: SignInService) -> None:
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
    def test_what_is_told(self, sign_in: SignInService, emulator: Emulator) -> None:
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

    def test_its_headers(self, sign_in: SignInService, emulator: Emulator) -> None:
        reply = post(emulator, headers(sign_in))
        assert "content-type" not in reply.headers, "recorded: streams do not say what they are"
        assert reply.headers["x-codex-plan-type"] == "plus"
        assert reply.headers["x-codex-primary-window-minutes"] == "300"
        assert reply.headers["x-codex-secondary-window-minutes"] == "10080"
        assert int(reply.headers["x-codex-primary-reset-at"]) > 1_700_000_000
        assert reply.headers["x-oai-request-id"]
        listed = httpx.get(f"{emulator.base_url}/models?client_version=1.0.0", headers=headers(sign_in))
        assert reply.headers["x-models-etag"] == listed.headers["etag"]

    def test_other_moods(self, sign_in: SignInService) -> None:
        moods = {"full_output": True, "rate_limit_event": False, "content_type": True, "served_model": "gpt-5.6-luna"}
        with serving(sign_in, **moods) as emulator:
            emulator.script(Say("hi"))
            reply = post(emulator, headers(sign_in))
            assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert reply.headers["openai-model"] == "gpt-5.6-luna"
            last = events(reply)[-1]["response"]
            assert (last["model"], last["output"]) == ("gpt-5.6-luna", items_of(reply))
            assert not [event for event in events(reply) if event["type"] == "codex.rate_limits"]

    def test_a_script_may_say_how_it_is_framed(self, sign_in: SignInService, emulator: Emulator) -> None:
        emulator.script(Turn(Say("hi"), Framing(done_tail=True)))
        reply = post(emulator, headers(sign_in))
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.text.endswith("data: [DONE]\n\n")


class TestCatalogue:
    def listed(self, emulator: Emulator, who: dict[str, str], query: str = "?client_version=1.0.0") -> httpx.Response:
        return httpx.get(f"{emulator.base_url}/models{query}", headers=who)

    def test_its_fields(self, sign_in: SignInService, emulator: Emulator) -> None:
        models = {each["slug"]: each for each in self.listed(emulator, headers(sign_in)).json()["models"]}
        sol = models["gpt-5.6-sol"]
        assert (sol["visibility"], sol["context_window"], sol["effective_context_window_percent"]) == (
            "list",
            372_000,
            95,
        )
        efforts = [level["effort"] for level in sol["supported_reasoning_levels"]]
        assert efforts == ["low", "medium", "high", "xhigh", "max", "ultra"]
        assert sol["service_tiers"][0]["id"] == "priority"
        assert models["gpt-5.3-codex-spark"]["supported_in_api"] is False
        assert models["gpt-5.3-codex-spark"]["input_modalities"] == ["text"]
        assert models["gpt-5.3-codex-spark"]["minimal_client_version"] == [0, 98, 0]
        assert models["codex-auto-review"]["visibility"] == "hide"
        assert models["gpt-reserve"]["context_window"] is None
        first = min((each for each in models.values() if each["visibility"] == "list"), key=lambda m: m["priority"])
        assert first["slug"] == "gpt-6.1-sol"

    def test_old_clients_are_shown_less(self, sign_in: SignInService, emulator: Emulator) -> None:
        who = headers(sign_in)

        def slugs(query: str) -> set[str]:
            return {each["slug"] for each in self.listed(emulator, who, query).json()["models"]}

        assert "gpt-6.1-sol" in slugs("?client_version=99.99.99")
        assert "gpt-6-astra" in slugs("?client_version=0.153.0") - slugs("?client_version=0.152.9")
        assert "gpt-5.5" in slugs("?client_version=0.100.0")
        assert slugs("") == slugs("?client_version=nonsense") == set()

    def test_its_tag(self, sign_in: SignInService) -> None:
        catalogue = strict_catalogue()
        with serving(sign_in, catalogue=catalogue) as emulator:
            who = headers(sign_in)
            tag = self.listed(emulator, who).headers["etag"]
            same = self.listed(emulator, {**who, "if-none-match": tag})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
            catalogue.entries = (*catalogue.entries, CatalogueEntry(slug="gpt-7-sol"))
            changed = self.listed(emulator, {**who, "if-none-match": tag})
            assert changed.status_code == 200
            assert "gpt-7-sol" in [each["slug"] for each in changed.json()["models"]]
            assert post(emulator, who, model="gpt-7-sol").headers["x-models-etag"] == changed.headers["etag"] != tag

    def test_one_model_has_no_address(self, sign_in: SignInService, emulator: Emulator) -> None:
        assert httpx.get(f"{emulator.base_url}/models/gpt-5.5", headers=headers(sign_in)).status_code == 404


def test_usage(sign_in: SignInService) -> None:
    limits = PlanLimits(secondary=None, reached_limit="rate_limit_reached", credits_balance="12.5")
    with Emulator(surfaces=chatgpt_surfaces(sign_in, limits=limits)) as emulator:
        address, who = f"{emulator.base_url_of('wham')}/usage", headers(sign_in, BOB)
        found = httpx.get(address, headers=who).json()
        assert (found["plan_type"], found["account_id"], found["email"]) == ("team", "b0b", "bob@example.com")
        assert found["rate_limit"]["primary_window"]["limit_window_seconds"] == 18_000
        assert found["rate_limit"]["secondary_window"] is None
        assert found["credits"] == {"has_credits": True, "unlimited": False, "balance": "12.5"}
        assert found["rate_limit_reached_type"] == {"type": "rate_limit_reached"}
        limits.primary = PlanWindow(used_percent=100, minutes=300, reset_after_s=60)
        reply = post(emulator, who)
        assert reply.headers["x-codex-primary-used-percent"] == "100"
        assert "x-codex-secondary-used-percent" not in reply.headers
        event = next(each for each in events(reply) if each["type"] == "codex.rate_limits")
        assert event["rate_limits"]["primary"]["used_percent"] == 100
        assert httpx.get(address, headers={**who, "authorization": "Bearer x"}).status_code == 401


BUILDERS: list[tuple[Callable[[], HttpReply], int, str]] = [
    (usage_limit_reached, 429, '"usage_limit_reached"'),
    (usage_not_included, 429, '"usage_not_included"'),
    (cloudflare_challenge, 403, "<title>Just a moment...</title>"),
    (wrong_workspace, 403, '"invalid_workspace_selected"'),
    (model_not_available, 400, "is not supported when using Codex with a ChatGPT account."),
    (client_upgrade_required, 400, "requires a newer version of Codex"),
    (model_not_found, 404, "Model not found gpt-5.6-sol"),
    (invalid_token, 401, '"token_expired"'),
    (malformed_token, 401, '"detail": "Could not parse your authentication token.'),
    (lambda: unsupported_parameter("temperature"), 400, '"detail": "Unsupported parameter: temperature"'),
    (lambda: detail_reply(400, {"code": "odd"}), 400, '"odd"'),
]


@pytest.mark.parametrize(("builder", "status", "said"), BUILDERS, ids=[row[2] for row in BUILDERS])
def test_scripted_answers(
    sign_in: SignInService, emulator: Emulator, builder: Callable[[], HttpReply], status: int, said: str
) -> None:
    emulator.script(builder())
    reply = post(emulator, headers(sign_in))
    assert reply.status_code == status
    assert said in reply.text


def test_a_used_up_plan_says_when_it_is_reset(sign_in: SignInService, emulator: Emulator) -> None:
    emulator.script(usage_limit_reached(plan="pro", resets_in_s=60), usage_limit_reached(older=True))
    reply = post(emulator, headers(sign_in))
    error = reply.json()["error"]
    assert (error["plan_type"], error["resets_in_seconds"]) == ("pro", 60)
    assert reply.headers["x-codex-primary-reset-at"] == str(error["resets_at"])
    assert reply.headers["x-codex-plan-type"] == "pro"
    assert "resets_at" not in post(emulator, headers(sign_in)).json()["error"]


def test_a_wave_passes(sign_in: SignInService, emulator: Emulator) -> None:
    emulator.script(*repeated_model_not_found(2), Say("At last."))
    assert [post(emulator, headers(sign_in)).status_code for _ in range(3)] == [404, 404, 200]
