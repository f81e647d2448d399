"""The events of a response over a WebSocket: each frame is one."""

from __future__ import annotations

from ..failures.failure import CallFailure, Failure
from ..wire.accumulate import Accumulator
from ..wire.last_response import LastResponse
from ..wire.request_body import RequestBody
from ..wire.sse import MalformedEvent, parse_event
from ..wire.types import TERMINAL_STATUS, Event

_ERROR = "error"
_ITEM_ADDED = "response.output_item.added"
_ITEM_DONE = "response.output_item.done"


class FrameDecoder:
    """Turns frames into events, and keeps what the service remembers of the response; see `EventDecoder`.

    Attributes:
        is_complete: whether the terminal event has arrived, so that the connection is free for the next request.
        has_failed: whether the response ended in an error, after which more about it may follow.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self.has_failed = False
        self._kept: list[Event] = []
        self._added_count = 0
        self._has_deltas = False
        self._fault: CallFailure | None = None

    def feed(self, pieces: list[bytes]) -> list[Event]:
        """See `EventDecoder.feed`. A fault behind other events is raised by `raise_fault`."""
        events: list[Event] = []
        for piece in pieces:
            try:
                event = parse_event(b"", piece)
            except MalformedEvent as error:
                self._fault = CallFailure(Failure(kind="stream", message=f"the stream is broken: {error}"))
                break
            if event is not None and not is_foreign(event):
                events.append(event)
                self._note(event)
        if not events:
            self.raise_fault()
        return events

    def raise_fault(self) -> None:
        """Raise what is wrong with a frame that has arrived.

        Raises:
            CallFailure: it is not a JSON object.
        """
        if self._fault is not None:
            raise self._fault

    def finish(self) -> list[Event]:
        """Return no events: a response over a WebSocket ends with its terminal event."""
        return []

    def build_last_response(self, body: RequestBody) -> LastResponse | None:
        """Return the response as the service remembers it. None if it remembers none.

        Args:
            body: of the request.
        """
        accumulator = Accumulator()
        for event in self._kept:
            accumulator.add_event(event)
        if accumulator.describe_fault() or accumulator.read_status() != "completed":
            return None
        response = accumulator.build_response()
        response_id, output = response.get("id"), response["output"]
        if not isinstance(response_id, str) or not response_id:
            return None
        # Some servers never send the end of an item. What is then remembered there is not known here.
        if len(output) < max(self._added_count, int(self._has_deltas)):
            return None
        return LastResponse(id=response_id, body=body, output=output)

    def _note(self, event: Event) -> None:
        event_type = event["type"]
        self._added_count += event_type == _ITEM_ADDED
        self._has_deltas = self._has_deltas or event_type.endswith(".delta")
        if event_type == _ITEM_DONE:
            self._kept.append(event)
        elif event_type in TERMINAL_STATUS or event_type == _ERROR:
            self._kept.append(event)
            self.is_complete = True
            self.has_failed = event_type in {_ERROR, "response.failed", "response.cancelled"}


def is_foreign(event: Event) -> bool:
    """Return whether an event belongs to a lane, which we never open. An error counts: there is one request only."""
    return bool(event.get("stream_id")) and event["type"] != _ERROR
