"""One provider that makes thousands of calls, with the events of each call apart.

The kernel's own hook registry takes 0.4 ms for an event, and wakes its caller from another thread. A sweep on it would
take a minute, and a call would suspend at other places in every run. `behaviour/` tests the kernel's registry.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import LLMError
from openai_responses_common.engine.event_names import STREAM_EVENTS

from tests.support.backends import BackendUnderTest
from tests.support.session import asking, tool

from ...support.leftovers import describe_used_slots
from .recorded_stream import ARGUMENTS, TEXT, THOUGHT, record_stream
from .replay_server import ReplayServer, Script

LOOK_TOOL = tool("look", "at")
# As many as there are connections over WebSocket; further calls travel over HTTP.
_MAX_OVER_WEBSOCKET = 4
_PATIENCE_S = 60.0
_call_number: ContextVar[int] = ContextVar("call_number", default=0)


@contextmanager
def use_call_number(number: int) -> Iterator[None]:
    """Count the events of tasks that are created in this block to the call of that number."""
    token = _call_number.set(number)
    yield
    _call_number.reset(token)


def current_call_number() -> int:
    """Return the number of the call that this task belongs to; 0 if it belongs to none."""
    return _call_number.get()


class EventRecorder:
    """A coordinator, as a provider needs it, that records the hook events of each call.

    Args:
        yields_per_event: how often the handler of an event lets other tasks run; the default is 0.

    Attributes:
        events: the events of each call, in order.
    """

    session_id = "sweep"

    def __init__(self, yields_per_event: int = 0) -> None:
        self.events: defaultdict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self.yields_per_event = yields_per_event
        self.provider: Any = None
        self.contributors: dict[str, Callable[[], Any]] = {}
        self.hooks = self

    async def mount(self, point: str, module: Any, name: str | None = None) -> None:
        self.provider = module

    def register_contributor(self, channel: str, name: str, contribute: Callable[[], Any]) -> None:
        self.contributors[channel] = contribute

    async def emit(self, event: str, data: dict[str, Any]) -> None:
        for _ in range(self.yields_per_event):
            await asyncio.sleep(0)
        if event != "llm:progress":  # time decides how many there are
            self.events[current_call_number()].append((event, data))


@dataclass(slots=True)
class CallResult:
    """The response or the error of one call, and its events."""

    number: int
    response: Any = None
    error: BaseException | None = None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    @property
    def event_names(self) -> list[str]:
        return [name for name, _ in self.events]

    def shown(self, block_type: str = "text") -> str:
        """Return the text of the deltas of one block type that no abort has taken back."""
        texts: list[str] = []
        for name, data in self.events:
            if name == "llm:stream_aborted":
                texts.clear()
            elif name == "llm:stream_block_delta" and data["block_type"] == block_type:
                texts.append(data["text"])
        return "".join(texts)

    def has_retryable_error(self, *error_classes: type[LLMError]) -> bool:
        return isinstance(self.error, error_classes) and self.error.retryable

    def check_events(self, status: str) -> None:
        """Check that the call has one request and one response event with one id, and that a failure is taken back."""
        names = self.event_names
        assert names.count("llm:request") == names.count("llm:response") == 1, names
        assert (names[0], names[-1]) == ("llm:request", "llm:response"), names
        assert len({data["request_id"] for _, data in self.events}) == 1
        assert self.events[-1][1]["status"] == status, self.events[-1]
        stream_events = [name for name in names if name in STREAM_EVENTS]
        if status != "ok":
            assert not stream_events or stream_events[-1] == "llm:stream_aborted", stream_events

    def check_recorded_response(self) -> None:
        """Check that the response and its deltas hold everything that the recorded stream holds."""
        assert self.error is None, repr(self.error)
        self.check_events("ok")
        assert self.response.text == self.shown() == TEXT
        assert self.response.content[0].thinking == self.shown("thinking") == THOUGHT
        assert [call.arguments for call in self.response.tool_calls] == [ARGUMENTS]
        assert self.response.usage.total_tokens > 0


class SweptProvider:
    """A mounted provider, its server and the recorder of its events."""

    def __init__(self, recorder: EventRecorder, server: ReplayServer, *, limit: int) -> None:
        self.recorder = recorder
        self._limit = limit
        self.server = server
        self.provider = recorder.provider

    async def call(self, number: int, *, request: Any = None, **options: Any) -> CallResult:
        """Make the call of that number in this task."""
        _call_number.set(number)
        request = request or asking(f"call {number}", tools=[LOOK_TOOL])
        result, events = CallResult(number), self.recorder.events[number]
        first = len(events)
        try:
            result.response = await self.provider.complete(request, **options)
        except (LLMError, asyncio.CancelledError) as error:
            result.error = error
        result.events = events[first:]
        return result

    async def call_all(self, numbers: Sequence[int], *, limit: int = 20) -> list[CallResult]:
        """Make many calls, at most `limit` at once; return the results in the order of the numbers."""
        limit = min(limit, self._limit)
        slots = asyncio.Semaphore(limit)

        async def make_call(number: int) -> CallResult:
            async with slots:
                return await asyncio.create_task(self.call(number))

        async with asyncio.timeout(_PATIENCE_S * (1 + len(numbers) // limit)):
            return await asyncio.gather(*map(make_call, numbers))

    @property
    def session_cost(self) -> Decimal:
        """The cost in US dollars that the provider contributes to its session."""
        contribution = self.recorder.contributors["session.cost"]()
        return Decimal(contribution["cost_usd"]) if contribution else Decimal(0)


@asynccontextmanager
async def sweep_provider(
    backend: BackendUnderTest, script: Script, *, yields_per_event: int = 0, **settings: Any
) -> AsyncIterator[SweptProvider]:
    """Mount a backend on a replay server; check at the end that no task of either is left, and which way calls took."""
    tasks = asyncio.all_tasks()
    recorder = EventRecorder(yields_per_event)
    async with ReplayServer(script, url_prefix=record_stream(backend.name).url_prefix) as server:
        config = {
            **backend.config(server.base_url, backend.secret),
            "transport": backend.transport or "auto",
            "default_model": backend.model,
            "reasoning_summary": "auto",
            "min_retry_delay": 0.001,
            "max_retry_delay": 5,
            **settings,
        }
        cleanup = await backend.mount(recorder, config)
        over_websocket = backend.transport is not None
        yield SweptProvider(recorder, server, limit=_MAX_OVER_WEBSOCKET if over_websocket else sys.maxsize)
        assert (server.frame_count > 0) is over_websocket
        assert describe_used_slots() == []
        await cleanup()
    assert asyncio.all_tasks() - tasks == set()
