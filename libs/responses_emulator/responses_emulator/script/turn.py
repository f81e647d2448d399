"""The vocabulary of a script: small frozen parts, combined in a `Turn`.

Output parts become output items in their order; an ending part says how the response stops; delivery parts say how its
bytes reach the client. A part alone is a turn of one part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from responses_emulator.script.stream_shapes import StreamShape

_T = TypeVar("_T")
AUTO: Final = "auto"
# How a text is split into deltas: a number of pieces, the pieces themselves, or None for one delta per word.
Chunks = int | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Say:
    """An assistant message. The default phase "auto" is what the model family sends; None leaves the key out."""

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
    """A reasoning item.

    Attributes:
        summaries: the parts of the summary; they are sent only if the request asks for a summary.
        tokens: how many output tokens the reasoning counts. The default is 64.
        raw: reasoning text, as open models send it. The default None sends none.
        show_always: send the summary also if the request does not ask for it.
    """

    summaries: Sequence[str] = ()
    tokens: int = field(default=64, kw_only=True)
    raw: str | None = field(default=None, kw_only=True)
    show_always: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call. Arguments that are a string are sent as they are, even if they are not valid JSON.

    A `call_id` is sent as it is too: some servers number calls anew in each response, or give empty ids.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    call_id: str | None = field(default=None, kw_only=True)
    namespace: str | None = field(default=None, kw_only=True)
    chunks: Chunks = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class CustomCall:
    """A call of a custom tool with free text."""

    name: str
    input: str
    call_id: str | None = field(default=None, kw_only=True)
    chunks: Chunks = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class WebSearch:
    """One web search. With `text`, a message that cites the sources follows it."""

    queries: Sequence[str]
    sources: Sequence[str] = ()
    text: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class HostedItem:
    """Any other output item: of a hosted tool, a client call (shell, patch, computer), or an unknown type.

    `id`, `status` and, for client calls, `call_id` are added if they are missing.
    """

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compaction:
    """A compaction item with its ciphertext. The progress event is documented but in no recording."""

    tokens: int = 512
    progress: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ResponseIncomplete:
    """Ends `incomplete`. The last item is cut after `characters`; the default None cuts it in half."""

    reason: str = "max_output_tokens"
    characters: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class ResponseFailed:
    """Ends with `response.failed`, after this number of events. The default None is after the last item.

    Attributes:
        then_error: the event has no error, and an `error` event after it has the reason, as Azure sends it (pi#7983,
            seen 2026-11-30).
    """

    code: str = "server_error"
    message: str = "An error occurred while processing your request."
    after_events: int | None = field(default=None, kw_only=True)
    then_error: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Ends with an `error` event, nested as recorded or flat as documented; `after_events` as in `ResponseFailed`."""

    code: str = "server_error"
    message: str = "An error occurred while processing your request."
    error_type: str = field(default="server_error", kw_only=True)
    nested: bool = field(default=True, kw_only=True)
    then_failed: bool = field(default=False, kw_only=True)
    after_events: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class CutStream:
    """Ends the connection after this number of events, before the terminal event.

    Attributes:
        reset: end it with a TCP RST. The default is a normal end.
        mid_event: send the first bytes of the next event before that.
        close_code: the code of the close frame of a WebSocket. The default None sends no close frame.
    """

    after_events: int
    reset: bool = field(default=False, kw_only=True)
    mid_event: bool = field(default=False, kw_only=True)
    close_code: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class EventDelay:
    """Waits before each event, in seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Silence:
    """Sends nothing for a time, in seconds, before the event with this number; -1 is before the response headers."""

    seconds: float
    before_event: int = 0


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Sends `keepalive` events or SSE comments between events, with `silence_s` seconds before each of them."""

    every_events: int = 1
    comment: bool = False
    silence_s: float = 0.0
    count: int = 1


@dataclass(frozen=True, slots=True)
class SplitBytes:
    """Splits the bytes into pieces of `size`. With a seed, each piece has a random size up to that."""

    size: int = 1
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class JoinEvents:
    """Writes this number of events at once. The default 0 writes all of them at once."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Framing:
    """The dialects of SSE that compatible servers use. The defaults are those of OpenAI."""

    event_lines: bool = True
    newline: Literal["\n", "\r\n", "\r"] = "\n"
    done_tail: bool = False
    sequence_numbers: bool = True
    content_type: str | None = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HoldOpen:
    """Keeps the body open after the terminal event. The default is 5 seconds."""

    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class NoTerminalOutput:
    """Leaves the output out of the terminal event, as the ChatGPT backend does."""


@dataclass(frozen=True, slots=True)
class NoUsage:
    """Leaves the usage, or only its details, out of the terminal event."""

    details_only: bool = False


@dataclass(frozen=True, slots=True)
class RotateIds:
    """Gives an item a new id in each of its events, as one proxy does."""


@dataclass(frozen=True, slots=True)
class ExtraEvent:
    """Inserts an event of an unknown type after this number of events."""

    event: Mapping[str, Any] = field(default_factory=lambda: {"type": "response.sparkle.delta", "delta": "*"})
    after_events: int = 2


@dataclass(frozen=True, slots=True)
class ExtraFrame:
    """Sends a frame of a WebSocket after this number of events: a text as a text frame, bytes as a binary one.

    Nothing of it is sent over HTTP.
    """

    data: str | bytes
    after_events: int = 0


@dataclass(frozen=True, slots=True)
class CloseAfter:
    """Ends a WebSocket after the terminal event, with a close frame of this code; None is without one.

    Over HTTP the connection is kept.
    """

    close_code: int | None = 1000


@dataclass(frozen=True, slots=True)
class ResponseFields:
    """Replaces fields of the Response object in every event that carries it."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TerminalFields:
    """Replaces fields of the Response object in the terminal event."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReplyHeaders:
    """Adds reply headers. A header of the same name is replaced."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FromResponder:
    """The output of the responder, so that an ending or a delivery part can be combined with it."""


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
    | StreamShape
    | ExtraEvent
    | ExtraFrame
    | CloseAfter
    | ResponseFields
    | TerminalFields
    | ReplyHeaders
)
Part = OutputPart | EndingPart | DeliveryPart


class Turn:
    """One response: its output, its ending and its delivery, as parts in any order.

    Raises:
        TypeError: one of them is not a part.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: Part) -> None:
        for part in parts:
            if not isinstance(part, Part):
                raise TypeError(f"{part!r} is not a part of a Turn, such as Say('Hello!')")
        self.parts: tuple[Part, ...] = parts

    def __repr__(self) -> str:
        return f"Turn{self.parts!r}"

    @property
    def content(self) -> list[OutputPart]:
        """Return the output parts."""
        return [part for part in self.parts if isinstance(part, OutputPart)]

    @property
    def ending(self) -> EndingPart | None:
        """Return the ending part. None if the response completes."""
        return next((part for part in self.parts if isinstance(part, EndingPart)), None)

    def parts_of_type(self, kind: type[_T]) -> list[_T]:
        """Return the parts of one type."""
        return [part for part in self.parts if isinstance(part, kind)]
