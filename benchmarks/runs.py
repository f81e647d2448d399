"""What one contender does in one round, and the resulting figures; a worker runs these in its own process.

Times are of the processor (all threads of the process) unless the name says `wall`; `_ms` and `_us` are their units.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from .contenders import Contender
from .conversation import Asked, history
from .service import STAMPED, counted

Record: TypeAlias = dict[str, float]
Run: TypeAlias = Callable[[Contender, str], Awaitable[Record]]

LONG = 750
ROW = 20
TURNS = 100
LATE = 300
TOOL_CALLS = 20
_TICK_S = 0.001
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024 if hasattr(os, "sysconf") else 4.0


@dataclass(slots=True)
class Span:
    """What passed between two moments."""

    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    _started: tuple[float, float] = field(default=(0.0, 0.0), repr=False)

    def __enter__(self) -> Span:
        self._started = (time.process_time(), time.perf_counter())
        return self

    def __exit__(self, *_: object) -> None:
        cpu_s, wall_s = self._started
        self.cpu_ms += (time.process_time() - cpu_s) * 1000
        self.wall_ms += (time.perf_counter() - wall_s) * 1000


async def stream(contender: Contender, url: str) -> Record:
    """A long answer, three times."""
    asked = contender.history([Asked("talk")])
    gc.collect()
    with Span() as span:
        for _ in range(3):
            await contender.ask(asked)
    return {"cpu_ms": span.cpu_ms / 3, "wall_ms": span.wall_ms / 3}


async def long_history(contender: Contender, url: str) -> Record:
    """A short answer to a long history, and how long nothing else could run in the meantime."""
    asked = contender.history(history(LONG))
    gc.collect()
    with Span() as span:
        for _ in range(3):
            await contender.ask(asked)
    blocks: list[float] = []
    for _ in range(3):
        async with _longest_block() as longest:
            await contender.ask(asked)
        blocks.append(longest[0])
    return {"cpu_ms": span.cpu_ms / 3, "block_ms": statistics.median(blocks)}


@asynccontextmanager
async def _longest_block() -> AsyncGenerator[list[float], None]:
    """Something that wants to run every millisecond; by how many it came too late at the most."""
    longest = [0.0]

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            longest[0] = max(longest[0], (time.perf_counter() - before - _TICK_S) * 1000)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    longest[0] = 0.0
    try:
        yield longest
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def short_calls(contender: Contender, url: str) -> Record:
    """Short calls in a row."""
    asked = contender.history([Asked("talk")])
    await contender.ask(asked)
    before = counted(url)["connections"]
    with Span() as span:
        for _ in range(ROW):
            await contender.ask(asked)
    opened = (
        counted(url)["connections"] - before
    )  # it counts the asking before, which stands for the connection of the first call
    return {"wall_ms": span.wall_ms / ROW, "cpu_ms": span.cpu_ms / ROW, "connections": opened}


async def tool_loop(contender: Contender, url: str) -> Record:
    """A task of many turns, each with a call and its result; only the asking is timed.

    `growth` is the median of the last tenth of the turns over that of the first: a full garbage collection, which comes
    once in hundreds of turns, takes as long as five of them. `new_kb` is what a turn sends beside the tools and the
    instructions before any compression, `sent_mb` what all turns send on the wire.
    """
    turns: list[float] = []
    conversation = contender.history([Asked("Go through all files.")])
    before = counted(url)
    for _ in range(TURNS):
        with Span() as span:
            answer = await contender.ask(conversation)
        turns.append(span.cpu_ms)
        conversation = contender.grow(conversation, answer)
    after = counted(url)
    tenth = TURNS // 10
    del conversation, answer
    return {
        "cpu_ms": sum(turns),
        "growth": statistics.median(turns[-tenth:]) / statistics.median(turns[:tenth]),
        "memory_kb": _memory_kb(),
        "new_kb": (after["new"] - before["new"]) / TURNS / 1000,
        "sent_mb": (after["received"] - before["received"]) / 1_000_000,
    }


async def turn_over_link(contender: Contender, url: str) -> Record:
    """A turn with 20 calls of tools, one after another, late in a long conversation; over each of the transports."""
    record: Record = {}
    for transport in ("http", "websocket"):
        await contender.open(url, hooks="none", settings={"transport": transport})
        conversation = contender.history(history(LATE))
        with Span() as span:
            for _ in range(TOOL_CALLS):
                conversation = contender.grow(conversation, await contender.ask(conversation))
            await contender.ask(conversation)
        record[f"{transport}_ms"] = span.wall_ms
    return {**record, "share": record["websocket_ms"] / record["http_ms"]}


def paced(count: int) -> Run:
    """So many streams at once; `memory_mb` is the most that the process held, `added_mb` how much of it is new."""

    async def run(contender: Contender, url: str) -> Record:
        late_us: list[float] = []

        def hear(text: str) -> None:
            now = time.monotonic_ns() // 1000
            late_us.extend(now - int(stamp) for stamp in STAMPED.findall(text))

        asked = contender.history([Asked("talk")])
        await contender.ask(asked) if count == 1 else None
        contender.hear = hear
        before_kb = _memory_kb()
        with Span() as span:
            await asyncio.gather(*[contender.ask(asked) for _ in range(count)])
        contender.hear = lambda _: None
        peak_kb = _peak_memory_kb()
        cuts = statistics.quantiles(late_us, n=20)
        return {
            "wall_ms": span.wall_ms,
            "cpu_us": span.cpu_ms * 1000 / len(late_us),
            "p50_us": statistics.median(late_us),
            "p95_us": cuts[-1],
            "memory_mb": peak_kb / 1024,
            "added_mb": (peak_kb - before_kb) / 1024,
        }

    return run


def many(count: int) -> Run:
    """So many short calls, and by how much memory grew after the first tenth, of the process and of its objects."""

    async def run(contender: Contender, url: str) -> Record:
        asked = contender.history([Asked("talk")])
        for number in range(count):
            if number == count // 10:
                before_kb, before = _memory_kb(), sys.getallocatedblocks()
            await contender.ask(asked)
        return {"growth_kb": _memory_kb() - before_kb, "blocks": sys.getallocatedblocks() - before}

    return run


def _memory_kb() -> float:
    """What the process holds in memory."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * _PAGE_KB


def _peak_memory_kb() -> float:
    """The most that the process has ever held."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(float(line.split()[1]) for line in file if line.startswith("VmHWM"))


RUNS: Mapping[str, Run] = {
    "stream": stream,
    "long history": long_history,
    "short calls": short_calls,
    "tool loop": tool_loop,
    "1 paced": paced(1),
    "20 paced": paced(20),
    "100 paced": paced(100),
    "1000 paced": paced(1000),
    "turn over a link": turn_over_link,
    "1000 calls": many(1000),
    "10000 calls": many(10_000),
}
