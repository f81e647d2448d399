"""Events to one response: the items as they were finished, in `output_index` order.

Truth is `response.output_item.done`. The `added` copy of an item may differ (recorded: other ciphertext, other ids),
deltas are for the eye only, and the terminal event gives status and usage but its `output` may be empty (recorded).
"""

from __future__ import annotations

from .json_values import item_of, record, records
from .types import TERMINAL_STATUS, Event, Item, Response


class Accumulator:
    """Takes the events of one attempt.

    Attributes:
        terminal: the terminal event once it came; nothing after it matters.
    """

    def __init__(self) -> None:
        self.terminal: Event | None = None
        self._done: dict[int, Item] = {}
        self._begun: dict[int, Item] = {}
        self._texts: dict[int, list[str]] = {}

    def add(self, event: Event) -> None:
        """Take one event; unknown ones are ignored."""
        match event["type"]:
            case "response.output_text.delta":
                self._texts.setdefault(event.get("output_index", 0), []).append(str(event.get("delta") or ""))
            case "response.output_item.added":
                self._begun[event.get("output_index", len(self._begun))] = item_of(event.get("item"))
            case "response.output_item.done":
                self._done[event.get("output_index", len(self._done))] = item_of(event.get("item"))
            case "error":
                self.terminal = self.terminal or event
            case kind if kind in TERMINAL_STATUS:
                self.terminal = self.terminal or event
            case _:
                pass

    def failed(self) -> bool:
        """Did the stream end in failure?"""
        terminal = self.terminal or {}
        return terminal.get("type") == "error" or self.status() in {"failed", "cancelled"}

    def status(self) -> str:
        """The response's own status, else the one that the kind of its terminal event implies."""
        terminal = self.terminal or {}
        response = record(terminal.get("response"))
        return str(response.get("status") or TERMINAL_STATUS.get(terminal.get("type", ""), ""))

    def response(self) -> Response:
        """The response: the terminal event's, its output replaced by the finished items.

        The item that an incomplete response was cut off in is taken from the terminal output where it never got a
        `done` event, and a message that is not there either is put together from its deltas.
        """
        response = record((self.terminal or {}).get("response"))
        output = [item_of(item) for item in records(response.get("output"))]
        shows_more = len(output) > max([len(self._done), *(index + 1 for index in self._done)])
        items = {**dict(enumerate(output)), **self._done} if shows_more else self._done
        if self.status() == "incomplete":
            items = {**self._cut_off(), **items}
        return {**response, "status": self.status(), "output": [items[index] for index in sorted(items)]}

    def _cut_off(self) -> dict[int, Item]:
        texts = {index: "".join(pieces) for index, pieces in self._texts.items()}
        return {
            index: {**item, "status": "incomplete", "content": [{"type": "output_text", "text": texts[index]}]}
            for index, item in self._begun.items()
            if item.get("type") == "message" and texts.get(index)
        }
