"""The state of one call."""

from __future__ import annotations

from dataclasses import dataclass, field

from amplifier_core.message_models import ChatRequest

from ..facts.amendments import Amendments
from ..options.options import Options
from ..translate.decode import read_incomplete_reason
from ..translate.encode import EncodedRequest
from ..wire.client_calls import find_client_call
from ..wire.types import Item, Response
from .telemetry import CallEvents, Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRequest:
    """A request ready to be sent, and the amendments that it was encoded with: other calls may learn more meanwhile."""

    encoded_request: EncodedRequest
    body_bytes: bytes
    amendments: Amendments


@dataclass(slots=True)
class Call:
    """The state of one call; nothing of it is shared with another."""

    request: ChatRequest
    options: Options
    events: CallEvents
    sink: Sink | None
    prepared_request: PreparedRequest
    responses: list[Response] = field(default_factory=list[Response])
    """The answer so far: the first response, and those that continued it, each with its usable items."""
    has_visible_deltas: bool = False
    """Something of the answer is to be seen."""
    was_aborted: bool = False
    """An abort took back all that was shown."""
    next_block_index: int = 0
    failure_count: int = 0


def needs_continuation(response: Response, items: list[Item]) -> bool:
    """Only an answer that ran out of tokens goes on, and only where there is something to go on from."""
    if response.get("status") != "incomplete" or read_incomplete_reason(response) != "max_output_tokens":
        return False
    if any(find_client_call(item) for item in items):
        return False
    cut_call = len(items) < len(response["output"])
    return cut_call or (bool(items) and items[-1].get("type") != "reasoning")
