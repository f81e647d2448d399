"""How a call ends if what is below it raises an error that no transport should raise, or its hooks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from amplifier_core.llm_errors import LLMError, LLMTimeoutError, NetworkError
from amplifier_core.message_models import ChatRequest, Message
from openai_responses_common.engine.engine import Engine
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.failures.failure import Failure
from openai_responses_common.options.options import Options
from openai_responses_common.testing.fake_transport import FakeReply, FakeTransport, build_text_reply
from openai_responses_common.translate.decode import DecodedResponse
from openai_responses_common.transport.base import Reply
from openai_responses_common.wire.request_body import RequestBody

from tests.support.jump_clock import on_jump_clock

PROFILE = BackendProfile(name="test", display_name="Test")
REQUEST = ChatRequest(messages=[Message(role="user", content="hello")])
SILENCE = Failure(kind="timeout", message="timed out: no data")


class Hooks:
    """Hooks in Python; each emission may raise, hang or cancel the call.

    Attributes:
        events: the events that reached their handlers, in order.
    """

    def __init__(
        self, *, error: BaseException | None = None, hanging_event: str = "", cancelling_event: str = ""
    ) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self._error = error
        self._hanging_event = hanging_event
        self._cancelling_event = cancelling_event

    async def emit(self, event: str, data: Mapping[str, Any]) -> None:
        if event != "llm:progress":
            self.events.append((event, data))
        if self._error is not None:
            raise self._error
        if event == self._hanging_event:
            await asyncio.sleep(1e9)
        if event == self._cancelling_event and (task := asyncio.current_task()) is not None:
            task.cancel()
            await asyncio.sleep(0)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


class SilentTransport(FakeTransport):
    """Fails only after its timeout."""

    @asynccontextmanager
    async def open(
        self, body: RequestBody, *, timeout_s: float, headers: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncGenerator[Reply, None]:
        await asyncio.sleep(timeout_s)
        async with super().open(body, timeout_s=timeout_s, headers=headers, **options) as reply:
            yield reply


def break_off(error: BaseException) -> FakeReply:
    """Return a reply that shows some text and then raises."""

    def batches() -> Iterator[list[dict[str, Any]]]:
        yield from (list(batch) for batch in build_text_reply("Hel").batches[:2])
        raise error

    return FakeReply(batches=cast(Any, batches()))


def cut_reply(text: str) -> FakeReply:
    """Return a reply that ends at the output token limit."""
    *batches, (done, terminal) = build_text_reply(text).batches
    details = {"reason": "max_output_tokens"}
    response = {**terminal["response"], "status": "incomplete", "incomplete_details": details}
    return FakeReply(batches=[*batches, [done, {"type": "response.incomplete", "response": response}]])


async def run_call(hooks: Hooks, *script: FakeReply | Failure, **options: Any) -> DecodedResponse:
    engine = Engine(FakeTransport(*script), PROFILE)
    settings = Options(model="m", min_retry_delay_s=0.01, **options)
    events = engine.create_events(SimpleNamespace(hooks=hooks), "test", settings)
    return await engine.run_call(REQUEST, settings, events, events.emit_deltas)


async def test_a_cancelled_call_reports_what_was_paid_for() -> None:
    """The response was complete when the call was cancelled, and a handler had not shown all of it."""
    hooks, costs_usd = Hooks(cancelling_event="llm:stream_block_end"), list[Decimal]()
    options = Options(model="gpt-5.6-sol")
    engine = Engine(FakeTransport(build_text_reply("Hello")), PROFILE, on_cost=costs_usd.append)
    events = engine.create_events(SimpleNamespace(hooks=hooks), "test", options)
    call = asyncio.create_task(engine.run_call(REQUEST, options, events, events.emit_deltas))
    await asyncio.wait([call])
    assert call.cancelled()
    end = hooks.events[-1][1]
    assert end["status"] == "cancelled"
    assert end["usage"]["output_tokens"] > 0
    assert [str(cost_usd) for cost_usd in costs_usd] == [end["usage"]["cost_usd"]]


FOREIGN_ERRORS = [
    RuntimeError("boom"),
    ValueError("boom"),
    OSError("boom"),
    TimeoutError("boom"),
    AssertionError("boom"),
]


@pytest.mark.parametrize("error", FOREIGN_ERRORS, ids=lambda error: type(error).__name__)
async def test_what_was_shown_is_taken_back_for_every_error(error: Exception) -> None:
    hooks = Hooks()
    with pytest.raises(LLMTimeoutError if isinstance(error, TimeoutError) else type(error), match="boom"):
        await run_call(hooks, break_off(error))
    assert hooks.names[-2:] == ["llm:stream_aborted", "llm:response"]
    assert (hooks.names.count("llm:stream_aborted"), hooks.names.count("llm:response")) == (1, 1)
    assert "boom" in hooks.events[-1][1]["error"]


async def test_a_timeout_below_is_not_that_of_the_call() -> None:
    with pytest.raises(LLMTimeoutError) as caught:
        await run_call(Hooks(), break_off(TimeoutError()))
    assert "None" not in str(caught.value)
    assert (caught.value.provider, caught.value.model) == ("test", "m")


@pytest.mark.parametrize("error", FOREIGN_ERRORS, ids=lambda error: type(error).__name__)
async def test_the_first_part_is_returned_whatever_ends_its_continuation(error: Exception) -> None:
    hooks = Hooks()
    response = await run_call(hooks, cut_reply("Once upon a time"), break_off(error))
    assert (response.text, response.finish_reason) == ("Once upon a time", "length")
    last_abort = len(hooks.names) - hooks.names[::-1].index("llm:stream_aborted")
    shown = [data["text"] for name, data in hooks.events[last_abort:] if name == "llm:stream_block_delta"]
    assert shown == ["Once upon a time"]


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Invalid JSON"), asyncio.CancelledError(), SystemExit(1)],
    ids=lambda error: type(error).__name__,
)
async def test_hooks_that_raise_cost_no_response(error: BaseException) -> None:
    hooks = Hooks(error=error)
    response = await run_call(hooks, build_text_reply("Hel", "lo"))
    assert response.text == "Hello"
    assert (hooks.names[0], hooks.names[-1]) == ("llm:request", "llm:response")


async def test_a_sum_of_costs_that_raises_costs_no_response() -> None:
    def raise_error(cost_usd: Decimal) -> None:
        costs_usd.append(cost_usd)
        raise ValueError(cost_usd)

    costs_usd: list[Decimal] = []
    options = Options(model="gpt-5.6-sol")
    engine = Engine(FakeTransport(build_text_reply("Hello")), PROFILE, on_cost=raise_error)
    events = engine.create_events(None, "test", options)
    assert (await engine.run_call(REQUEST, options, events, None)).text == "Hello"
    assert costs_usd


@pytest.mark.parametrize(
    "event", ["llm:request", "llm:stream_block_start", "llm:stream_block_delta", "llm:stream_block_end", "llm:response"]
)
@on_jump_clock
async def test_a_hook_that_hangs_costs_no_response_and_no_other_event(event: str) -> None:
    hooks = Hooks(hanging_event=event)
    response = await run_call(hooks, build_text_reply("Hel", "lo"))
    assert response.text == "Hello"
    assert hooks.names == [
        "llm:request",
        "llm:stream_block_start",
        "llm:stream_block_delta",
        "llm:stream_block_delta",
        "llm:stream_block_end",
        "llm:response",
    ]


@on_jump_clock
async def test_the_time_of_a_call_does_not_wait_for_a_hook_that_hangs() -> None:
    with pytest.raises(LLMTimeoutError, match="timeout of 1 s"):
        await run_call(Hooks(hanging_event="llm:request"), build_text_reply("Hello"), call_timeout_s=1)
    assert asyncio.get_running_loop().time() < 3
    response = await run_call(Hooks(hanging_event="llm:response"), build_text_reply("Hello"), call_timeout_s=1)
    assert response.text == "Hello", "a response that is complete is not lost to its own report"
    assert asyncio.get_running_loop().time() < 6


@pytest.mark.parametrize(("timeout_s", "requests"), [(600.0, 2), (250.0, 3), (5.0, 6)])
@on_jump_clock
async def test_a_silent_service_is_an_error_within_minutes(timeout_s: float, requests: int) -> None:
    transport = SilentTransport(*[SILENCE] * 9)
    engine = Engine(transport, PROFILE)
    options = Options(model="m", timeout_s=timeout_s)
    events = engine.create_events(None, "test", options)
    with pytest.raises(LLMTimeoutError):
        await engine.run_call(REQUEST, options, events, None)
    assert len(transport.requests) == requests
    assert asyncio.get_running_loop().time() < 21 * 60


async def test_other_failures_are_retried_as_often_as_the_options_say() -> None:
    hooks = Hooks()
    with pytest.raises(NetworkError):
        await run_call(hooks, *[Failure(kind="network", message="reset")] * 6)
    assert hooks.names.count("provider:retry") == 5


async def test_an_error_of_the_kernel_keeps_its_provider() -> None:
    with pytest.raises(LLMError) as caught:
        await run_call(Hooks(), break_off(LLMError("no", provider="inner")))
    assert (caught.value.provider, caught.value.model) == ("inner", "m")
