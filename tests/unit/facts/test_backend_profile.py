"""What a service's record changes: fields, tiers, efforts, ids, refusals and the table of its limits; as data."""

from __future__ import annotations

import re
from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from amplifier_core.message_models import ChatRequest, Message, ReasoningBlock, TextBlock
from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.facts.backend_profile import API_LIMITS, BackendProfile, ErrorMeaning, KnownError
from openai_responses_common.facts.model_traits import find_traits
from openai_responses_common.failures.classify import classify_failure
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.learn import learn_amendments
from openai_responses_common.failures.read import read_error_response
from openai_responses_common.options.model_info import read_model_info
from openai_responses_common.options.options import Options, apply_tier_suffix
from openai_responses_common.translate.encode import EncodedRequest, encode_request
from openai_responses_common.translate.messages import encode_messages

from tests.support.builders import assistant, made, user

USER = Message(role="user", content="hi")


def profile(**record: Any) -> BackendProfile:
    return BackendProfile(name="p", display_name="P", **record)


def encode(record: BackendProfile, model: str = "gpt-6-sol", **options: Any) -> EncodedRequest:
    return encode_request(
        ChatRequest(messages=[USER]),
        Options(model=model, **options),
        profile=record,
        traits=find_traits(model),
        amendments=Amendments(),
        origin="here",
    )


def test_a_service_with_a_list_gets_nothing_else() -> None:
    takes = frozenset({"model", "stream", "store", "input", "include", "reasoning"})
    encoded = encode(
        profile(allowed_fields=takes, refused_fields={"truncation": "never heard of it"}),
        truncation="auto",
        verbosity="low",
    )
    assert set(encoded.body) <= takes
    assert encoded.dropped_options == ["text: this service does not accept it", "truncation: never heard of it"]


def test_what_the_user_merged_in_is_sent_all_the_same() -> None:
    encoded = encode(profile(allowed_fields=frozenset({"model", "input"})), extra_body={"new": 1})
    assert dict(encoded.body)["new"] == 1
    assert list(encoded.body)[-1] == "input"


TIERS = {"auto": None, "priority": "priority", "fast": "priority"}


@pytest.mark.parametrize(
    ("tiers", "asked", "sent", "dropped"),
    [
        (None, "anything", "anything", 0),
        (TIERS, None, None, 0),
        (TIERS, "auto", None, 0),
        (TIERS, "fast", "priority", 0),
        (TIERS, "flex", None, 1),
    ],
)
def test_tiers(tiers: Any, asked: str | None, sent: str | None, dropped: int) -> None:
    encoded = encode(profile(service_tiers=tiers), service_tier=asked)
    assert encoded.body.get("service_tier") == sent
    assert len(encoded.dropped_options) == dropped
    assert set(encoded.dropped_options) <= {"service_tier flex: this service accepts only auto, priority, fast"}


@pytest.mark.parametrize(("asked", "sent"), [("ultra", "max"), ("low", "low"), (None, None)])
def test_efforts_by_another_name(asked: str | None, sent: str | None) -> None:
    encoded = encode(profile(effort_names={"ultra": "max"}), reasoning_effort=asked)
    assert encoded.body.get("reasoning", {}).get("effort") == sent
    assert not encoded.dropped_options


@pytest.mark.parametrize(
    ("model", "tier", "known", "wanted"),
    [
        ("gpt-9-fast", None, {}, ("gpt-9", "priority")),
        ("gpt-9-fast", "default", {}, ("gpt-9", "priority")),
        ("gpt-9", "default", {}, ("gpt-9", "default")),
        ("gpt-9-fast", None, {"gpt-9-fast": {}}, ("gpt-9-fast", None)),
        ("-fast", None, {}, ("-fast", None)),
    ],
)
def test_a_tier_in_a_models_name(model: str, tier: str | None, known: Any, wanted: Any) -> None:
    options = apply_tier_suffix(
        Options(model=model, service_tier=tier, model_info=read_model_info(known)), {"-fast": "priority"}
    )
    assert (options.model, options.service_tier) == wanted
    assert apply_tier_suffix(options, {}) is options


@pytest.mark.parametrize("ids", [True, False])
def test_reasoning_with_or_without_its_id(ids: bool) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret" * 20}
    thought = made(ReasoningBlock, content=[item], summary=[], openai={"origin": "here", "item": item})
    words = made(TextBlock, text="hello", openai={"origin": "here", "item": {"id": "msg_1"}})
    history = [user(), assistant(thought, words)]
    items = encode_messages(history, origin="here", replay_reasoning_ids=ids).items
    assert ("id" in items[1], items[2]["id"]) == (ids, "msg_1")
    refused = frozenset({"rs_1"} if ids else {("secret" * 20)[:64]})
    left = encode_messages(history, origin="here", replay_reasoning_ids=ids, refused_item_keys=refused)
    assert [each["type"] for each in left.items] == ["message", "message"]
    assert left.dropped_content


def refusal(message: str, **more: Any) -> Failure:
    return Failure(kind="status", status=400, message=message, **more)


BODY = {"store": False, "top_p": 0.5, "service_tier": "flex", "input": [{"type": "message", "role": "developer"}]}


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Unsupported parameter: top_p", "top_p"),
        ("Unsupported parameter: top_p.", "top_p"),
        ("Unsupported service_tier: flex", "service_tier"),
        ("Unsupported parameter: top_pp", None),
        ("Unsupported parameter: store", None),
    ],
)
def test_a_gateway_names_it_without_quotes(message: str, named: str | None) -> None:
    found = learn_amendments(refusal(message), BODY, Amendments())
    assert (set(found[0].dropped_fields) if found else None) == ({named} if named else None)


def test_what_a_service_needs_is_never_left_out() -> None:
    failure = refusal("Unsupported parameter: top_p")
    assert learn_amendments(failure, BODY, Amendments(), required_fields=frozenset({"top_p"})) is None


def test_a_service_without_the_role_system_is_not_sent_it() -> None:
    failure = refusal("Unexpected message role: developer")
    found = learn_amendments(failure, BODY, Amendments())
    assert found is not None
    assert found[0].system_text_role == "system"
    assert learn_amendments(failure, BODY, Amendments(), system_role=False) is None


@pytest.mark.parametrize(("failures", "retryable"), [(1, True), (2, True), (3, False)])
def test_what_passes_soon_or_not_at_all_is_not_tried_for_long(failures: int, retryable: bool) -> None:
    wave = ErrorMeaning(error=kernel.NotFoundError, retryable=True, most_retries=2)
    record = profile(errors=(KnownError(text=re.compile("gone"), meaning=wave),))
    error = classify_failure(refusal("gone"), profile=record, model="m", max_retry_delay_s=60, failure_count=failures)
    assert (type(error), error.retryable) == (kernel.NotFoundError, retryable)


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"x-request-id": "a", "cf-ray": "b"}, "a"),
        ({"x-request-id": "", "x-oai-request-id": "c", "cf-ray": "b"}, "c"),
        ({"apim-request-id": "d"}, "d"),
        ({"cf-ray": "b"}, "b"),
        ({}, None),
    ],
)
def test_request_ids_of_edges_and_gateways(headers: dict[str, str], request_id: str | None) -> None:
    failure = read_error_response(500, "oops", headers)
    assert failure.request_id == request_id
    assert failure.headers == headers
    assert "cf-ray" not in repr(failure)


def test_the_limits_of_the_api_itself() -> None:
    assert API_LIMITS.headers["tokens_remaining"] == "x-ratelimit-remaining-tokens"
    assert API_LIMITS.event is None
