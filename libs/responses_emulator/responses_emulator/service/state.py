"""What all surfaces of one emulator share: the script, the standing rules, the books and the responder.

Invariants: any thread may change and read the script; nothing here knows HTTP or a surface.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.accounting.prompt_cache import PromptCache
from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.script.server_rules import ServerRule
from responses_emulator.script.turn import Part, Turn

ScriptedReply = Part | Turn | HttpReply | Disconnect


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """One request that the service received.

    Attributes:
        connection: the number of the TCP connection; requests on one connection have the same.
        at_s: when the request was complete, in seconds of `time.monotonic`.
        surface: the name of the surface that served it. None if no surface has this path.
        status: the status of the reply. None until the reply starts.
        streamed: the reply was a stream.
        client_left: the client closed the connection before the end of the reply.
        response: the Response object with its whole output. None for other requests and for refusals.
        rule: the name of the rule that refused the request. None if no rule did.
    """

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
    rule: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """Return the JSON object that was sent; an empty one if the body is something else."""
        try:
            value = json.loads(self.raw_body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


ScriptFunction = Callable[[RecordedRequest], ScriptedReply]
StandingRule = RejectParameters | ServerRule
ScriptEntry = ScriptedReply | StandingRule | ScriptFunction


@dataclass(slots=True, kw_only=True)
class ServiceState:
    """The script and the books of one emulator.

    Attributes:
        origin: scheme, host and port of the server; empty until it listens.
        stored_conversations: response id -> all items up to and with its output.
        standing_rules: what refuses requests until the script is cleared.
        word_delay_s: seconds between two deltas of a responder's output. The default is 0.
        responder: makes the output of requests for which nothing is scripted.
    """

    origin: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    cache: PromptCache = field(default_factory=PromptCache)
    limits: RateLimits = field(default_factory=RateLimits)
    stored_conversations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    standing_rules: list[StandingRule] = field(default_factory=list[StandingRule])
    word_delay_s: float = 0.0
    responder: Responder = fixed_output
    _script: deque[ScriptedReply | ScriptFunction] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_to_script(self, entries: tuple[ScriptEntry, ...]) -> None:
        """Queue replies; a standing rule is not queued but holds from now on."""
        with self._lock:
            for entry in entries:
                if isinstance(entry, RejectParameters | ServerRule):
                    self.standing_rules.append(entry)
                else:
                    self._script.append(entry)

    def next_scripted_reply(self, request: RecordedRequest) -> ScriptedReply | None:
        """Take the next reply off the queue. None if the queue is empty."""
        with self._lock:
            entry = self._script.popleft() if self._script else None
        if entry is None or isinstance(entry, Part | Turn | HttpReply | Disconnect):
            return entry
        return entry(request)

    def clear_script(self) -> None:
        """Remove all queued replies and all standing rules."""
        with self._lock:
            self._script.clear()
            self.standing_rules.clear()

    @property
    def script_length(self) -> int:
        """Return the number of queued replies."""
        with self._lock:
            return len(self._script)
