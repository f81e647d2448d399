"""What all surfaces of one emulator share: the script, the standing rules, the books and the responder.

Invariants: any thread may change and read the script; nothing here knows HTTP or a surface.
"""

from __future__ import annotations

import inspect
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol

from responses_emulator.accounting.cache_diagnostics import CacheDiagnostics
from responses_emulator.accounting.prompt_cache import PromptCache
from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import AcceptUpgrade, Disconnect, Frames, HttpReply, OnPath, OnUpgrade
from responses_emulator.script.server_rules import ServerRule
from responses_emulator.script.turn import Part, Turn
from responses_emulator.service.stored_state import StoredResponses
from responses_emulator.transport.hang_up import CloseConnection

ScriptedReply = Part | Turn | HttpReply | Disconnect | Frames
Transport = Literal["http", "websocket"]


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """One request that the service received: over HTTP, or in a frame of a WebSocket.

    Attributes:
        headers: those of the request; of a frame, those of the upgrade.
        raw_body: the body as it came; of a frame, its text.
        connection: the number of the TCP connection; requests on one connection have the same.
        transport: how it came. An upgrade came over HTTP.
        wire_bytes: the bytes of a frame on the wire, compressed if they were; over HTTP, those of the body.
        whole_body: the request of a frame as it would be over HTTP, with all items of the conversation.
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
    transport: Transport = "http"
    wire_bytes: int = 0
    whole_body: dict[str, Any] | None = None

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.transport == "http" and self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def is_create(self) -> bool:
        """Whether it asks for a response."""
        return (self.method == "POST" or self.transport == "websocket") and self.path.endswith("/responses")

    @property
    def is_delta(self) -> bool:
        """Whether it holds only what is new, after a response of the same WebSocket."""
        return self.transport == "websocket" and "previous_response_id" in self.sent

    @property
    def body(self) -> dict[str, Any]:
        """Return the whole request: `whole_body` if there is one, else `sent`."""
        return self.sent if self.whole_body is None else self.whole_body

    @property
    def sent(self) -> dict[str, Any]:
        """Return the JSON object that was sent; an empty one if the body is something else."""
        try:
            value = json.loads(self.raw_body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class OnReply(Protocol):
    """Is called when the reply to a frame begins, and with `is_last` when it has ended."""

    def __call__(self, request: RecordedRequest, /, *, is_last: bool) -> None: ...


ScriptFunction = Callable[[RecordedRequest], ScriptedReply]
StandingRule = RejectParameters | ServerRule
ScriptEntry = ScriptedReply | StandingRule | OnUpgrade | OnPath | ScriptFunction


def check_entry(entry: object) -> None:
    """Check that a script can have this entry.

    Raises:
        TypeError: it cannot.
    """
    if inspect.isclass(entry):
        raise TypeError(f"{entry.__name__} is a class; write {entry.__name__}(…)")
    if not (isinstance(entry, ScriptedReply | StandingRule | OnUpgrade | OnPath) or callable(entry)):
        raise TypeError(f"{entry!r} is not an entry of a script, such as Say('Hello!')")


@dataclass(slots=True, kw_only=True)
class ServiceState:
    """The script and the books of one emulator.

    Attributes:
        origin: scheme, host and port of the server; empty until it listens.
        stored_conversations: response id -> all items up to and with its output.
        stored: the responses that can be retrieved.
        standing_rules: what refuses requests until the script is cleared.
        word_delay_s: seconds between two deltas of a responder's output. The default is 0.
        responder: makes the output of requests for which nothing is scripted.
        on_request: is called with each request that a frame brings.
        on_reply: is called when the reply to such a request begins, and again when it has ended.
        compaction_keeps: the types of items that a compaction leaves beside the messages of the user; by default none.
        websockets: ends each open WebSocket; see `Emulator.close_websockets`.
        websocket_epoch: WebSockets that were opened in an earlier epoch are past their longest life.
    """

    origin: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    cache: PromptCache = field(default_factory=PromptCache)
    cache_diagnostics: CacheDiagnostics = field(default_factory=CacheDiagnostics)
    limits: RateLimits = field(default_factory=RateLimits)
    stored_conversations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stored: StoredResponses = field(default_factory=StoredResponses)
    standing_rules: list[StandingRule] = field(default_factory=list[StandingRule])
    word_delay_s: float = 0.0
    responder: Responder = fixed_output
    on_request: Callable[[RecordedRequest], None] = lambda request: None
    on_reply: OnReply = lambda request, *, is_last: None
    compaction_keeps: frozenset[str] = frozenset()
    websockets: set[Callable[[CloseConnection], None]] = field(default_factory=set[Callable[[CloseConnection], None]])
    websocket_epoch: int = 0
    _script: deque[ScriptedReply | ScriptFunction] = field(default_factory=deque)
    _upgrades: list[OnUpgrade] = field(default_factory=list[OnUpgrade])
    _paths: list[OnPath] = field(default_factory=list[OnPath])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_to_script(self, entries: tuple[ScriptEntry, ...]) -> None:
        """Queue replies; a standing rule is not queued but holds from now on.

        Raises:
            TypeError: an entry is none of these.
        """
        for entry in entries:
            check_entry(entry)
        with self._lock:
            for entry in entries:
                if isinstance(entry, RejectParameters | ServerRule):
                    self.standing_rules.append(entry)
                elif isinstance(entry, OnUpgrade):
                    self._upgrades.append(entry)
                elif isinstance(entry, OnPath):
                    self._paths.append(entry)
                else:
                    self._script.append(entry)

    def next_scripted_reply(self, request: RecordedRequest) -> ScriptedReply | None:
        """Take the next reply off the queue. None if the queue is empty."""
        with self._lock:
            entry = self._script.popleft() if self._script else None
        if entry is None or isinstance(entry, Part | Turn | HttpReply | Disconnect | Frames):
            return entry
        reply: object = entry(request)
        if not isinstance(reply, ScriptedReply):
            raise TypeError(f"a function of the script returned {reply!r}; it returns a reply, such as Say('Hello!')")
        return reply

    def next_upgrade_reply(self) -> HttpReply | Disconnect | AcceptUpgrade:
        """Take what the next upgrade gets."""
        with self._lock:
            if not self._upgrades:
                return AcceptUpgrade()
            first = self._upgrades[0]
            if first.times is not None:
                left = first.times - 1
                self._upgrades[:1] = [replace(first, times=left)] if left > 0 else []
            return first.reply

    def next_path_reply(self, path: str) -> HttpReply | Disconnect | None:
        """Take what the next request to a path gets; None if nothing is scripted for it."""
        with self._lock:
            for index, entry in enumerate(self._paths):
                if fnmatchcase(path, f"*{entry.path}"):
                    left = None if entry.times is None else entry.times - 1
                    self._paths[index : index + 1] = [replace(entry, times=left)] if left != 0 else []
                    return entry.reply
        return None

    def clear_script(self) -> None:
        """Remove all queued replies and all standing rules."""
        with self._lock:
            self._script.clear()
            self._upgrades.clear()
            self._paths.clear()
            self.standing_rules.clear()

    @property
    def script_length(self) -> int:
        """Return the number of queued replies."""
        with self._lock:
            return len(self._script)
