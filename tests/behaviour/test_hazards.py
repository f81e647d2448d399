"""Known faults of other providers that no other subject covers."""

from __future__ import annotations

import json
import time
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


@pytest.mark.promise("a small output limit is sent by default", area="hazard")
async def test_no_output_limit_is_sent_unless_asked_for(session: Session) -> None:
    await session.ask("hello")
    assert "max_output_tokens" not in session.body


@pytest.mark.promise("the effort in force cannot be seen", area="hazard")
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


@pytest.mark.promise("a request gets an effort that nobody chose", area="hazard")
async def test_reasoning_without_an_effort_makes_none_up(open_session: OpenSession) -> None:
    session = await open_session(reasoning={"summary": "detailed"})
    await session.ask("hello")
    assert session.body["reasoning"] == {"summary": "detailed"}


@pytest.mark.promise("unknown models are taken for ones that do not reason", area="hazard")
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


@pytest.mark.promise("hosted tools are dropped", area="hazard")
@pytest.mark.parametrize("native", HOSTED, ids=lambda each: each["type"])
async def test_every_kind_of_hosted_tool_passes(session: Session, native: dict[str, Any]) -> None:
    session.emulator.script(Say("ok"))
    await session.provider.complete(asking("go"), tools=[native])
    assert session.body["tools"] == [native]


@pytest.mark.promise("a native tool stays with the provider after its request", area="hazard")
async def test_a_native_tool_of_one_request_is_not_kept_for_the_next(session: Session) -> None:
    patch = tool("apply_patch", "diff")
    for extra in ({"type": "apply_patch"}, {}):
        session.emulator.script(Say("ok"))
        await session.ask("hello", tools=[patch.model_copy(update=extra)])
    assert [body["tools"][0]["type"] for body in session.emulator.request_bodies] == ["apply_patch", "function"]


@pytest.mark.promise("later requests lack instructions or tools", area="hazard")
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


@pytest.mark.promise("the items of an assistant turn change their order", area="hazard")
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


@pytest.mark.promise("one bare reasoning id spoils the others", area="hazard")
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


@pytest.mark.promise("unusual framing loses events", area="hazard")
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


@pytest.mark.promise("usage is read from one type of terminal event only", area="hazard")
async def test_the_other_name_of_the_last_event(session: Session) -> None:
    done = {"type": "response.done", "response": {**RESPONSE, "status": None}}
    session.emulator.script(HttpReply(200, f"data: {json.dumps(done)}\n\n", STREAM))
    response = await session.ask("hello")
    assert (response.text, response.finish_reason, response.usage.total_tokens) == ("hello", "stop", 12)


@pytest.mark.promise("a whole response instead of a stream is lost", area="hazard")
async def test_a_server_that_does_not_stream_is_understood(session: Session) -> None:
    session.emulator.script(HttpReply(200, RESPONSE))
    response = await session.ask("hello")
    assert (response.text, response.usage.total_tokens) == ("hello", 12)


@pytest.mark.promise("a failed response counts as a success", area="hazard")
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


@pytest.mark.promise("dated models have no price", area="hazard")
async def test_a_dated_model_has_the_price_of_its_family(session: Session) -> None:
    session.emulator.script(Say("ok"), Turn(Say("ok"), ResponseFields({"model": "gpt-5.4-2026-03-05"})))
    plain = await session.ask("hello", model="gpt-5.4")
    dated = await session.ask("hello", model="gpt-5.4-2026-03-05")
    assert dated.usage.cost_usd == plain.usage.cost_usd
    assert (plain.usage.cost_usd or 0) > 0 if session.backend.priced else plain.usage.cost_usd is None


@pytest.mark.promise("cache writes do not count", area="hazard")
async def test_what_was_written_to_the_cache_counts(session: Session) -> None:
    chat = Conversation(session)
    chat.messages.append(system("Know this by heart. " * 400))
    session.emulator.script(Say("ok"), Say("ok"))
    first, second = await chat.say("hello"), await chat.say("hello")
    assert first.usage.cache_write_tokens > 1000
    assert second.usage.cache_read_tokens > 1000
    if session.backend.priced:
        assert second.usage.cost_usd < first.usage.cost_usd


@pytest.mark.promise("Retry-After counts for rate limits only", area="hazard")
async def test_an_outage_may_say_how_long_it_lasts(session: Session) -> None:
    session.emulator.script(server_is_overloaded(after_s=0.3), Say("ok"))
    began_s = time.monotonic()
    await session.ask("hello")
    assert time.monotonic() - began_s >= 0.3


@pytest.mark.promise("a continuation that fails counts as a success", area="hazard")
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
