"""Events to one response: the items as they were finished, in `output_index` order.

Truth is `response.output_item.done`. The `added` copy of an item may differ (recorded: other ciphertext, other ids),
deltas are for the eye only, and the terminal event gives status and usage but its `output` may be empty (recorded).
"""

from __future__ import annotations

from .wire import TERMINAL_STATUS, Event, Item, Response, record, records


class Accumulator:
    """Takes the events of one attempt.

    Attributes:
        terminal: the terminal event once it came; nothing after it matters.
        seen_item: whether the model had begun an item, so that text may have been shown.
    """

    def __init__(self) -> None:
        self.terminal: Event | None = None
        self.seen_item = False
        self._done: dict[int, Item] = {}

    def add(self, event: Event) -> None:
        """Take one event; unknown ones are ignored."""
        kind = event["type"]
        if kind == "response.output_item.done":
            self._done[event.get("output_index", len(self._done))] = event["item"]
        elif kind == "response.output_item.added":
            self.seen_item = True
        elif kind in TERMINAL_STATUS or kind == "error":
            self.terminal = self.terminal or event

    def failed(self) -> bool:
        """Did the stream end in failure?"""
        terminal = self.terminal or {}
        return terminal.get("type") == "error" or self.status() in {"failed", "cancelled"}

    def status(self) -> str:
        terminal = self.terminal or {}
        response = record(terminal.get("response"))
        return str(response.get("status") or TERMINAL_STATUS.get(terminal.get("type", ""), ""))

    def response(self) -> Response:
        """The response: the terminal event's, its output replaced by the finished items.

        An item that was cut off by an incomplete response has no `done` event everywhere; where the terminal output
        shows it, it is taken from there.
        """
        response = record((self.terminal or {}).get("response"))
        output = records(response.get("output"))
        shows_more = len(output) > max([len(self._done), *(index + 1 for index in self._done)])
        items = {**dict(enumerate(output)), **self._done} if shows_more else self._done
        return {**response, "status": self.status(), "output": [items[index] for index in sorted(items)]}
