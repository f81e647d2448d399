"""What is known of a response that runs in the background, so that it can be resumed or asked for."""

from __future__ import annotations

from dataclasses import dataclass

from .json_values import as_object
from .types import TERMINAL_STATUS, Event, Response

PENDING_STATUSES = ("queued", "in_progress")
"""The statuses of a response that has not ended."""


@dataclass(slots=True, kw_only=True)
class BackgroundResponse:
    """The response of one attempt.

    Attributes:
        response_id: its id. Empty until an event named it.
        last_number: the `sequence_number` of its newest event. None before the first one.
        is_streamed: whether it has a stream.
    """

    response_id: str = ""
    last_number: int | None = None
    is_streamed: bool = True

    def note_event(self, event: Event) -> None:
        """Note the id and the number that an event carries."""
        response_id: object = as_object(event.get("response")).get("id")
        if not self.response_id and isinstance(response_id, str):
            self.response_id = response_id
        number: object = event.get("sequence_number")
        if isinstance(number, int):
            self.last_number = number


def make_status_event(response: Response) -> Event:
    """Return the event that a response with this status belongs to: a terminal one if the response has ended."""
    status = str(response.get("status"))
    event_type = next((name for name, implied in TERMINAL_STATUS.items() if implied == status), f"response.{status}")
    return {"type": event_type, "response": response}
