"""What the attempts of one call count towards its limits."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import QuotaExceededError
from amplifier_core.message_models import ChatRequest, Message
from openai_responses_common.engine._call import Call, Charge, PreparedRequest, VisibleDeltas
from openai_responses_common.engine.engine import Engine
from openai_responses_common.engine.spending import SpendingGuard
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.options.options import Options
from openai_responses_common.testing.fake_transport import FakeReply, FakeTransport, build_text_reply
from openai_responses_common.wire.accumulate import Accumulator
from openai_responses_common.wire.request_body import RequestBody

PROFILE = BackendProfile(name="test", display_name="Test")
REQUEST = ChatRequest(messages=[Message(role="user", content="hello")])
USAGE = {"input_tokens": 50_000, "output_tokens": 10, "total_tokens": 50_010}


def failed_reply(usage: dict[str, int] | None) -> FakeReply:
    error = {"code": "server_error", "message": "An error occurred."}
    response = {"status": "failed", "model": "gpt-5.6-sol", "error": error, "usage": usage, "output": []}
    return FakeReply(batches=[[{"type": "response.failed", "response": response}]])


async def test_attempts_that_failed_count_with_the_usage_that_they_report() -> None:
    costs_usd: list[Decimal] = []
    transport = FakeTransport(*[failed_reply(USAGE)] * 4, build_text_reply("Hello"))
    engine = Engine(transport, PROFILE, on_cost=costs_usd.append)
    options = Options(model="gpt-5.6-sol", min_retry_delay_s=0.001, max_call_cost_usd=Decimal("0.30"))
    with pytest.raises(QuotaExceededError, match=r"this call has spent \$0\.[345].*max_call_cost_usd"):
        await engine.run_call(REQUEST, options, engine.create_events(None, "test", options), None)
    assert len(costs_usd) == len(transport.requests) < 4


@pytest.mark.parametrize("usage", [USAGE, None])
async def test_a_failed_attempt_costs_and_is_no_part_of_the_usage_of_its_call(usage: dict[str, int] | None) -> None:
    costs_usd: list[Decimal] = []
    engine = Engine(FakeTransport(failed_reply(usage), build_text_reply("Hello")), PROFILE, on_cost=costs_usd.append)
    options = Options(model="gpt-5.6-sol", min_retry_delay_s=0.001)
    response = await engine.run_call(REQUEST, options, engine.create_events(None, "test", options), None)
    assert response.usage is not None
    assert response.usage.cost_usd == costs_usd[-1]
    assert len(costs_usd) == (2 if usage else 1)


async def test_an_attempt_that_never_began_does_not_count_the_one_before_again() -> None:
    options = Options(model="gpt-5.6-sol", max_call_cost_usd=Decimal(9))
    events = Engine(FakeTransport(), PROFILE).create_events(None, "test", options)
    call = Call(request=REQUEST, options=options, events=events, deltas=VisibleDeltas(None))
    body = RequestBody({"model": options.model}, [{"role": "user", "content": "word " * 3000}])
    call.prepared_request = PreparedRequest(encoded_request=None, body=body)  # type: ignore[arg-type]
    guard = SpendingGuard(PROFILE, warn_once=lambda lines: None, get_session=None)
    async with guard.reserve(call):
        call.charge.has_output = True
    counted_usd = call.unreported_usd
    with pytest.raises(asyncio.CancelledError):
        async with guard.reserve(call):
            raise asyncio.CancelledError
    assert call.unreported_usd == counted_usd > 0


@pytest.mark.parametrize(
    ("types", "facts", "expected"),
    [
        (["response.created", "response.in_progress"], {}, False),
        (["response.created", "response.output_item.added"], {}, True),
        (["response.output_text.delta", "response.failed"], {"has_failed": True}, True),
        (["response.output_text.delta", "response.completed"], {"is_reported": True}, False),
        (["keepalive", "error"], {"has_failed": True}, False),
        ([], {"is_in_background": True}, True),
        (["response.failed"], {"is_in_background": True, "has_failed": True}, False),
    ],
)
def test_an_attempt_was_paid_for_if_its_answer_began(types: list[str], facts: dict[str, Any], expected: bool) -> None:
    accumulator = Accumulator()
    for each in types:
        accumulator.add_event(
            {"type": each, "output_index": 0, "item": {"type": "message", "id": "msg_1"}, "delta": "a"}
        )
    assert Charge(**facts, has_output=accumulator.has_items()).is_missing() is expected
