"""The state of one call: its request, its responses so far, and the deltas that its reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest, Usage

from ..facts.amendments import NO_AMENDMENTS, Amendments
from ..facts.backend_profile import BackendProfile
from ..failures.failure import CallFailure
from ..options.options import Options
from ..translate.background import find_completion_window
from ..translate.cut_calls import find_cut_calls, replace_cut_calls
from ..translate.decode import reached_output_limit
from ..translate.deltas import Aborted, DeltaReader
from ..translate.encode import EncodedRequest
from ..translate.output_items import read_incomplete_reason, read_message_texts
from ..translate.tool_names import ToolNames
from ..translate.usage import Pricing, sum_usage
from ..wire.accumulate import Accumulator
from ..wire.background_response import BackgroundResponse
from ..wire.client_calls import find_client_call
from ..wire.request_body import RequestBody
from ..wire.types import Item, Response
from .cache_watch import CacheMiss, Prompt, SentPrompt
from .telemetry import CallEvents, Sink

# A model that goes on does not write this much of its beginning again by chance.
_SAME_BEGINNING_CHARACTERS = 24
_SHORTEST_BEGINNING_CHARACTERS = 8

# A service that was silent for so long, in seconds, in all attempts of a call is not asked again.
_LONGEST_SILENCE_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRequest:
    """A request that is ready to be sent."""

    encoded_request: EncodedRequest
    body: RequestBody

    def says_more_than(self, earlier: PreparedRequest) -> bool:
        """Return whether the input holds more than the input of an earlier request of the same call."""
        items, earlier_items = self.body.items, earlier.body.items
        return len(items) > len(earlier_items) or items[-1:] != earlier_items[-1:]


@dataclass(slots=True)
class Silence:
    """The time that a call has lost in attempts in which the service fell silent.

    Attributes:
        attempts: the number of these attempts.
        total_s: their silence in seconds.
    """

    attempts: int = 0
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Add the silence of one more attempt."""
        self.attempts += 1
        self.total_s += seconds

    def allows_retry(self) -> bool:
        """Return whether the service may be asked again: once in any case, and more often if it took little time."""
        return self.attempts < 2 or self.total_s < _LONGEST_SILENCE_S


@dataclass(slots=True)
class Charge:
    """What is known about the cost of one attempt.

    Attributes:
        has_output: whether a part of the answer has arrived.
        is_in_background: whether the response runs in the background, where it goes on without its connection.
        has_failed: whether the response failed by its terminal event.
        is_reported: whether its cost is known.
    """

    has_output: bool = False
    is_in_background: bool = False
    has_failed: bool = False
    is_reported: bool = False

    def is_missing(self) -> bool:
        """Return whether the attempt was probably paid for without a report."""
        return not self.is_reported and (self.has_output or (self.is_in_background and not self.has_failed))


class VisibleDeltas:
    """Sends the deltas of a call to its sink, and keeps what the sink shows equal to what the call will return.

    An attempt that fails aborts the deltas: the sink then shows nothing. Before the next attempt the sink gets the
    blocks of the earlier responses again, if there are any. Without a sink no method does anything.

    Args:
        sink: takes the deltas; None if nobody reads them.
    """

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._tool_names = ToolNames()
        self._reader = DeltaReader()
        self._first_index = 0  # of the next attempt
        self._has_visible_blocks = False
        self._was_aborted = False

    async def begin_attempt(self, responses: Sequence[Response], tool_names: ToolNames | None = None) -> None:
        """Make ready for the events of an attempt.

        Args:
            responses: the earlier responses of the call, each with its usable items.
            tool_names: the names of the tools of the request. None, the default, if no tool has an alias.
        """
        self._tool_names = tool_names or ToolNames()
        await self.show_again(responses)
        self._reader = DeltaReader(first_index=self._first_index, tool_names=self._tool_names)

    async def show(self, accumulator: Accumulator) -> None:
        """Send the deltas of what has arrived since the last time."""
        if self._sink and (deltas := self._reader.read_changes(accumulator.take_changes())):
            self._has_visible_blocks = True
            await self._sink(deltas)

    async def complete_attempt(self, items: Sequence[Item]) -> None:
        """Make the blocks of an attempt that succeeded equal to its items.

        If the finished items are not what the server streamed, the sink shows nothing until `show_again`.

        Args:
            items: those of the response.
        """
        if self._sink is None:
            return
        deltas = self._reader.finish(items)
        self._first_index = self._reader.next_index
        if deltas is None:
            await self.abort("StreamError", "the service finished another response than it streamed")
        elif deltas:
            self._has_visible_blocks = True
            await self._sink(deltas)

    async def abort_attempt(self, error_type: str, message: str) -> None:
        """Take back what the sink shows, if the attempt that failed has sent any delta."""
        if self._reader.has_emitted:
            await self.abort(error_type, message)

    async def show_notice(self, text: str) -> None:
        """Send a text of our own as the last block."""
        await self._show_items([{"type": "message", "content": [{"type": "output_text", "text": text}]}])

    async def abort(self, error_type: str, message: str) -> None:
        """Take back what the sink shows, if it shows anything."""
        if self._sink and self._has_visible_blocks:
            self._has_visible_blocks, self._was_aborted = False, True
            await self._sink([Aborted(error_type=error_type, message=message)])

    async def show_again(self, responses: Sequence[Response]) -> None:
        """Send the blocks of earlier responses again, if an abort took them back.

        Args:
            responses: the earlier responses of the call, each with its usable items.
        """
        if not self._was_aborted:
            return
        self._was_aborted, self._first_index = False, 0
        await self._show_items([item for response in responses for item in response["output"]])

    async def _show_items(self, items: Sequence[Item]) -> None:
        """Send the blocks of finished items."""
        if self._sink is None:
            return
        reader = DeltaReader(first_index=self._first_index, tool_names=self._tool_names)
        deltas = reader.finish(items)
        self._has_visible_blocks = self._has_visible_blocks or reader.has_emitted
        self._first_index = reader.next_index
        if deltas:
            await self._sink(deltas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Amendments that a call tries without knowing that they help.

    Attributes:
        amendments: those of the request that was refused.
        error: what the refusal means.
        cause: the refusal.
        descriptions: what the trial changes, in sentences for the user.
    """

    amendments: Amendments
    error: LLMError
    cause: CallFailure
    descriptions: list[str]


@dataclass(slots=True, kw_only=True)
class Call:
    """The state of one call; calls share nothing of it.

    Attributes:
        request: the host's chat request.
        options: the options of the call.
        events: emits the hook events of the call.
        deltas: what the reader of the call sees.
        end_s: when the time of the call is up, by the clock of the event loop. None if the call has no limit.
        prepared_request: what the next attempt sends; the first step of a call sets it.
        responses: the first response and those that continued it, each with its usable items.
        billed_responses: all responses that were paid for, as the service sent them; none of attempts that failed.
        charge: what the newest attempt costs.
        reported_usd: what all attempts have cost by the service's reports, in US dollars, also those that failed.
        unreported_usd: the estimated cost, in US dollars, of attempts that were paid for without a report.
        is_unfinished: True if the model has to go on from the newest response.
        failure_count: the number of attempts that failed.
        amendments: the changes of its requests. Other calls may learn more while a request is on its way.
        trial: the amendments that the newest request tries. None if there are none.
        prompt: what the cache depends on in the first request; `earlier_prompt` is set with it.
        earlier_prompt: the newest prompt before this call that the cache may have. None if there is none.
        cache_miss: why the cache missed; None if it did not.
        silence: how long the service was silent in attempts that failed.
        background: the response of the newest attempt, if it runs in the background. None if it does not.
        trailing_items: items that stand behind those of the request; by default there are none.
    """

    request: ChatRequest
    options: Options
    events: CallEvents
    deltas: VisibleDeltas
    end_s: float | None = None
    prepared_request: PreparedRequest = field(init=False)
    prompt: Prompt = field(init=False)
    responses: list[Response] = field(default_factory=list[Response])
    billed_responses: list[Response] = field(default_factory=list[Response])
    charge: Charge = field(default_factory=Charge)
    reported_usd: Decimal = Decimal(0)
    unreported_usd: Decimal = Decimal(0)
    is_unfinished: bool = False
    failure_count: int = 0
    amendments: Amendments = NO_AMENDMENTS
    trial: Trial | None = None
    earlier_prompt: SentPrompt | None = None
    cache_miss: CacheMiss | None = None
    silence: Silence = field(default_factory=Silence)
    background: BackgroundResponse | None = None
    trailing_items: tuple[Item, ...] = ()

    @property
    def tool_names(self) -> ToolNames:
        """The names of the tools of the request."""
        return self.prepared_request.encoded_request.tool_names

    def make_usable(self, response: Response) -> Response:
        """Return the response to the newest request as it is decoded and replayed, see `make_usable`."""
        body = self.prepared_request.encoded_request.body
        return make_usable(response, is_at_limit=reached_output_limit(response, body))

    def add_response(self, response: Response) -> None:
        """Add a response, and note whether the model has to go on from it."""
        usable = self.make_usable(response)
        may_continue = len(self.responses) < self.options.max_continuations
        cut_calls = [item for earlier in self.responses for item in find_cut_calls(earlier["output"])]
        self.is_unfinished = may_continue and not cut_calls and can_continue(usable)
        self.responses.append(usable)


def sum_call_usage(responses: Sequence[Response], options: Options, profile: BackendProfile) -> Usage | None:
    """Return the usage of the responses of one call; None if no response reports its usage."""
    return sum_usage(responses, find_pricing(options, profile))


def find_pricing(options: Options, profile: BackendProfile) -> Pricing:
    """Return what decides the price of a call today."""
    return Pricing(
        model=options.model,
        profile=profile,
        model_info=options.model_info,
        day=datetime.now(UTC).date(),
        completion_window=find_completion_window(options, profile),
    )


def make_usable(response: Response, *, is_at_limit: bool = False) -> Response:
    """Return a response as it is decoded and replayed: cut calls are marked, and so is a message that was cut off.

    Some servers call the message of an incomplete response completed (vLLM 0.32 and LiteLLM 1.108, recorded
    2026-11-30).

    Args:
        response: the response of the service.
        is_at_limit: whether it has as many output tokens as the request allowed; false by default.
    """
    items = replace_cut_calls(response, is_at_limit=is_at_limit)
    if response.get("status") == "incomplete" and items and items[-1].get("type") == "message":
        items = [*items[:-1], {**items[-1], "status": "incomplete"}]
    return {**response, "output": items}


def can_continue(response: Response) -> bool:
    """Return True if a response reached the output token limit and the model can go on from it.

    Args:
        response: the response with its usable items.
    """
    items = response["output"]
    if response.get("status") != "incomplete" or read_incomplete_reason(response) != "max_output_tokens":
        return False
    if any(find_client_call(item) for item in items):
        return False
    return bool(items) and items[-1].get("type") != "reasoning"


def begins_anew(earlier: Sequence[Response], continuation: Response) -> bool:
    """Return True if a continuation begins with the beginning of the answer, because the server did not go on from it.

    Args:
        earlier: the responses so far.
        continuation: the newest response.
    """
    answer, piece = _join_texts(earlier).lstrip(), _join_texts([continuation]).lstrip()
    length = min(len(answer), len(piece), _SAME_BEGINNING_CHARACTERS)
    return length >= _SHORTEST_BEGINNING_CHARACTERS and answer[:length] == piece[:length]


def _join_texts(responses: Sequence[Response]) -> str:
    return "".join(text for response in responses for item in response["output"] for text in read_message_texts(item))
