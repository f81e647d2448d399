"""A host for thousands of calls: it keeps the events of each call apart and costs next to nothing.

The kernel's own registry takes 0.4 ms for an event, and wakes its caller from another thread: a sweep would take a
minute, and could not tell one suspension of a call from another. What it does with events is tested in `behaviour/`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import LLMError

from tests.support.backends import BackendUnderTest
from tests.support.session import STREAM_EVENTS, asking, tool

from ...support.leftovers import places_taken
from .recorded_stream import recording
from .replay_server import Answer, Replay

_case: ContextVar[int] = ContextVar("case")
_PATIENCE_S = 60.0
LOOK = tool("look", "at")


@contextmanager
def case_of(number: int) -> Iterator[None]:
    """Tasks that are made meanwhile belong to the case."""
    token = _case.set(number)
    yield
    _case.reset(token)


def current_case() -> int:
    """The case of this task, or of the one that it was made by."""
    return _case.get(0)


class Host:
    """What a coordinator is to a provider.

    Attributes:
        seen: the events of each case, in order.
        turns: how often a handler lets the loop go on, for every event.
    """

    session_id = "sweep"

    def __init__(self, turns: int = 0) -> None:
        self.seen: defaultdict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self.turns = turns
        self.provider: Any = None
        self.contributors: dict[str, Callable[[], Any]] = {}
        self.hooks = self

    async def mount(self, point: str, module: Any, name: str | None = None) -> None:
        self.provider = module

    def register_contributor(self, channel: str, name: str, contribute: Callable[[], Any]) -> None:
        self.contributors[channel] = contribute

    async def emit(self, event: str, data: dict[str, Any]) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.seen[current_case()].append((event, data))


@dataclass(slots=True)
class Outcome:
    """What became of one call; `events` are its own."""

    number: int
    answer: Any = None
    error: BaseException | None = None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def shown(self, block_type: str = "text") -> str:
        """What is left standing of the deltas of one type of blocks."""
        texts: list[str] = []
        for name, data in self.events:
            if name == "llm:stream_aborted":
                texts.clear()
            elif name == "llm:stream_block_delta" and data["block_type"] == block_type:
                texts.append(data["text"])
        return "".join(texts)

    def retryable(self, *kinds: type[LLMError]) -> bool:
        return isinstance(self.error, kinds) and self.error.retryable

    def ends_with(self, status: str) -> None:
        """Both frame events once, one id, and what was shown of a failed attempt taken back."""
        assert self.names.count("llm:request") == self.names.count("llm:response") == 1, self.names
        assert (self.names[0], self.names[-1]) == ("llm:request", "llm:response"), self.names
        assert len({data["request_id"] for _, data in self.events}) == 1
        assert self.events[-1][1]["status"] == status, self.events[-1]
        told = [name for name in self.names if name in STREAM_EVENTS]
        if status != "ok":
            assert not told or told[-1] == "llm:stream_aborted", told


class Swept:
    """One provider on a replaying service, for many calls."""

    def __init__(self, host: Host, service: Replay) -> None:
        self.host = host
        self.service = service
        self.provider = host.provider

    async def call(self, number: int, *, request: Any = None, **options: Any) -> Outcome:
        """One call, in the task that asks for it."""
        _case.set(number)
        asked = request or asking(f"case {number}", tools=[LOOK])
        outcome, seen = Outcome(number), self.host.seen[number]
        begun = len(seen)
        try:
            outcome.answer = await self.provider.complete(asked, **options)
        except (LLMError, asyncio.CancelledError) as error:
            outcome.error = error
        outcome.events = seen[begun:]
        return outcome

    async def calls(self, numbers: list[int], *, at_once: int = 20, **options: Any) -> list[Outcome]:
        """Many calls, so many at once; the outcomes come in the order of the numbers."""
        left = iter(numbers)
        outcomes: dict[int, Outcome] = {}

        async def work() -> None:
            for number in left:
                outcomes[number] = await asyncio.create_task(self.call(number, **options))

        async with asyncio.timeout(_PATIENCE_S + 0.05 * len(numbers)), asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        return [outcomes[number] for number in numbers]

    @property
    def cost(self) -> Decimal:
        """What the session says that it cost."""
        told = self.host.contributors["session.cost"]()
        return Decimal(told["cost_usd"]) if told else Decimal(0)


@asynccontextmanager
async def sweeping(
    backend: BackendUnderTest, answer: Answer, *, turns: int = 0, **settings: Any
) -> AsyncIterator[Swept]:
    """The real `mount()` on a replaying service; at the end no task of either is left."""
    before = asyncio.all_tasks()
    host = Host(turns)
    async with Replay(answer, prefix=recording(backend.name).prefix) as service:
        found = backend.config(service.base_url, backend.secret)
        short = {"min_retry_delay": 0.001, "max_retry_delay": 5, "reasoning_summary": "auto"}
        cleanup = await backend.mount(host, {**found, "default_model": backend.model, **short, **settings})
        swept = Swept(host, service)
        yield swept
        assert places_taken() == []
        await cleanup()
    left = asyncio.all_tasks() - before
    assert not left, left
