"""Shows a turn while it runs: hooks of the session that write to the terminal."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from amplifier_core.models import HookResult

from .terminal import Terminal, clip, one_line
from .totals import Totals
from .wrap import Wrap

# The marks around a summary's title; a power has characters on both sides.
_BOLD = re.compile(r"(?<!\w)\*\*|\*\*(?!\w)")
_CONTINUE = HookResult(action="continue")


class Screen:
    """What a person sees of a session.

    Attributes:
        terminal: what it writes to.
        answered: the model has said something in this turn.
        error: why the turn failed: the name of the kernel's class, and the message.
    """

    def __init__(self, terminal: Terminal, *, emulated: bool = False) -> None:
        self.terminal = terminal
        self.answered = False
        self.error: tuple[str, str] | None = None
        self._emulated = emulated
        self._totals = Totals()
        self._began_s = time.monotonic()
        self._last = ""
        self._wrap = Wrap(None)

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
            "provider:incomplete_continuation": self._continuation,
            "tool:post": self._tool,
            "tool:error": self._tool_denied,
        }

        async def show(event: str, data: dict[str, Any]) -> HookResult:
            shown[event](data)
            return _CONTINUE

        for event in shown:
            hooks.register(event, show, name=f"chat-screen:{event}")

    def begin_turn(self) -> None:
        """A question was asked."""
        self.answered, self.error = False, None
        self._totals = Totals()
        self._began_s = time.monotonic()
        self._last = ""

    def end_turn(self, so_far: str | None = None) -> None:
        """Sum up, if anything was used. `so_far` is what the whole conversation cost."""
        if not self._totals.input:
            return
        self.terminal.gap()
        seconds = time.monotonic() - self._began_s
        parts = self._totals.parts(seconds=seconds, emulated=self._emulated)
        if so_far:
            parts.append(f"{so_far} so far")
        whole = [part.replace(" ", "\xa0") for part in parts]
        self.terminal.paragraph(self.terminal.sign(" · ".join(whole)), "dim")

    def note(self, text: str, *, bad: bool = False) -> None:
        """A line of the chat's own."""
        self.terminal.paragraph(one_line(text), "red" if bad else "yellow")

    def _request(self, data: Mapping[str, Any]) -> None:
        self.terminal.passing(self.terminal.sign(f"… waiting for {data.get('model')}"))

    def _response(self, data: Mapping[str, Any]) -> None:
        self.terminal.clear_passing()
        self._totals.add(data)

    def _failed(self, data: Mapping[str, Any]) -> None:
        self.terminal.clear_passing()
        self.error = (data["error"]["type"], data["error"]["msg"])

    def _block_start(self, data: Mapping[str, Any]) -> None:
        terminal, kind = self.terminal, data["block_type"]
        if kind == "tool_use":
            terminal.passing(terminal.sign(f"… calling {data.get('name')}"))
            return
        terminal.gap()
        self._last = kind
        self._wrap = Wrap(terminal.width if terminal.live else None, terminal.sign("│ ") if kind == "thinking" else "")

    def _block_delta(self, data: Mapping[str, Any]) -> None:
        if data["block_type"] == "thinking":
            self.terminal.write(self._wrap.feed(_BOLD.sub("", data["text"])), "dim")
        else:
            self.answered = True
            self.terminal.write(self._wrap.feed(data["text"]))

    def _block_end(self, data: Mapping[str, Any]) -> None:
        self.terminal.write(self._wrap.finish(), "dim" if data["block_type"] == "thinking" else None)

    def _aborted(self, data: Mapping[str, Any]) -> None:
        self.answered = False
        self.terminal.clear_passing()
        if data["error"]["type"] != "CancelledError":
            self.note("The answer broke off; what stands above does not count.")

    def _retry(self, data: Mapping[str, Any]) -> None:
        times = f"{data['attempt']} of {data['max_retries']}"
        self.terminal.clear_passing()
        self.note(f"{data['error_message']} - trying again in {data['delay']:.1f} s ({times})")

    def _continuation(self, _data: Mapping[str, Any]) -> None:
        self.note("The answer was cut off at its length limit; asking for the rest.")

    def _tool(self, data: Mapping[str, Any]) -> None:
        result = data["result"]
        output = result.get("output")
        lines = str("" if output is None else output).splitlines()
        more = f" ({len(lines)} lines)" if len(lines) > 1 else ""
        self._tool_line(data, one_line(" ".join(lines)) or "(nothing)", more, failed=not result.get("success", True))

    def _tool_denied(self, data: Mapping[str, Any]) -> None:
        self._tool_line(data, one_line(str(data["error"]["msg"])), "", failed=True)

    def _tool_line(self, data: Mapping[str, Any], result: str, more: str, *, failed: bool) -> None:
        terminal = self.terminal
        if self._last != "tool":
            terminal.gap()
        self._last = "tool"
        terminal.end_line()
        call = clip(f"{one_line(data['tool_name'])}({_arguments(data.get('tool_input') or {})})", terminal.width // 2)
        mark, arrow = terminal.sign("✗ " if failed else "• "), terminal.sign(" → ")
        room = terminal.width - len(mark + call + arrow + more) - 1
        terminal.write(mark + call, "red" if failed else "cyan")
        terminal.write(arrow + clip(result, room) + more + "\n", "dim")


def _arguments(values: Mapping[str, Any]) -> str:
    """The arguments of a call; the name of a single one goes without saying."""
    shown = [(name, one_line(value if isinstance(value, str) else json.dumps(value))) for name, value in values.items()]
    return shown[0][1] if len(shown) == 1 else ", ".join(f"{name}={text}" for name, text in shown)
