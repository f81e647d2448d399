"""Compares the outcome of a call with the outcome of its row: response or error, events, cost and secrets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from amplifier_core.llm_errors import LLMError

from tests.generated.faults.fault import Fault, Outcome, shorten_event_names
from tests.support.clock_leap import let_time_pass
from tests.support.session import Session, returned_blocks
from tests.support.witness import leaks

_BETWEEN_LEAPS_S = 5.0


async def make_call(session: Session, fault: Fault) -> Any:
    """Make a call and return its response or its error."""
    call = asyncio.create_task(session.ask("hello", **fault.request_fields))
    if fault.silent_after:
        assert await session.emulator.wait_until_async(lambda: session.recorder.named(fault.silent_after))
        while not call.done():  # a leap during the event itself ends the wait of its handler, and not of the response
            let_time_pass(fault.settings["timeout"])
            await asyncio.wait([call], timeout=_BETWEEN_LEAPS_S)
    try:
        return await call
    except LLMError as error:
        return error


def check_outcome(session: Session, outcome: Outcome, result: Any, *, requests: int) -> None:
    """Check all that can be seen of the call against the outcome that it must have."""
    count = count_effects(session, outcome, requests)
    if isinstance(result, LLMError):
        actual = Outcome(
            error=type(result).__name__,
            retryable=result.retryable,
            status=result.status_code,
            says=outcome.says if outcome.says in str(result) else str(result),
            **count,
        )
        check_error(session, result)
    else:
        actual = Outcome(
            finish=result.finish_reason or "",
            text=result.text,
            calls=tuple(call.arguments for call in result.tool_calls or ()),
            **count,
        )
        check_answer(session, result)
    assert actual == outcome
    assert session.backend.secret not in json.dumps([event.data for event in session.recorder.events])


def count_effects(session: Session, outcome: Outcome, requests: int) -> dict[str, Any]:
    """Return the events, requests and paid responses; `paid` is -1 if the session has costs where none must be."""
    spent = session.provider.spent_usd > 0
    paid = outcome.paid if spent == (outcome.paid > 0 and session.backend.priced) else -1
    return {"events": shorten_event_names(session.recorder.events), "requests": requests, "paid": paid}


def check_error(session: Session, error: LLMError) -> None:
    """Check what is true of every error: its provider and model, the same text in its event, and no secret."""
    assert (error.provider, error.model) == (session.backend.name, session.backend.model)
    event = session.recorder.one("llm:response")
    assert (event["status"], event["error_type"], event["error"]) == ("error", type(error).__name__, str(error))
    assert 0 < len(str(error)) < 12_000
    assert leaks(session.backend.secret, error) == []


def check_answer(session: Session, answer: Any) -> None:
    """Check what is true of every response: its deltas show all of it, its usage is that of the service, its cost is
    the cost of the session, and its tool calls are complete."""
    event = session.recorder.one("llm:response")
    assert event["status"] == "ok"
    assert event["finish_reason"] == answer.finish_reason
    assert session.recorder.visible_blocks() == returned_blocks(answer)
    if made := [each.response["usage"] for each in session.emulator.model_requests if each.response]:
        counts = [each for each in made if each]
        assert (answer.usage.output_tokens if answer.usage else 0) == sum(each["output_tokens"] for each in counts)
    if answer.usage and answer.usage.cost_usd is not None:
        assert session.provider.spent_usd == answer.usage.cost_usd
    assert all(isinstance(call.arguments, dict) for call in answer.tool_calls or ())
