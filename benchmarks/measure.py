"""Measuring side by side: every contender once per round, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Contender: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: medians of wall and processor time, and the ratio of the latter to the baseline's."""

    name: str
    wall_ms: float
    cpu_ms: float
    ratio: float


async def side_by_side(contenders: Mapping[str, Contender], *, rounds: int) -> list[Row]:
    """Time the contenders; the first is the baseline. One round is thrown away."""
    wall_ms: dict[str, list[float]] = {name: [] for name in contenders}
    cpu_ms: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            gc.collect()
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            await contender()
            if number:
                wall_ms[name].append((time.perf_counter() - wall_s) * 1000)
                cpu_ms[name].append((time.process_time() - cpu_s) * 1000)
    baseline = statistics.median(next(iter(cpu_ms.values())))
    return [
        Row(
            name=name,
            wall_ms=statistics.median(wall_ms[name]),
            cpu_ms=statistics.median(cpu_ms[name]),
            ratio=statistics.median(cpu_ms[name]) / baseline if baseline else float("nan"),
        )
        for name in contenders
    ]


def table(title: str, rows: list[Row]) -> str:
    """The rows as text."""
    width = max(len(row.name) for row in rows)
    lines = [title, f"  {'':{width}}  {'wall ms':>9}  {'cpu ms':>9}  {'ratio':>7}"]
    lines += [f"  {row.name:{width}}  {row.wall_ms:9.2f}  {row.cpu_ms:9.2f}  {row.ratio:6.1f}x" for row in rows]
    return "\n".join(lines)
