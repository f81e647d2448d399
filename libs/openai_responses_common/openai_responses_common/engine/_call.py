"""The state of one call: its request, its responses so far, and the deltas that its reader sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest

from ..facts.amendments import NO_AMENDMENTS, Amendments
from ..failures.failure import CallFailure
from ..options.options import Options
from ..translate.decode import drop_cut_calls, read_incomplete_reason
from ..translate.deltas import Aborted, DeltaReader
from ..translate.encode import EncodedRequest
from ..translate.tool_names import ToolNames
from ..wire.client_calls import find_client_call
from ..wire.types import Event, Item, Response
from .telemetry import CallEvents, Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRequest:
    """A request that is ready to be sent."""

    encoded_request: EncodedRequest
    body_bytes: bytes


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

    async def show(self, batch: Sequence[Event]) -> None:
        """Send the deltas of a batch of events."""
        if self._sink and (deltas := self._reader.read_batch(batch)):
            self._has_visible_blocks = True
            await self._sink(deltas)

    def complete_attempt(self) -> None:
        """Keep the blocks of an attempt that succeeded."""
        self._first_index = self._reader.next_index

    async def abort_attempt(self, error_type: str, message: str) -> None:
        """Take back what the sink shows, if the attempt that failed has sent any delta."""
        if self._reader.has_emitted:
            await self.abort(error_type, message)

    async def abort(self, error_type: str, message: str) -> None:
        """Take back what the sink shows, if it shows anything."""
        if self._sink and self._has_visible_blocks:
            self._has_visible_blocks, self._was_aborted = False, True
            await self._sink([Aborted(error_type=error_type, message=message)])

    @asynccontextmanager
    async def abort_on_failure(self) -> AsyncGenerator[None, None]:
        """Take back what the sink shows if the block below is cancelled or raises an error of the kernel."""
        try:
            yield
        except asyncio.CancelledError:
            await self.abort("CancelledError", "the call was cancelled")
            raise
        except LLMError as error:
            await self.abort(type(error).__name__, str(error))
            raise

    async def show_again(self, responses: Sequence[Response]) -> None:
        """Send the blocks of earlier responses again, if an abort took them back.

        Args:
            responses: the earlier responses of the call, each with its usable items.
        """
        if self._sink is None or not self._was_aborted:
            return
        reader = DeltaReader(tool_names=self._tool_names)
        items = [item for response in responses for item in response["output"]]
        deltas = reader.read_batch(
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in enumerate(items)
        )
        self._has_visible_blocks, self._was_aborted, self._first_index = reader.has_emitted, False, reader.next_index
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
        prepared_request: what the next attempt sends; the first step of a call sets it.
        responses: the first response and those that continued it, each with its usable items.
        is_unfinished: True if the model has to go on from the newest response.
        failure_count: the number of attempts that failed.
        amendments: the changes of its requests. Other calls may learn more while a request is on its way.
        trial: the amendments that the newest request tries. None if there are none.
    """

    request: ChatRequest
    options: Options
    events: CallEvents
    deltas: VisibleDeltas
    prepared_request: PreparedRequest = field(init=False)
    responses: list[Response] = field(default_factory=list[Response])
    is_unfinished: bool = False
    failure_count: int = 0
    amendments: Amendments = NO_AMENDMENTS
    trial: Trial | None = None

    @property
    def tool_names(self) -> ToolNames:
        """The names of the tools of the request."""
        return self.prepared_request.encoded_request.tool_names

    def add_response(self, response: Response) -> None:
        """Add a response without its cut tool calls, and note whether the model has to go on from it."""
        items = drop_cut_calls(response)
        self.responses.append({**response, "output": items})
        may_continue = len(self.responses) <= self.options.max_continuations
        self.is_unfinished = may_continue and needs_continuation(response, items)


def needs_continuation(response: Response, items: list[Item]) -> bool:
    """Return True if a response reached the output token limit and the model can go on from it.

    Args:
        response: the response of the service.
        items: its output items without cut tool calls.
    """
    if response.get("status") != "incomplete" or read_incomplete_reason(response) != "max_output_tokens":
        return False
    if any(find_client_call(item) for item in items):
        return False
    has_cut_call = len(items) < len(response["output"])
    return has_cut_call or (bool(items) and items[-1].get("type") != "reasoning")
