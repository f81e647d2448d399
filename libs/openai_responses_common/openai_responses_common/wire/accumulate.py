"""Gathers the events of one attempt into one response: its finished items, in the order of `output_index`.

`response.output_item.done` holds the true item. The copy in `added` may differ (recorded: other ciphertext, other ids),
deltas are only for display, and the terminal event has status and usage, but its `output` may be empty (recorded).
"""

from __future__ import annotations

from .json_values import as_item, as_object, as_objects
from .types import TERMINAL_STATUS, Event, Item, Response


class Accumulator:
    """Collects the events of one attempt.

    Attributes:
        terminal_event: the terminal event; None until it came. Nothing after it counts.
    """

    def __init__(self) -> None:
        self.terminal_event: Event | None = None
        self._finished_items: dict[int, Item] = {}
        self._started_items: dict[int, Item] = {}
        self._text_deltas: dict[int, list[str]] = {}

    def add_event(self, event: Event) -> None:
        """Add one event; events of unknown types are ignored."""
        match event["type"]:
            case "response.output_text.delta":
                self._text_deltas.setdefault(event.get("output_index", 0), []).append(str(event.get("delta") or ""))
            case "response.output_item.added":
                self._started_items[event.get("output_index", len(self._started_items))] = as_item(event.get("item"))
            case "response.output_item.done":
                self._finished_items[event.get("output_index", len(self._finished_items))] = as_item(event.get("item"))
            case "error":
                self.terminal_event = self.terminal_event or event
            case kind if kind in TERMINAL_STATUS:
                self.terminal_event = self.terminal_event or event
            case _:
                pass

    def has_failed(self) -> bool:
        """Return whether the stream ended in a failure."""
        terminal = self.terminal_event or {}
        return terminal.get("type") == "error" or self.read_status() in {"failed", "cancelled"}

    def read_status(self) -> str:
        """Return the status of the response, else the one that the type of its terminal event implies."""
        terminal = self.terminal_event or {}
        response = as_object(terminal.get("response"))
        return str(response.get("status") or TERMINAL_STATUS.get(terminal.get("type", ""), ""))

    def build_response(self) -> Response:
        """Return the response of the terminal event, with the finished items as its output.

        If an incomplete response was cut in an item that has no `done` event, the terminal output supplies that item. A
        message that is missing there too is built from its deltas.
        """
        response = as_object((self.terminal_event or {}).get("response"))
        output = [as_item(item) for item in as_objects(response.get("output"))]
        shows_more = len(output) > max([len(self._finished_items), *(index + 1 for index in self._finished_items)])
        items = {**dict(enumerate(output)), **self._finished_items} if shows_more else self._finished_items
        if self.read_status() == "incomplete":
            items = {**self._build_partial_messages(), **items}
        return {**response, "status": self.read_status(), "output": [items[index] for index in sorted(items)]}

    def _build_partial_messages(self) -> dict[int, Item]:
        texts = {index: "".join(pieces) for index, pieces in self._text_deltas.items()}
        return {
            index: {**item, "status": "incomplete", "content": [{"type": "output_text", "text": texts[index]}]}
            for index, item in self._started_items.items()
            if item.get("type") == "message" and texts.get(index)
        }
