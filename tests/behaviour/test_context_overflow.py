"""After a request that was too long a host gets one budget for a shorter one, and hears what it has taken out."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.llm_errors import ContextLengthError, RateLimitError
from amplifier_core.message_models import ChatRequest, Message
from openai_responses_common.provider import context_hooks
from responses_emulator import HttpReply

from tests.support.backends import BackendUnderTest
from tests.support.session import OpenSession, Session, asking, assistant, result, system, user

NUMBERS = "Input tokens exceed the configured limit of 9000 tokens. Your messages resulted in 30000 tokens."
WORDS = "Your input exceeds the context window of this model. Please adjust your input and try again."

CALL = assistant("", tool_calls=[{"id": "call_1", "tool": "read", "arguments": {}}])
HUGE = [system("Be kind."), user("read it"), CALL, result("call_1", "line\n" * 6000), user("and now?")]


def too_long(text: str) -> HttpReply:
    return HttpReply(
        400, {"error": {"message": text, "type": "invalid_request_error", "code": "context_length_exceeded"}}
    )


def estimate(messages: list[Message]) -> int:
    """Return the tokens as loops estimate them."""
    return sum(len(str(message.model_dump())) // 4 for message in messages)


def shorten(messages: list[Message], budget: int) -> list[Message]:
    """Shorten the longest tool result, as context managers do, and no other message."""
    longest = max((message for message in messages if message.role == "tool"), key=lambda each: len(str(each.content)))
    kept = max(budget - (estimate(messages) - len(str(longest.content)) // 4), 0) * 4
    return [result("call_1", str(longest.content)[:kept]) if each is longest else each for each in messages]


async def overflow(session: Session, messages: list[Message], text: str) -> tuple[ChatRequest, ContextLengthError]:
    session.emulator.script(too_long(text))
    request = asking(*messages)
    with pytest.raises(ContextLengthError) as caught:
        await session.provider.complete(request)
    return request, caught.value


def recover(session: Session, request: ChatRequest, error: Exception) -> Any:
    return session.provider.recover_context_overflow(
        request, error, context_estimate=estimate(request.messages), request_options={"extended_thinking": True}
    )


@pytest.mark.promise("one huge tool result ends a session", area="hazard")
@pytest.mark.parametrize("text", [NUMBERS, WORDS])
async def test_one_huge_result_is_shortened_and_the_call_goes_on(
    open_session: OpenSession, backend: BackendUnderTest, text: str
) -> None:
    session = await open_session(model_info={backend.model: {"context_window": 9000}})
    request, error = await overflow(session, HUGE, text)
    assert session.sent == 1, "a request that is too long is not sent twice"
    decision = recover(session, request, error)
    assert decision["estimated_input_tokens"] > decision["input_limit_tokens"] == 9000
    assert 0 < decision["context_token_budget"] < estimate(HUGE)
    shorter = shorten(HUGE, decision["context_token_budget"])
    await session.ask(*shorter)
    assert session.made()["usage"]["input_tokens"] < 9000
    report = session.recorder.one("provider:context_shortened")
    assert [entry["tool_call_id"] for entry in report["shortened"]] == ["call_1"]
    assert report["shortened"][0]["tokens_after"] < report["shortened"][0]["tokens_before"]
    assert report["message_count"] == report["message_count_before"] == len(HUGE)
    assert report["input_tokens"] == (30_000 if text == NUMBERS else None)
    assert report["context_budget_tokens"] == decision["context_token_budget"]
    await session.ask("next")
    assert len(session.recorder.named("provider:context_shortened")) == 1, "it is reported once"


@pytest.mark.one_transport("only the numbers of a budget")
async def test_what_cannot_be_shortened_gets_no_budget(session: Session) -> None:
    request, error = await overflow(session, [user("hello")], WORDS)
    nothing = session.provider.recover_context_overflow(request, error, context_estimate=0)
    assert nothing is None
    assert recover(session, request, RateLimitError("slow down")) is None
    wrong = {"max_output_tokens": "many"}
    assert session.provider.recover_context_overflow(request, error, context_estimate=9, request_options=wrong) is None


@pytest.mark.one_transport("only the numbers of a budget")
async def test_a_model_that_nobody_knows_is_halved(open_session: OpenSession, backend: BackendUnderTest) -> None:
    session = await open_session()
    request = asking(*HUGE, model="nobody-knows", max_output_tokens=500)
    decision = recover(session, request, ContextLengthError(WORDS))
    assert 0.45 * estimate(HUGE) < decision["context_token_budget"] <= 0.5 * estimate(HUGE)
    assert decision["max_output_tokens"] == 500


@pytest.mark.one_transport("only the numbers of a budget")
async def test_a_small_number_in_a_refusal_does_not_empty_the_conversation(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_session(model_info={backend.model: {"context_window": 16_000}})
    request, error = await overflow(session, HUGE, "invalid params, context window exceeds limit (1013)")
    decision = recover(session, request, error)
    assert decision["input_limit_tokens"] == 16_000
    assert decision["context_token_budget"] > estimate(HUGE) / 3


@pytest.mark.promise("a call of another conversation gets the report of a shortened one", area="hazard")
async def test_the_shortened_request_is_reported_in_its_own_conversation(
    open_session: OpenSession, backend: BackendUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await open_session(model_info={backend.model: {"context_window": 9000}})
    shorter = shorten(HUGE, 1000)
    recover(session, *await overflow(session, HUGE, NUMBERS))
    await session.ask(system("Be kind."), "name this session")
    assert session.recorder.named("provider:context_shortened") == []
    await session.ask(*shorter)
    assert session.recorder.one("provider:context_shortened")["message_count"] == len(HUGE)
    recover(session, *await overflow(session, HUGE, NUMBERS))
    monkeypatch.setattr(context_hooks, "_NOTE_S", -1.0)
    recover(session, *await overflow(session, HUGE, NUMBERS))
    await session.ask(*shorter)
    assert len(session.recorder.named("provider:context_shortened")) == 1, "a note ends after some minutes"
