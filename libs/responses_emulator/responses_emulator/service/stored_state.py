"""The responses that the service keeps, and how far those are that run in the background."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class StoredResponse:
    """One response.

    Attributes:
        account: whose it is.
        response: the Response object at its end.
        events: all events of its stream.
        is_background: it was made with `background: true`.
        is_streamed: it was made with `stream: true`.
        polls_left: how many retrievals find it still under way.
    """

    account: str
    response: dict[str, Any]
    events: list[dict[str, Any]]
    is_background: bool
    is_streamed: bool
    polls_left: int = 0


@dataclass(slots=True, kw_only=True)
class StoredResponses:
    """All of them by id.

    Attributes:
        polls: how many retrievals find a new background response still under way. The default is 1.
    """

    polls: int = 1
    by_id: dict[str, StoredResponse] = field(default_factory=dict[str, StoredResponse])

    def add(self, account: str, body: dict[str, Any], response: dict[str, Any], events: list[dict[str, Any]]) -> None:
        """Store a response, if its request does not forbid that."""
        if body.get("store") is False:
            return
        is_background = body.get("background") is True
        self.by_id[response["id"]] = StoredResponse(
            account=account,
            response=response,
            events=events,
            is_background=is_background,
            is_streamed=body.get("stream") is True,
            polls_left=self.polls if is_background and not body.get("stream") else 0,
        )
