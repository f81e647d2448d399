"""What providers of this kind are known to do wrong, and the test of each that proves it impossible here.

The index below names a hazard in words and where its test is; hazards that no subject of its own covers have their test
in this file.
"""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import NotFoundError, ProviderUnavailableError, RateLimitError, StreamError
from responses_emulator import (
    Call,
    HttpReply,
    ResponseFields,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
    server_error,
    server_is_overloaded,
)

from tests.support.session import Conversation, OpenSession, Session, asking, items, result, state, system, texts, tool

# subject (the file is test_SUBJECT.py): {hazard: name of the test without test_}
HAZARDS: dict[str, dict[str, str]] = {
    "options": {
        "zero counts as absent": "sampling_reaches_a_model_that_takes_it",
        "the string false is true": "false_is_false_however_it_is_spelled",
        "a setting of the wizard is never read": "a_setting_reaches_the_wire",
        "an unknown setting is ignored in silence": "an_unknown_setting_is_warned_of_with_the_nearest_name",
        "fields of the request are ignored": "a_field_of_the_request_reaches_the_wire",
        "sampling is sent to models that refuse it": "sampling_is_left_out_and_reported_where_the_model_reasons",
        "tools become strict": "function_tools_are_not_strict_unless_they_ask",
    },
    "mounting": {
        "a choice of the wizard cannot be used": "every_choice_of_the_wizard_can_be_used",
        "the advertised limits are not those of the model": "info_describes_the_configured_model",
        "without a key the provider is absent": "it_mounts_without_credentials",
        "mounting blocks or talks": "mounting_talks_to_nobody_and_starts_nothing",
        "the user's address does not reach the model list": "the_cli_reaches_the_users_own_server",
    },
    "hazards": {
        "a small output limit is sent by default": "no_output_limit_is_sent_unless_asked_for",
        "the effort in force cannot be seen": "the_events_say_what_was_in_force",
        "an effort is made up": "reasoning_without_an_effort_makes_none_up",
        "unknown models are taken for ones that do not reason": "an_unknown_model_gets_what_was_asked",
        "hosted tools are dropped": "every_kind_of_hosted_tool_passes",
        "a native tool sticks to the provider": "a_native_tool_of_one_request_is_not_kept_for_the_next",
        "later requests lack instructions or tools": "every_request_has_instructions_and_tools",
        "an assistant turn is put in another order": "an_interleaved_turn_keeps_its_order",
        "one bare reasoning id spoils the others": "reasoning_with_and_without_ciphertext_in_one_history",
        "a failed response is a success": "a_response_that_failed_is_never_an_answer",
        "unusual framing loses events": "every_way_to_write_an_event_is_read",
        "usage is read from one name of the last event": "the_other_name_of_the_last_event",
        "a whole response instead of a stream is lost": "a_server_that_does_not_stream_is_understood",
        "dated models have no price": "a_dated_model_has_the_price_of_its_family",
        "cache writes do not count": "what_was_written_to_the_cache_counts",
        "Retry-After counts for rate limits only": "an_outage_may_say_how_long_it_lasts",
        "a continuation that fails is a success": "a_continuation_that_fails_is_told",
    },
    "silence": {
        "the timeout of the request is ignored": "the_timeout_of_a_request_bounds_the_whole_call",
        "a healthy long answer is cut off": "a_slow_and_healthy_answer_may_last_longer_than_the_timeout",
        "silence is waited for without end": "silence_in_mid_answer_runs_out_soon",
        "separators of Unicode split lines": "every_dialect_of_the_stream_however_it_is_cut",
        "a connection is opened for every call": "connections_are_used_again",
    },
    "answers": {
        "a response format is claimed and ignored": "structured_output_is_asked_for_and_comes_back",
        "a refusal is an empty answer": "a_refusal_is_shown_and_ends_as_content_filter",
        "there is no finish reason": "parallel_calls_come_back_in_order_with_their_own_ids",
        "the screen shows no tool block": "the_views_of_an_answer_agree",
        "the whole response is stored in the transcript": "metadata_is_small_namespaced_json",
        "costs cannot be written as JSON": "usage_and_cost_are_those_of_the_reply",
        "an unknown price is free": "an_unknown_price_is_none_and_never_zero",
        "the tier does not count": "the_price_follows_the_tier_of_the_reply",
        "missing usage is zero": "a_reply_without_usage_claims_none",
    },
    "reasoning": {
        "models that do not reason are asked to": "a_model_that_does_not_reason_is_asked_for_none",
        "stored state beside the whole history": "reasoning_is_asked_for_without_server_state",
        "parts of a summary are merged": "items_go_back_in_order_with_ids_phase_and_the_very_arguments",
        "dropping what is null destroys reasoning": "every_request_extends_the_one_before",
        "thinking goes back as words": "thinking_of_another_provider_is_left_out_and_reported",
        "ciphertext goes to another account": "a_conversation_moves_to_another_account_and_back",
    },
    "learning": {
        "include is sent to models that refuse it, for ever": "refused_include_is_asked_for_no_more",
    },
    "inputs": {
        "developer messages move or change their role": "later_system_and_developer_messages_stay_where_they_are",
        "only the first system message counts": "leading_system_messages_become_instructions",
        "lists of blocks become empty or a repr": "system_and_developer_messages_may_be_lists_of_blocks",
        "pictures by URL, file or detail are lost": "a_picture_of_the_user_is_a_picture",
        "pictures in results become base64 in the prompt": "a_picture_in_a_tool_result_is_a_picture",
        "results in user messages are lost": "results_inside_user_messages_are_results",
        "what cannot be sent vanishes without a word": "what_cannot_be_sent_is_reported",
        "calls are sent twice": "a_call_that_stands_in_both_places_is_sent_once",
        "calls beside plain text are lost": "calls_that_stand_beside_plain_text_are_calls",
        "an absent list of calls breaks the request": "an_absent_list_of_calls_is_no_call",
    },
    "client_calls": {
        "a patch is told as failed by its wording": "a_patch_is_handed_over_and_its_outcome_told",
    },
    "repair": {
        "a history is mended once and then sent broken": "it_is_made_up_again_on_every_later_request",
        "mending changes the history": "the_history_is_not_touched",
        "orphan results are sent": "results_without_a_call_are_left_out_and_reported",
    },
    "hosted_tools": {
        "citations are lost": "a_search_shows_its_text_with_citations_and_sources",
        "hosted items are lost": "every_hosted_item_goes_back_as_it_came",
        "a search is handed to the loop as a call": "a_search_goes_back_whole",
        "hosted items open empty text blocks": "hosted_items_open_no_blocks",
    },
    "errors": {
        "broken arguments run a tool": "malformed_arguments_are_an_error_and_never_a_call",
        "a failed response loses its code": "a_final_failure_is_told_after_one_request",
        "a cut stream is a finished answer": "a_passing_failure_is_tried_again",
        "a missing credential says nothing": "without_credentials_the_first_call_says_what_to_set",
        "a quota is tried again": "a_final_failure_is_told_after_one_request",
        "overflow is tried again": "a_final_failure_is_told_after_one_request",
        "whole pages of HTML are the message": "pages_are_reduced_to_their_title",
    },
    "continuation": {
        "half a call runs a tool": "a_half_call_is_dropped_and_the_answer_goes_on",
        "results cannot be matched after a continuation": "results_after_a_continued_turn_find_their_calls",
        "incomplete is an error that is tried again": "an_answer_that_was_cut_off_goes_on",
        "a continuation costs nothing": "usage_and_cost_are_summed",
        "a filtered answer is asked to go on": "a_filtered_answer_does_not_go_on",
        "a continuation forgets reasoning and settings": "it_goes_on_with_the_reasoning_it_had",
        "a continuation is not tried again": "a_continuation_is_tried_again_like_any_request",
    },
    "stream_events": {
        "parts of a summary run together": "parts_of_a_summary_are_told_apart",
        "every attempt has an id of its own": "one_request_id_runs_through_a_call_with_retries_and_a_continuation",
        "events of our own are not declared": "every_event_of_our_own_is_declared",
        "a call without a coordinator breaks": "a_provider_without_a_coordinator_works_in_silence",
    },
    "cancellation": {
        "a cancelled call says nothing": "in_mid_answer",
        "a cancelled waiter leaks its place": "a_waiter_in_the_queue_leaves_nothing_behind",
    },
    "retries": {
        "Retry-After in milliseconds or as a date is ignored": "a_date_to_wait_for_is_understood",
        "the SDK tries again by itself": "the_sdk_adds_no_retries_of_its_own",
    },
    "concurrency": {
        "a limit is replaced by another instance": "instances_of_one_account_share_a_limit_and_none_loosens_it",
        "calls at once share state": "fifty_calls_at_once_do_not_mix",
        "a client dies with the first event loop": "one_provider_works_in_loop_after_loop",
    },
    "secrets": {
        "secrets in messages": "not_when_a_proxy_echoes_it",
    },
    "models": {
        "errors of the model list are those of an SDK": "errors_are_the_kernels",
        "the model list has models that cannot work": "only_models_that_can_work_are_listed",
    },
    "responsiveness": {
        "long histories block the event loop": "a_long_history_does_not_hold_the_loop",
    },
}


def names_in(subject: str) -> set[str]:
    """The tests in the file of a subject, without their prefix."""
    tree = ast.parse(Path(__file__).with_name(f"test_{subject}.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name.removeprefix("test_") for node in functions if node.name.startswith("test_")}


def test_the_index_names_tests_that_exist() -> None:
    missing = {subject: set(index.values()) - names_in(subject) for subject, index in HAZARDS.items()}
    assert not {subject: names for subject, names in missing.items() if names}


async def test_no_output_limit_is_sent_unless_asked_for(session: Session) -> None:
    await session.ask("hello")
    assert "max_output_tokens" not in session.body


async def test_the_events_say_what_was_in_force(open_session: OpenSession) -> None:
    session = await open_session(reasoning_effort="low")
    session.emulator.script(
        Turn(Say("ok"), ResponseFields({"model": "gpt-5.6-sol-2026-08-01", "service_tier": "flex"}))
    )
    await session.ask("hello", reasoning_effort="high")
    request, response = session.recorder.one("llm:request"), session.recorder.one("llm:response")
    assert request["reasoning"]["effort"] == "high"
    assert response["served_model"] == "gpt-5.6-sol-2026-08-01"
    assert response["service_tier"] == "flex"
    assert response["response_id"].startswith("resp_")


async def test_reasoning_without_an_effort_makes_none_up(open_session: OpenSession) -> None:
    session = await open_session(reasoning={"summary": "detailed"})
    await session.ask("hello")
    assert session.body["reasoning"] == {"summary": "detailed"}


async def test_an_unknown_model_gets_what_was_asked(open_session: OpenSession) -> None:
    session = await open_session(default_model="my-deployment", reasoning_effort="xhigh")
    with pytest.raises(NotFoundError):
        await session.ask("hello")
    assert session.body["reasoning"]["effort"] == "xhigh"
    assert "reasoning.encrypted_content" in session.body["include"]


HOSTED = [
    {"type": "web_search"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation", "quality": "low"},
    {"type": "mcp", "server_label": "wiki", "server_url": "https://example.com/mcp", "require_approval": "never"},
    {"type": "shell"},
    {"type": "local_shell"},
    {"type": "apply_patch"},
    {"type": "tool_search"},
]


@pytest.mark.parametrize("native", HOSTED, ids=lambda each: each["type"])
async def test_every_kind_of_hosted_tool_passes(session: Session, native: dict[str, Any]) -> None:
    session.emulator.script(Say("ok"))
    await session.provider.complete(asking("go"), tools=[native])
    assert session.body["tools"] == [native]


async def test_a_native_tool_of_one_request_is_not_kept_for_the_next(session: Session) -> None:
    patch = tool("apply_patch", "diff")
    for extra in ({"type": "apply_patch"}, {}):
        session.emulator.script(Say("ok"))
        await session.ask("hello", tools=[patch.model_copy(update=extra)])
    assert [body["tools"][0]["type"] for body in session.emulator.request_bodies] == ["apply_patch", "function"]


async def test_every_request_has_instructions_and_tools(session: Session) -> None:
    chat = Conversation(session, tools=[tool("look", "at")])
    chat.messages.append(system("Be brief."))
    session.emulator.script(
        Call("look", {"at": "x"}), Turn(Say("half of it all"), ResponseIncomplete()), Say("ok"), Say("ok")
    )
    first = await chat.say("look")
    await chat.go_on(result(first.tool_calls[0]))
    await chat.say("thanks")
    prefixes = {request.raw_body[: request.raw_body.index(b'"input":')] for request in session.emulator.model_requests}
    assert session.sent == 4
    assert len(prefixes) == 1
    assert session.body["instructions"] == "Be brief."


async def test_an_interleaved_turn_keeps_its_order(session: Session) -> None:
    chat = Conversation(session, tools=[tool("look", "at")])
    session.emulator.script(
        Turn(Say("First."), Call("look", {"at": "x"}), Think(["Hm."]), Say("Second."), Call("look", {"at": "y"})),
        Say("ok"),
    )
    first = await chat.say("look")
    await chat.go_on(*[result(call) for call in first.tool_calls])
    kinds = [item["type"] for item in session.body["input"][1:6]]
    assert kinds == ["message", "function_call", "reasoning", "message", "function_call"]
    assert texts(session.body, "assistant") == ["First.", "Second."]


async def test_reasoning_with_and_without_ciphertext_in_one_history(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(*[Turn(Think([]), Say("ok"))] * 3)
    await chat.say("one")
    await chat.say("two")
    del state(chat.messages[1].content[0])["item"]["encrypted_content"]
    await chat.say("three")
    assert len(items(session.body, "reasoning")) == 1
    ids = ["id" in item for item in session.body["input"] if item.get("role") == "assistant"]
    assert ids == [False, True]


MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hello", "annotations": []}],
}
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": [MESSAGE], "usage": USAGE}
STREAM = {"content-type": "text/event-stream"}


def written(template: str, kind: str, event: dict[str, Any]) -> str:
    """An event in some server's handwriting."""
    text = json.dumps({"type": kind, **event})
    return template.format(
        kind=kind, json=text, lines="\ndata: ".join(json.dumps(json.loads(text), indent=1).split("\n"))
    )


@pytest.mark.parametrize(
    "template",
    [
        "data:{json}\n\n",
        "event:{kind}\ndata:{json}\n\n",
        "data: {lines}\n\n",
        ": hi\nid: 1\nretry: 5\ndata: {json}\n\n",
    ],
    ids=["no space", "no space in the name", "several lines", "other fields"],
)
async def test_every_way_to_write_an_event_is_read(session: Session, template: str) -> None:
    events = [
        ("response.output_item.added", {"output_index": 0, "item": {**MESSAGE, "content": []}}),
        ("response.output_text.delta", {"output_index": 0, "content_index": 0, "delta": "hello"}),
        ("response.output_item.done", {"output_index": 0, "item": MESSAGE}),
        ("response.completed", {"response": RESPONSE}),
    ]
    session.emulator.script(HttpReply(200, "".join(written(template, *event) for event in events), STREAM))
    response = await session.ask("hello")
    assert response.text == "hello"
    assert session.recorder.shown() == "hello"
    assert response.usage.total_tokens == 12


async def test_the_other_name_of_the_last_event(session: Session) -> None:
    done = {"type": "response.done", "response": {**RESPONSE, "status": None}}
    session.emulator.script(HttpReply(200, f"data: {json.dumps(done)}\n\n", STREAM))
    response = await session.ask("hello")
    assert (response.text, response.finish_reason, response.usage.total_tokens) == ("hello", "stop", 12)


async def test_a_server_that_does_not_stream_is_understood(session: Session) -> None:
    session.emulator.script(HttpReply(200, RESPONSE))
    response = await session.ask("hello")
    assert (response.text, response.usage.total_tokens) == ("hello", 12)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({**RESPONSE, "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}, RateLimitError),
        ({**RESPONSE, "status": "failed", "error": None}, ProviderUnavailableError),
        ({**RESPONSE, "status": "cancelled"}, ProviderUnavailableError),
        ({"error": {"message": "odd", "code": "server_error"}}, ProviderUnavailableError),
        ([], ProviderUnavailableError),
    ],
)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_a_response_that_failed_is_never_an_answer(
    open_session: OpenSession, body: Any, kind: type[Exception], streamed: bool
) -> None:
    session = await open_session(max_retries=0)
    event = json.dumps({"type": "response.failed", "response": body})
    whole = HttpReply(200, json.dumps(body), {"content-type": "application/json"})
    session.emulator.script(HttpReply(200, f"data: {event}\n\n", STREAM) if streamed else whole)
    with pytest.raises((kind, StreamError)):
        await session.ask("hello")
    assert session.recorder.one("llm:response")["status"] == "error"


async def test_a_dated_model_has_the_price_of_its_family(session: Session) -> None:
    session.emulator.script(Say("ok"), Turn(Say("ok"), ResponseFields({"model": "gpt-5.4-2026-03-05"})))
    plain = await session.ask("hello", model="gpt-5.4")
    dated = await session.ask("hello", model="gpt-5.4-2026-03-05")
    assert dated.usage.cost_usd == plain.usage.cost_usd
    assert (plain.usage.cost_usd or 0) > 0 if session.backend.priced else plain.usage.cost_usd is None


async def test_what_was_written_to_the_cache_counts(session: Session) -> None:
    chat = Conversation(session)
    chat.messages.append(system("Know this by heart. " * 400))
    session.emulator.script(Say("ok"), Say("ok"))
    first, second = await chat.say("hello"), await chat.say("hello")
    assert first.usage.cache_write_tokens > 1000
    assert second.usage.cache_read_tokens > 1000
    if session.backend.priced:
        assert second.usage.cost_usd < first.usage.cost_usd


async def test_an_outage_may_say_how_long_it_lasts(session: Session) -> None:
    session.emulator.script(server_is_overloaded(after_s=0.3), Say("ok"))
    began_s = time.monotonic()
    await session.ask("hello")
    assert time.monotonic() - began_s >= 0.3


async def test_a_continuation_that_fails_is_told(open_session: OpenSession, caplog: pytest.LogCaptureFixture) -> None:
    """What was paid for is kept, and nobody takes it for the whole."""
    session = await open_session(max_retries=1)
    session.emulator.script(
        Turn(Say("half of an answer"), ResponseIncomplete(characters=8)), server_error(), server_error()
    )
    response = await session.ask("hello")
    assert session.sent == 3
    assert (response.text, response.finish_reason) == ("half of ", "length")
    assert response.metadata["openai:incomplete_reason"] == "max_output_tokens"
    assert session.recorder.one("llm:response")["finish_reason"] == "length"
    assert any("could not be continued" in record.getMessage() for record in caplog.records)
