"""The calls about a whole conversation: to count its tokens, and to compact it.

Each request is encoded as that of a call, and keeps its limits. `context_requests` knows the fields of the requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from amplifier_core.message_models import ChatRequest, Usage

from ..facts.backend_profile import BackendProfile
from ..options.options import Options
from ..translate.compaction import build_window, make_window_message
from ..transport.base import Transport
from ._attempts import Attempts
from ._call import Call, VisibleDeltas, sum_call_usage
from .context_requests import (
    COMPACT_PATH,
    COMPACTION_TRIGGER,
    COUNT_PATH,
    Compaction,
    InputCounts,
    find_streamed_compaction,
    read_compaction,
    read_count,
    write_compact_request,
    write_count_request,
)
from .documents import post_document
from .limiter import get_limiter
from .spending import SpendingGuard
from .telemetry import CallEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedConversation:
    """What stands for a conversation that the service compacted.

    Attributes:
        message: the message that carries it, as a dictionary.
        usage: the tokens and the cost. None if the service reports none.
    """

    message: dict[str, Any]
    usage: Usage | None


class ContextCalls:
    """Makes these calls for an engine.

    Args:
        transport: sends the requests.
        profile: the facts about the service.
        attempts: makes the attempts of an engine.
        spending: holds the requests to the limits of their calls.
        encode: prepares the request of a call.
    """

    def __init__(
        self,
        transport: Transport,
        profile: BackendProfile,
        *,
        attempts: Attempts,
        spending: SpendingGuard,
        encode: Callable[[Call], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._profile = profile
        self._attempts = attempts
        self._spending = spending
        self._encode = encode
        self._counts = InputCounts()

    async def count_input(self, request: ChatRequest, options: Options) -> int:
        """Return how many input tokens a request has, as the service counts them; equal requests are counted once.

        Raises:
            LLMError: the service did not count.
        """
        silent = CallEvents(None, provider=self._profile.name, options=options, scrub=self._transport.scrub)
        call = _begin_silent_call(request, options, silent)
        await self._transport.prepare()
        await self._encode(call)
        content, key = write_count_request(call.prepared_request.body)
        tokens = self._counts.find(key)
        if tokens is None:
            tokens = read_count(await self._post_document(COUNT_PATH, content, options, max_retries=0))
            self._counts.add(key, tokens)
        return tokens

    async def compact(self, request: ChatRequest, options: Options, events: CallEvents) -> CompactedConversation:
        """Let the service compact a conversation.

        Args:
            request: the conversation.
            options: the options of the call.
            events: emits the hook event of it.

        Raises:
            LLMError: one of the kernel's classes.
        """
        call = _begin_silent_call(request, options, events)
        is_streamed = self._profile.compaction == "trigger"
        call.trailing_items = (COMPACTION_TRIGGER,) if is_streamed else ()
        await self._transport.prepare()
        await self._encode(call)
        compaction = await (self._stream_compaction(call) if is_streamed else self._request_compaction(call))
        usage = sum_call_usage([compaction.response], options, self._profile)
        item_count = len(call.prepared_request.encoded_request.body["input"])
        await events.emit_compaction(item_count, len(compaction.window), usage)
        message = make_window_message(compaction.window, model=options.model, origin=self._transport.origin)
        return CompactedConversation(message=message, usage=usage)

    async def _stream_compaction(self, call: Call) -> Compaction:
        response = await self._attempts.send(call)
        items = call.prepared_request.encoded_request.body["input"]
        return Compaction(window=build_window(items, find_streamed_compaction(response)), response=response)

    async def _request_compaction(self, call: Call) -> Compaction:
        content = write_compact_request(call.prepared_request.body)
        async with self._spending.reserve(call):
            compaction = read_compaction(await self._post_document(COMPACT_PATH, content, call.options))
            self._attempts.report_cost(sum_call_usage([compaction.response], call.options, self._profile))
        return compaction

    async def _post_document(
        self, path: str, content: bytes, options: Options, *, max_retries: int | None = None
    ) -> object:
        """Send a JSON object and return the document that comes back. The errors are those of a call."""
        send = partial(post_document, self._transport, path, content, profile=self._profile, options=options)
        async with get_limiter(self._transport.origin).slot(options.max_concurrent_requests):
            return await send(headers=self._attempts.build_session_headers(options), max_retries=max_retries)


def _begin_silent_call(request: ChatRequest, options: Options, events: CallEvents) -> Call:
    """Return a call of which no reader sees anything."""
    return Call(request=request, options=options, events=events, deltas=VisibleDeltas(None))
