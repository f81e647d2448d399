"""."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.accounting.prompt_cache import PromptCache
from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.responder import Responder, fixed_output
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.script.turn import Part, Turn

ScriptedReply = Part | Turn | HttpReply | Disconnect


ScriptEntry = ScriptedReply | RejectParameters | Callable[["RecordedRequest"], ScriptedReply]


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """One request that the service got."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw_body: bytes
    connection: int
    at_s: float
    surface: str | None = None
    status: int | None = None
    streamed: bool = False
    client_left: bool = False
    response: dict[str, Any] | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; empty where it was none."""
        try:
            value = json.loads(self.raw_body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(slots=True, kw_only=True)
class ServiceState:
    """What the surfaces share: the script and the books."""

    ledger: Ledger = field(default_factory=Ledger)
    cache: PromptCache = field(default_factory=PromptCache)
    limits: RateLimits = field(default_factory=RateLimits)
    stored_conversations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    script: deque[ScriptedReply | Callable[[RecordedRequest], ScriptedReply]] = field(default_factory=deque)
    rejected_parameters: list[RejectParameters] = field(default_factory=list)
    pace_s: float = 0.0
    responder: Responder = fixed_output
