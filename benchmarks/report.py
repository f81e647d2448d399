"""The results as text, as JSON and as a chart."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from typing import Any

from .measure import Result
from .plan import OURS, SCENARIOS, Scenario

_WIDTH, _LEFT, _ROW, _TOP = 860, 150, 18, 34
_CHARTED = ("stream", "history", "short")
_COLOURS = {"ours": "#2f6f4f", "others": "#9aa0a6"}


def table(scenario: Scenario, results: Sequence[Result]) -> str:
    """One scenario as lines of text."""
    lines = [scenario.title]
    for figure in scenario.figures:
        aim = "" if figure.most is None else f" (to reach: {_number(figure.most)} {figure.unit})".replace(" ×", "×")
        over = f", over {figure.over}" if figure.over else ""
        lines.append(f"  {figure.what}{over}{aim}")
        for row in [row for row in results if row.figure == figure]:
            spread = f"{_number(row.low)} to {_number(row.high)}"
            verdict = "" if row.most is None else "  MISSED" if row.missed else "  reached"
            value = f"{_number(row.median)}{figure.unit if figure.unit == '×' else ' ' + figure.unit}"
            lines.append(f"    {row.contender:18} {value:>12}   {spread:18}{verdict}".rstrip())
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_json(results: Sequence[Result], machine: dict[str, Any]) -> str:
    """Everything, for programs."""
    rows = [
        {
            "scenario": row.scenario,
            "contender": row.contender,
            "figure": row.figure.what,
            "unit": row.figure.unit,
            "over": row.figure.over,
            "median": round(row.median, 4),
            "quartiles": [round(row.low, 4), round(row.high, 4)],
            "to_reach": row.most,
        }
        for row in results
    ]
    return json.dumps({"machine": machine, "results": rows}, indent=1) + "\n"


def chart(results: Sequence[Result]) -> str:
    """The first figure of some scenarios as bars; one step to the right is the double."""
    parts: list[str] = []
    y = _TOP
    for scenario in [row for row in SCENARIOS if row.name in _CHARTED]:
        shown = [row for row in results if row.scenario == scenario.name and row.figure == scenario.figures[0]]
        if not shown:
            continue
        parts.append(_text(10, y, f"{scenario.title}: {scenario.figures[0].what}", weight="bold"))
        y += _ROW + 2
        for row in shown:
            parts += _bar(y, row)
            y += _ROW
        y += _ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y + 6}" viewBox="0 0 {_WIDTH} {y + 6}" '
        'font-family="system-ui, sans-serif" font-size="12">'
    )
    note = "How many times the limit (the same bytes over a bare HTTP client); every step to the right is a doubling."
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', _text(10, 16, note), *parts, "</svg>\n"])


def _bar(y: int, row: Result) -> list[str]:
    length = 14 + math.log2(max(row.median, 1.0)) * 80
    colour = _COLOURS["ours" if row.contender in OURS else "others"]
    return [
        _text(_LEFT - 6, y + 9, row.contender, anchor="end"),
        f'<rect x="{_LEFT}" y="{y - 2}" width="{length:.0f}" height="{_ROW - 5}" rx="2" fill="{colour}"/>',
        _text(int(_LEFT + length + 6), y + 9, f"{_number(row.median)}×"),
    ]


def _text(x: int, y: int, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    escaped = html.escape(text)
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">{escaped}</text>'
