"""What a test can tell the emulated service to do: small frozen records, combined in a `Turn`.

Content parts become output items in their order; an ending says how the response stops; a shape says how its bytes
travel. A record alone is a turn of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

_T = TypeVar("_T")
AUTO: Final = "auto"
# Text to split into deltas: a number of pieces, the pieces themselves, or None for words.
Chunks = int | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Say:
    """An assistant message. `phase` "auto" is what the model family would send; None leaves the key out."""

    text: str
    phase: str | None = field(default=AUTO, kw_only=True)
    chunks: Chunks = field(default=None, kw_only=True)
    annotations: Sequence[Mapping[str, Any]] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Refuse:
    """An assistant message whose only part is a refusal."""

    text: str
    chunks: Chunks = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Think:
    """A reasoning item. Summaries are shown only if the request asked for them; `raw` is open-model reasoning text."""

    summaries: Sequence[str] = ()
    tokens: int = field(default=64, kw_only=True)
    raw: str | None = field(default=None, kw_only=True)
    show_always: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; a string is sent as it stands, also where it is no JSON."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    call_id: str | None = field(default=None, kw_only=True)
    namespace: str | None = field(default=None, kw_only=True)
    chunks: Chunks = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class CustomCall:
    """A call of a custom tool, with free text."""

    name: str
    input: str
    call_id: str | None = field(default=None, kw_only=True)
    chunks: Chunks = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class WebSearch:
    """One search; with `text`, a message that cites the sources follows."""

    queries: Sequence[str]
    sources: Sequence[str] = ()
    text: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class HostedItem:
    """Any raw output item: hosted tools, client calls (shell, patch, computer …), or a type nobody knows.

    `id`, `status` and, for client calls, `call_id` are filled in where they are left out.
    """

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compaction:
    """A compaction item with ciphertext of its own; the progress event is documented but not in any recording."""

    tokens: int = 512
    progress: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ResponseIncomplete:
    """Ends `incomplete`; of the last item only the first `keep` characters were made (None: half of it)."""

    reason: str = "max_output_tokens"
    characters: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class ResponseFailed:
    """Ends with `response.failed`; `after` cuts the items off after so many events."""

    code: str = "server_error"
    message: str = "An error occurred while processing your request."
    after_events: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Ends with an `error` event, nested as recorded or flat as documented; `after` as in `Failed`."""

    code: str = "server_error"
    message: str = "An error occurred while processing your request."
    error_type: str = field(default="server_error", kw_only=True)
    nested: bool = field(default=True, kw_only=True)
    then_failed: bool = field(default=False, kw_only=True)
    after_events: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class CutStream:
    """The connection ends after so many events, the terminal one never sent."""

    after_events: int
    reset: bool = field(default=False, kw_only=True)
    mid_event: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class EventDelay:
    """A pause before each event."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Silence:
    """No bytes for a while, before the event of that number; -1 is before the response head."""

    seconds: float
    before_event: int = 0


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Signs of life between events: `keepalive` events, or SSE comments; `silence_s` lets them fill a wait."""

    every_events: int = 1
    comment: bool = False
    silence_s: float = 0.0
    count: int = 1


@dataclass(frozen=True, slots=True)
class SplitBytes:
    """How the bytes are cut: pieces of `size`, or of random size up to it when a seed is given."""

    size: int = 1
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class JoinEvents:
    """So many events in one write (0: all of them)."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Framing:
    """Dialects of SSE that compatible servers speak."""

    event_lines: bool = True
    newline: Literal["\n", "\r\n", "\r"] = "\n"
    done_tail: bool = False
    sequence_numbers: bool = True
    content_type: str | None = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HoldOpen:
    """The body is not ended for so long after the terminal event."""

    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class NoTerminalOutput:
    """The terminal event carries no output, as the subscription service does."""


@dataclass(frozen=True, slots=True)
class NoUsage:
    """The terminal event carries no usage, or none of its details."""

    details_only: bool = False


@dataclass(frozen=True, slots=True)
class RotateIds:
    """Every event of an item carries a new id for it, as one proxy does."""


@dataclass(frozen=True, slots=True)
class ExtraEvent:
    """An event of a type that nobody knows, after so many real ones."""

    event: Mapping[str, Any] = field(default_factory=lambda: {"type": "response.sparkle.delta", "delta": "*"})
    after_events: int = 2


@dataclass(frozen=True, slots=True)
class ResponseFields:
    """Overrides of the Response object, in every event that carries it."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TerminalFields:
    """Overrides of the Response object, in its last event alone."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReplyHeaders:
    """Extra reply headers; an existing one of that name is replaced."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FromResponder:
    """The built-in model's own answer, so that a shape or an ending can be put on it."""


OutputPart = Say | Refuse | Think | Call | CustomCall | WebSearch | HostedItem | Compaction | FromResponder
EndingPart = ResponseIncomplete | ResponseFailed | ErrorEvent
DeliveryPart = (
    CutStream
    | EventDelay
    | Silence
    | Keepalive
    | SplitBytes
    | JoinEvents
    | Framing
    | HoldOpen
    | NoTerminalOutput
    | NoUsage
    | RotateIds
    | ExtraEvent
    | ResponseFields
    | TerminalFields
    | ReplyHeaders
)
Part = OutputPart | EndingPart | DeliveryPart


class Turn:
    """One response: its items, how it ends, how it travels."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Part) -> None:
        self.parts: tuple[Part, ...] = parts

    def __repr__(self) -> str:
        return f"Turn{self.parts!r}"

    @property
    def content(self) -> list[OutputPart]:
        return [part for part in self.parts if isinstance(part, OutputPart)]

    @property
    def ending(self) -> EndingPart | None:
        return next((part for part in self.parts if isinstance(part, EndingPart)), None)

    def parts_of_type(self, kind: type[_T]) -> list[_T]:
        """The parts of one kind."""
        return [part for part in self.parts if isinstance(part, kind)]
