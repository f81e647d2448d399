"""The screen: hooks of the session that show a turn while it runs."""

from __future__ import annotations

import json
import re
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from amplifier_core.models import HookResult
from rich.text import Text

from .moving import Moving
from .terminal import Terminal, one_line
from .totals import Totals, cache_misses, limits, sum_costs

# The marks around a summary's title; a power has characters on both sides.
_BOLD = re.compile(r"(?<!\w)\*\*|\*\*(?!\w)")
_CONTINUE = HookResult(action="continue")
_CALL = "call"  # the wait for the model; waits for tools have the id of their call


class Screen:
    """What a person sees of a session.

    Attributes:
        terminal: what it writes to.
        answered: the model has sent text in this turn.
        error: why the turn failed. None if it did not.
        spent: the totals of each model so far.
        emulated: nothing is paid.

    Args:
        plan: a plan pays. The default is False.
        remedies: what an error says instead of a phrase of the library, by regular expressions.
    """

    def __init__(
        self,
        terminal: Terminal,
        *,
        emulated: bool = False,
        plan: bool = False,
        remedies: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.terminal = terminal
        self.answered = False
        self.error: str | None = None
        self.spent: dict[str, Totals] = {}
        self.emulated = emulated
        self._plan = plan
        self._remedies = remedies
        self._broke_off = False  # the newest attempt, after it had shown something
        self._is_partial = False  # an attempt of this call broke off
        self._last = ""
        self._who = ""
        self._limits: list[str] = []
        self._cache_misses: list[str] = []  # of this turn
        self._held_up = ""
        self._turn = Totals(plan=plan)
        self._moving = Moving(terminal)

    def listen(self, hooks: Any) -> None:
        """Register for the events that are shown."""
        shown = {
            "llm:request": self._request,
            "llm:response": self._response,
            "llm:stream_block_start": self._block_start,
            "llm:stream_block_delta": self._block_delta,
            "llm:stream_block_end": self._block_end,
            "llm:stream_aborted": self._aborted,
            "provider:error": self._failed,
            "provider:retry": self._retry,
            "provider:throttle": self._throttle,
            "provider:incomplete_continuation": self._continuation,
            "tool:pre": self._tool_begins,
            "tool:post": self._tool,
            "tool:error": self._tool_denied,
        }

        async def show(event: str, data: dict[str, Any]) -> HookResult:
            shown[event](data)
            return _CONTINUE

        for event in shown:
            hooks.register(event, show, name=f"chat-screen:{event}")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Show a turn; at its end print its totals, also if it fails."""
        began_s, asked_before = time.monotonic(), bool(self.spent)
        self.answered, self.error, self._last, self._turn = False, None, "", Totals(plan=self._plan)
        self._cache_misses = []
        try:
            with self._moving.shown():
                yield
        finally:
            if self._turn.input or self._turn.is_partial:
                self._sum_up(time.monotonic() - began_s, asked_before=asked_before)

    def note(self, text: str, style: str = "yellow") -> None:
        """Print a line of the chat itself."""
        self._begin("note")
        self.terminal.say(one_line(text), style)

    def error_note(self, message: str) -> None:
        """Print an error, with the remedy as it applies here."""
        for phrase, remedy in self._remedies.items():
            message = re.sub(phrase, remedy, message)
        self.note(f"Error: {message}", "red")

    def summary(self, parts: list[str]) -> None:
        """Print facts in a dim line, or in several lines that break between facts."""
        text = " · ".join(part.replace(" ", "\xa0") for part in parts)
        width = max(2, self.terminal.width) if self.terminal.is_interactive else sys.maxsize
        lines = textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)
        self.terminal.say("\n".join(lines).replace("\xa0", " "), "dim")

    def _begin(self, kind: str) -> None:
        """Leave an empty line above what comes, except between tools and between notes."""
        self._moving.end_block()
        if kind != self._last or kind not in {"tool", "note"}:
            self.terminal.say("")
        self._last = kind

    def _sum_up(self, seconds: float, *, asked_before: bool) -> None:
        parts = [
            self._who,
            *self._turn.parts(emulated=self.emulated),
            *self._cache_misses,
            *self._limits,
            f"{seconds:.1f} s",
        ]
        if asked_before and (cost := sum_costs(self.spent.values())):
            parts.append(f"{cost} so far")
        self._begin("summary")
        self.summary(parts)

    def _request(self, data: Mapping[str, Any]) -> None:
        effort = (data.get("reasoning") or {}).get("effort")
        self._who = f"{data['model']}, {effort} effort" if effort else data["model"]
        self._moving.wait(_CALL, data["model"])

    def _response(self, data: Mapping[str, Any]) -> None:
        self._moving.end_block()
        self._moving.done(_CALL)
        self._limits = limits(data.get("rate_limits") or {})
        self._cache_misses += cache_misses(data)
        for totals in (self._turn, self.spent.setdefault(data["model"], Totals(plan=self._plan))):
            totals.add(data, is_partial=self._is_partial or (self._broke_off and data["status"] != "ok"))
        self._broke_off = self._is_partial = False

    def _failed(self, data: Mapping[str, Any]) -> None:
        self.error = data["error"]["msg"]

    def _block_start(self, data: Mapping[str, Any]) -> None:
        kind = data["block_type"]
        if kind == "tool_use":
            self._moving.wait(_CALL, f"calling {one_line(str(data.get('name')))}")
            return
        self._begin(kind)
        dim = {"style": "dim", "gutter": "│ "} if kind == "thinking" else {}
        self._moving.begin_block(**dim)

    def _block_delta(self, data: Mapping[str, Any]) -> None:
        thinking = data["block_type"] == "thinking"
        self.answered = self.answered or not thinking
        self._moving.write(_BOLD.sub("", data["text"]) if thinking else data["text"])

    def _block_end(self, _data: Mapping[str, Any]) -> None:
        self._moving.end_block()

    def _aborted(self, data: Mapping[str, Any]) -> None:
        self.answered, self._broke_off = False, True
        self._moving.end_block()
        if data["error"]["type"] != "CancelledError":
            self.note("The response broke off. Ignore the text above.")

    def _retry(self, data: Mapping[str, Any]) -> None:
        self._is_partial = self._is_partial or self._broke_off
        wait = f"{self._held_up} - trying again in {data['delay']:.1f} s ({data['attempt']} of {data['max_retries']})"
        self._held_up = ""
        message = one_line(data["error_message"]).rstrip(".")
        self.note(_clipped(message, max(60, self.terminal.room - len(wait))).plain + wait)
        self._moving.wait(_CALL, "waiting to try again")

    def _throttle(self, data: Mapping[str, Any]) -> None:
        left, limit = data.get("remaining"), data.get("limit")
        if left is not None and limit is not None:
            self._held_up = f", {one_line(str(data['dimension']))}: {left} of {limit} left"

    def _continuation(self, _data: Mapping[str, Any]) -> None:
        self.note("The response reached its output limit; requesting the rest.")

    def _tool_begins(self, data: Mapping[str, Any]) -> None:
        self._moving.wait(data["tool_call_id"], self._call(data).plain)

    def _tool(self, data: Mapping[str, Any]) -> None:
        result = data["result"]
        output = result.get("output")
        lines = str("" if output is None else output).splitlines()
        more = f" ({len(lines)} lines)" if len(lines) > 1 else ""
        self._tool_line(data, one_line(" ".join(lines)) or "(nothing)", more, failed=not result.get("success", True))

    def _tool_denied(self, data: Mapping[str, Any]) -> None:
        self._tool_line(data, one_line(str(data["error"]["msg"])), "", failed=True)

    def _tool_line(self, data: Mapping[str, Any], result: str, more: str, *, failed: bool) -> None:
        self._moving.done(data["tool_call_id"])
        self._begin("tool")
        line = Text.assemble(("✗ ", "red") if failed else ("✓ ", "green"), self._call(data), (" → ", "dim"))
        result_room = max(4, self.terminal.room - line.cell_len - len(more) - 1)
        line.append_text(_clipped(result, result_room, "red" if failed else "dim")).append(more, "dim")
        self.terminal.say(line)

    def _call(self, data: Mapping[str, Any]) -> Text:
        """A call with its arguments, in half a line; the name of a single argument goes without saying."""
        values = (data.get("tool_input") or {}).items()
        shown = [(name, one_line(value if isinstance(value, str) else json.dumps(value))) for name, value in values]
        arguments = shown[0][1] if len(shown) == 1 else ", ".join(f"{name}={text}" for name, text in shown)
        return _clipped(f"{one_line(data['tool_name'])}({arguments})", self.terminal.room // 2, "cyan")


def _clipped(text: str, columns: int, style: str = "") -> Text:
    clipped = Text(text, style=style)
    clipped.truncate(columns, overflow="ellipsis")
    return clipped
