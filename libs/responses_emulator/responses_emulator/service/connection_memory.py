"""What a WebSocket knows of the responses that it sent: the newest of each lane, which the next request may continue.

Invariants: it ends with the connection; a response is remembered once it has ended well, and its lane forgets the one
before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Lane = str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedResponse:
    """A response that can be continued.

    Attributes:
        items: all items up to and with its output, as the model sees them.
        sent_items: the same as the client would send them again.
    """

    id: str
    items: list[dict[str, Any]]
    sent_items: list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class ConnectionMemory:
    """The newest response of each lane.

    Attributes:
        cache_key: what prompts are cached under. None is what the request says.
    """

    cache_key: str | None = None
    newest: dict[Lane, RememberedResponse] = field(default_factory=dict[Lane, RememberedResponse])

    def find(self, response_id: str) -> RememberedResponse | None:
        """Return the response with this id. None if it is not the newest of a lane."""
        return next((each for each in self.newest.values() if each.id == response_id), None)

    def forget_parent(self, lane: Lane, response_id: object) -> None:
        """Forget the response that a failed request continued, if the request was in the lane of it."""
        newest = self.newest.get(lane)
        if newest is not None and newest.id == response_id:
            del self.newest[lane]
