"""The backend's own ways: its errors in its own words, its limits, its fast tier, its headers, what it takes."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.llm_errors import (
    AccessDeniedError,
    ConfigurationError,
    InvalidRequestError,
    LLMError,
    NotFoundError,
    ProviderUnavailableError,
    QuotaExceededError,
)
from responses_emulator import (
    Catalogue,
    CatalogueEntry,
    Emulator,
    HttpReply,
    PlanLimits,
    PlanWindow,
    Say,
    Think,
    Turn,
    client_upgrade_required,
    cloudflare_challenge,
    detail_reply,
    model_not_available,
    model_not_found,
    repeated_model_not_found,
    unsupported_parameter,
    usage_limit_reached,
    usage_not_included,
    wrong_workspace,
)

from tests.support.chatgpt_machine import Machine
from tests.support.session import Session, developer, system, tool

LIMIT_404 = HttpReply(404, {"error": {"message": "The usage limit has been reached", "code": "not_found"}})

# what is answered, class, a word of the message, how often it is sent
ERRORS: dict[str, tuple[HttpReply, type[LLMError], str, int]] = {
    "plan used up": (usage_limit_reached(), QuotaExceededError, "resets in 3 h 52 min", 1),
    "plan used up, older body": (usage_limit_reached(older=True), QuotaExceededError, "resets in 3 h 52 min", 1),
    "wrapped in a 404": (LIMIT_404, QuotaExceededError, "status` shows the limits", 1),
    "not in the plan": (usage_not_included(), QuotaExceededError, "upgrade to Plus", 1),
    "wrong workspace": (wrong_workspace(), AccessDeniedError, "another workspace", 1),
    "deactivated workspace": (
        detail_reply(402, {"code": "deactivated_workspace"}),
        AccessDeniedError,
        "the code deactivated_workspace: this workspace was deactivated: run `.*login` and choose another one",
        1,
    ),
    "retired model": (model_not_available(), NotFoundError, "amplifier provider models.*set client_version", 1),
    "newer client": (client_upgrade_required(), ConfigurationError, "client_version", 1),
    "text under detail": (detail_reply(400, "Something odd"), InvalidRequestError, "Something odd", 1),
    "no such model": (model_not_found(), NotFoundError, "wait some minutes, or set client_version", 3),
    "the edge": (cloudflare_challenge(), ProviderUnavailableError, "another network", 4),
}


@pytest.fixture
async def session(machine: Machine) -> Session:
    machine.keep(machine.service.token_set())
    return await machine.session(max_retries=3)


@pytest.mark.parametrize(("reply", "kind", "said", "sent"), ERRORS.values(), ids=ERRORS)
async def test_errors_of_the_service_have_a_class_and_a_remedy(
    session: Session, reply: HttpReply, kind: type[LLMError], said: str, sent: int
) -> None:
    session.emulator.script(*[reply] * 9)
    with pytest.raises(kind, match=said) as caught:
        await session.ask("hello")
    assert type(caught.value) is kind
    assert not caught.value.retryable or sent == 4
    assert session.sent == sent
    assert "<" not in str(caught.value)


async def test_a_wave_of_missing_models_passes(session: Session) -> None:
    session.emulator.script(*repeated_model_not_found(2))
    assert (await session.ask("hello")).text
    assert session.sent == 3


async def test_the_wait_until_a_reset_is_given_to_hosts_too(session: Session) -> None:
    session.emulator.script(usage_limit_reached(resets_in_s=900))
    with pytest.raises(QuotaExceededError) as caught:
        await session.ask("hello")
    assert caught.value.retry_after == pytest.approx(900, abs=60)
    assert not caught.value.retryable


async def test_a_refused_parameter_is_learned_from_the_error_text(session: Session) -> None:
    """The gateway names it without quotes."""
    session.emulator.script(unsupported_parameter("parallel_tool_calls"))
    await session.provider.complete(_asking(tools=[tool("t")]), parallel_tool_calls=True)
    assert session.sent == 2
    assert "parallel_tool_calls" not in session.body


def _asking(**fields: Any) -> Any:
    from tests.support.session import asking

    return asking("hello", **fields)


async def test_limits_come_with_every_response(session: Session) -> None:
    await session.ask("hello")
    limits = session.recorder.one("llm:response")["rate_limits"]
    assert limits["plan"] == "plus"
    assert (limits["primary_used_percent"], limits["primary_window_minutes"]) == (12, 300)
    assert (limits["secondary_used_percent"], limits["secondary_window_minutes"]) == (34, 10_080)
    assert limits["primary_resets_at"] > 1_700_000_000
    assert json.dumps(limits)


async def test_the_event_of_the_stream_wins_over_the_headers(
    session: Session, limits: PlanLimits, emulator: Emulator
) -> None:
    from responses_emulator import ReplyHeaders

    emulator.script(Turn(Say("ok"), ReplyHeaders({"x-codex-primary-used-percent": "11.5"})))
    limits.secondary = None
    await session.ask("hello")
    told = session.recorder.one("llm:response")["rate_limits"]
    assert told["primary_used_percent"] == 12
    assert "secondary_used_percent" not in told


async def test_a_plan_that_is_used_up_is_reported_as_a_throttle(session: Session) -> None:
    session.emulator.script(usage_limit_reached(resets_in_s=600))
    with pytest.raises(QuotaExceededError):
        await session.ask("hello")
    throttle = session.recorder.one("provider:throttle")
    assert throttle["reason"] == "quota"
    assert (throttle["remaining"], throttle["limit"]) == (0, 100)
    assert throttle["delay"] == pytest.approx(600, abs=60)


async def test_the_fullest_limit_window_is_reported(session: Session, limits: PlanLimits) -> None:
    limits.primary = PlanWindow(used_percent=20, minutes=300, reset_after_s=100)
    limits.secondary = PlanWindow(used_percent=97, minutes=10_080, reset_after_s=100)
    session.emulator.script(HttpReply(429, {"error": {"message": "slow", "code": "slow_down"}}))
    session.emulator.script(Say("ok"))
    await session.ask("hello")
    assert session.recorder.one("provider:throttle")["reason"] == "rate_limit"


FAST = [
    ("gpt-5.6-sol-fast", None, "gpt-5.6-sol", "priority"),
    ("gpt-5.6-sol", "fast", "gpt-5.6-sol", "priority"),
    ("gpt-5.6-sol", "Priority", "gpt-5.6-sol", "priority"),
    ("gpt-5.6-sol", "default", "gpt-5.6-sol", None),
    ("gpt-5.6-sol", "auto", "gpt-5.6-sol", None),
    ("gpt-5.6-sol", None, "gpt-5.6-sol", None),
]


@pytest.mark.parametrize(("asked", "tier", "model", "sent"), FAST)
async def test_the_ending_fast_requests_the_priority_tier(
    session: Session, asked: str, tier: str | None, model: str, sent: str | None
) -> None:
    await session.provider.complete(_asking(model=asked), **({"service_tier": tier} if tier else {}))
    assert (session.body["model"], session.body.get("service_tier")) == (model, sent)
    assert session.recorder.one("llm:request")["dropped"] == []


async def test_a_tier_that_is_not_accepted_is_reported(session: Session) -> None:
    await session.provider.complete(_asking(), service_tier="flex")
    assert "service_tier" not in session.body
    (line,) = session.recorder.one("llm:request")["dropped"]
    assert line.startswith("service_tier flex: this service accepts only")


async def test_a_configured_fast_model_is_described_as_the_model_that_it_is(machine: Machine) -> None:
    fast = machine.provider(default_model="gpt-5.6-sol-fast").get_model_info()
    plain = machine.provider(default_model="gpt-5.6-sol").get_model_info()
    assert fast.id == "gpt-5.6-sol-fast"
    assert (fast.context_window, fast.defaults) == (plain.context_window, plain.defaults)


async def test_an_effort_of_openais_own_client_has_another_name_on_the_wire(session: Session) -> None:
    await session.ask("hello", reasoning_effort="ultra")
    assert session.body["reasoning"]["effort"] == "max"


async def test_instructions_are_never_empty(session: Session) -> None:
    await session.ask("hello")
    assert session.body["instructions"] == "You are a helpful assistant."
    await session.ask(system("Be brief."), system("In Latin."), "hello", developer("Now."), system("Later."))
    assert session.body["instructions"] == "Be brief.\n\nIn Latin."
    assert [item["role"] for item in session.body["input"]] == ["user", "developer", "developer"]
    await session.ask(system("All alone."))
    assert session.body["instructions"]


async def test_reasoning_goes_back_without_its_id_and_only_it(session: Session) -> None:
    from tests.support.session import Conversation, items

    chat = Conversation(session)
    session.emulator.script(Turn(Think(["**Hm**"]), Say("a")), Say("b"))
    await chat.say("hello")
    await chat.say("more")
    (reasoning,) = items(session.body, "reasoning")
    assert "id" not in reasoning
    assert reasoning["encrypted_content"]
    assert all("id" in item for item in items(session.body, "message") if item["role"] == "assistant")


async def test_a_refusal_of_reasoning_without_ids_is_learned(session: Session) -> None:
    from tests.support.session import Conversation, items

    chat = Conversation(session)
    await chat.say("hello")
    body = {"error": {"message": "The encrypted content could not be verified.", "code": "invalid_encrypted_content"}}
    session.emulator.script(HttpReply(400, body))
    await chat.say("more")
    assert session.sent == 3
    assert not items(session.body, "reasoning")


async def test_the_conversation_is_named_in_a_header(session: Session) -> None:
    await session.ask("hello")
    await session.ask("hello", conversation_id="conv-1")
    await session.ask("hello", conversation_id="caf\u00e9\n")
    sent = [each.headers.get("session-id") for each in session.emulator.model_requests]
    assert sent == ["test-session", "conv-1", None]
    assert session.emulator.request_bodies[1]["prompt_cache_key"] == "conv-1"


async def test_calls_of_a_script_are_one_conversation(machine: Machine) -> None:
    """A provider without a host, which has no session id. OpenAI's own client sends one key in both places, too."""
    machine.keep(machine.service.token_set())
    first, second = machine.provider(), machine.provider()
    for provider in (first, first, second):
        await provider.complete(_asking())
    await first.complete(_asking(conversation_id="conv-1"))
    for provider in (first, second):
        await provider.close()
    keys = [body["prompt_cache_key"] for body in machine.emulator.request_bodies]
    assert keys == [each.headers["session-id"] for each in machine.emulator.model_requests]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] == "conv-1"
    assert all(str(uuid.UUID(key)) == key for key in keys[:3])


# model, settings, keywords, fields of the request -> effort and verbosity of the body
DEFAULTS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], tuple[str | None, str | None]]] = [
    ("gpt-6.1-sol", {}, {}, {}, ("low", "low")),
    ("gpt-6-luna", {}, {}, {}, ("medium", "low")),
    ("gpt-6.1-sol-fast", {}, {}, {}, ("low", "low")),
    ("gpt-6.1-sol", {"reasoning_effort": "high", "verbosity": "high"}, {}, {}, ("high", "high")),
    ("gpt-6.1-sol", {"reasoning_effort": "high"}, {}, {"reasoning_effort": "max"}, ("max", "low")),
    ("gpt-6.1-sol", {"verbosity": "high"}, {"reasoning_effort": "max", "verbosity": "medium"}, {}, ("max", "medium")),
    ("gpt-6.1-sol", {"reasoning": {"effort": "medium"}}, {}, {}, ("medium", "low")),
    ("gpt-6.1-sol", {"model_info": {"gpt-6.1-sol": {"default_effort": "max"}}}, {}, {}, ("max", "low")),
    ("gpt-6.1-sol", {"model_info": {"gpt-6.1-sol": {"verbosity": False}}}, {}, {}, ("low", None)),
    ("quiet", {}, {}, {}, ("low", None)),
    ("odd", {}, {}, {}, (None, None)),
    ("unlisted", {}, {}, {}, (None, None)),
]


@pytest.mark.parametrize(("model", "settings", "keywords", "fields", "sent"), DEFAULTS)
async def test_the_defaults_of_the_catalogue_are_sent_if_nobody_chose(
    machine: Machine,
    catalogue: Catalogue,
    model: str,
    settings: dict[str, Any],
    keywords: dict[str, Any],
    fields: dict[str, Any],
    sent: tuple[str | None, str | None],
) -> None:
    machine.keep(machine.service.token_set())
    entry = CatalogueEntry(slug="quiet", default_effort="low", extra_fields={"default_verbosity": "high"})
    odd = {"default_reasoning_level": "extreme", "default_verbosity": ["low"]}
    catalogue.entries = (*catalogue.entries, entry, replace(entry, slug="odd", extra_fields=odd))
    catalogue.serves_unlisted_models = True
    session = await machine.session(**settings)
    await session.provider.list_models()
    await session.provider.complete(_asking(model="o3" if model == "unlisted" else model, **fields), **keywords)
    body = session.body
    assert (body.get("reasoning", {}).get("effort"), body.get("text", {}).get("verbosity")) == sent
    assert session.recorder.one("llm:request")["dropped"] == []


async def test_the_defaults_are_known_before_the_catalogue_is_fetched(session: Session) -> None:
    await session.ask("hello", model="gpt-6.1-terra")
    assert (session.body["reasoning"]["effort"], session.body["text"]["verbosity"]) == ("low", "low")


async def test_the_connection_is_kept_between_calls(session: Session) -> None:
    for _ in range(3):
        await session.ask("hello")
    assert len({each.connection for each in session.emulator.model_requests}) == 1


async def test_costs_are_unknown_and_tokens_are_counted(session: Session) -> None:
    answer = await session.ask("hello")
    assert answer.usage.cost_usd is None
    assert answer.usage.total_tokens > 0
    assert session.recorder.one("llm:response")["usage"]["cost_usd"] is None
    assert session.provider.get_model_info().pricing is None


async def test_calls_send_the_client_version_of_the_model_list(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    for settings, version in (({}, "1.0.0"), ({"client_version": "0.99.0"}, "0.99.0")):
        session = await machine.session(**settings)
        outcome = session.ask("hello", model="gpt-5.3-codex-spark")
        await outcome
        assert session.emulator.model_requests[-1].headers.get("version") == version
    with pytest.raises(ConfigurationError, match="newer version"):
        await session.ask("hello", model="gpt-6-astra")


async def test_settings_of_microsofts_module_mean_the_same(machine: Machine) -> None:
    """All that its users may have in their files."""
    machine.keep(machine.service.token_set())
    session = await machine.session(
        default_model="gpt-5.6-luna",
        raw="true",
        login_on_mount="false",
        token_file_path=str(machine.file),
        timeout="300.0",
        models_cache_ttl="3600",
        priority="7",
    )
    await session.ask("hello")
    assert session.body["model"] == "gpt-5.6-luna"
    assert "raw" in session.recorder.one("llm:request")
    assert session.provider.priority == 7
    assert session.provider.get_info().defaults["timeout"] == 300.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("login_on_mount", "maybe"),
        ("models_cache_ttl", "soon"),
        ("models_cache_ttl", "-1"),
        ("token_file_path", "~nobody-of-that-name/tokens.json"),
        ("allowed_hosts", 5),
        ("account", "a/b"),
        ("token_store", "drawer"),
        ("client_version", "1.0\r\nx: y"),
    ],
)
async def test_an_error_names_an_invalid_setting(machine: Machine, key: str, value: Any) -> None:
    session = await machine.session(**{key: value})
    with pytest.raises(ConfigurationError, match=key):
        await session.ask("hello")
