"""The state of one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from amplifier_core.message_models import ChatRequest

from ..facts.amendments import Amendments
from ..options.options import Options
from ..translate.decode import incomplete_reason
from ..translate.deltas import Delta
from ..translate.encode import EncodedRequest
from ..wire.client_calls import client_call
from ..wire.types import Item, Response
from .telemetry import CallEvents

Sink: TypeAlias = Callable[[list[Delta]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A request ready to be sent, and the amendments that it was encoded with: other calls may learn more meanwhile."""

    encoded: EncodedRequest
    content: bytes
    amendments: Amendments


@dataclass(slots=True)
class _Call:
    """The state of one call; nothing of it is shared with another."""

    request: ChatRequest
    options: Options
    events: CallEvents
    sink: Sink | None
    prepared: _Prepared
    responses: list[Response] = field(default_factory=list[Response])
    """The answer so far: the first response, and those that continued it, each with its usable items."""
    shown: bool = False
    """Something of the answer is to be seen."""
    voided: bool = False
    """An abort took back all that was shown."""
    next_block: int = 0
    failures: int = 0


def _continues(response: Response, items: list[Item]) -> bool:
    """Only an answer that ran out of tokens goes on, and only where there is something to go on from."""
    if response.get("status") != "incomplete" or incomplete_reason(response) != "max_output_tokens":
        return False
    if any(client_call(item) for item in items):
        return False
    cut_call = len(items) < len(response["output"])
    return cut_call or (bool(items) and items[-1].get("type") != "reasoning")
