"""Emits all hook events of a call; no other file emits any.

One `request_id` identifies the request, its deltas, its retries and its response. A call emits `llm:request` and
`llm:response` exactly once, also if it fails or is cancelled. Without a coordinator it emits nothing.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from amplifier_core.llm_errors import LLMError, QuotaExceededError, RateLimitError
from amplifier_core.message_models import Usage

from ..facts.backend_profile import API_LIMITS, LimitTable
from ..options.options import Options
from ..translate.decode import DecodedResponse
from ..translate.deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta
from ..translate.encode import CIPHERTEXT_INCLUDE
from ..translate.repair import REPAIR_REASONS, Repair
from ..transport.base import TransportSwitch
from ..wire.additional_tools import has_tools_item, list_tools
from ..wire.types import Event, Response
from ._hooks import HookEmitter
from .cache_watch import CacheMiss
from .progress import CallProgress
from .rate_limits import RateLimits
from .redact import redact

logger = logging.getLogger(__name__)

_MAX_DEBUG_CHARACTERS = 180

CANCELLED = "the call was cancelled"
"""What the events of a call that was cancelled say."""

Sink: TypeAlias = Callable[[list[Delta]], Awaitable[None]]
"""Takes the deltas of a call in batches, as they arrive."""


class CallEvents:
    """Emits the events of one call.

    Args:
        coordinator: the session's coordinator; None if there is no session.
        provider: the mount name of the provider, which every event carries.
        options: the options of the call. They decide whether the events hold bodies.
        scrub: removes the credential from a text.
        limits: where the service reports its rate limits. The default is the API's own headers.
        slow_events: the events whose handlers were cut off, see `HookEmitter`. By default there are none.

    Attributes:
        request_id: the id that all events of the call carry.
        progress: emits that the call goes on.
        headers: the headers of the newest response; the rate limits are read from them.
        spending_limit: the limit of the settings that ends the call, as `provider:throttle` describes it. None if none
            does.
    """

    def __init__(
        self,
        coordinator: Any,
        *,
        provider: str,
        options: Options,
        scrub: Callable[[str], str],
        limits: LimitTable = API_LIMITS,
        slow_events: dict[str, float] | None = None,
    ) -> None:
        self._emitter = HookEmitter(getattr(coordinator, "hooks", None), slow_events)
        self._call_fields = {"provider": provider, "model": redact(options.model)}
        self._options = options
        self._scrub = scrub
        self._redact = partial(redact, scrub=scrub, suspect_keys=tuple(options.extra_body))
        self._limits = RateLimits(limits, scrub)
        self._started_s = time.monotonic()
        self._request_was_emitted = False
        self._response_was_emitted = False
        self.progress = CallProgress(self._emit, options)
        self.request_id = str(uuid.uuid4())
        self.headers: Mapping[str, str] = {}
        self.spending_limit: Mapping[str, str] | None = None

    @property
    def has_listeners(self) -> bool:
        """Return True if there is a session whose hooks get the events."""
        return self._emitter.has_listeners

    def limit_end(self, end_s: float | None = None) -> None:
        """Let no handler hold up the end of the call; see `HookEmitter.limit_end`."""
        self._emitter.limit_end(end_s)

    async def _emit(
        self, event: str, data: Mapping[str, Any], build_rest: Callable[[], Mapping[str, Any]] | None = None
    ) -> None:
        """Emit an event.

        Args:
            event: its name.
            data: its fields, which are redacted here.
            build_rest: returns further fields, redacted. If it raises, the event goes without them. None, by default,
                adds none.
        """
        if not self.has_listeners:
            return
        fields: dict[str, Any] = {}
        try:
            fields.update(self._redact(data))
            fields.update(build_rest() if build_rest else {})
        except Exception:
            logger.exception("the event %s lacks a part of its data", event)
        await self._emitter.emit(event, self._add_call_fields(fields))

    def _add_call_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._call_fields, "request_id": self.request_id, **data}

    async def emit_request(self, body: Mapping[str, Any], *, message_count: int, dropped: Sequence[str]) -> None:
        """Emit `llm:request`.

        Args:
            body: the body of the first request of the call.
            message_count: the number of messages of the chat request.
            dropped: a sentence for each option and each part of the content that the body leaves out.
        """
        self._request_was_emitted = True
        options, items = self._options, body.get("input", ())
        data: dict[str, Any] = {
            "message_count": message_count,
            "input_count": len(items) - has_tools_item(items),
            "tool_count": len(list_tools(body)),
            "has_instructions": "instructions" in body,
            "reasoning": body.get("reasoning"),
            "reasoning_enabled": CIPHERTEXT_INCLUDE in body.get("include", ()),
            "dropped": list(dropped),
            "extra_body": sorted(options.extra_body.keys() - {"input"}),
        }
        await self._emit("llm:request", data, lambda: self._build_raw(body))
        await self._emit_debug("llm:request", "request", body)

    def _build_raw(self, value: Any) -> dict[str, Any]:
        return {"raw": self._redact(value)} if self._options.raw else {}

    async def _emit_debug(self, event: str, key: str, value: Any) -> None:
        if self._options.debug:
            short = partial(self._redact, max_characters=_MAX_DEBUG_CHARACTERS)
            await self._emit(f"{event}:debug", {}, lambda: {key: short(value)})
        if self._options.raw_debug:
            await self._emit(f"{event}:raw", {}, lambda: {key: self._redact(value)})

    async def emit_response(
        self, decoded_response: DecodedResponse, responses: Sequence[Response], cache_miss: CacheMiss | None = None
    ) -> None:
        """Emit `llm:response` of a call that succeeded.

        Args:
            decoded_response: what the host receives.
            responses: the first response of the service, and those that continued it.
            cache_miss: why the cache missed. None, the default, if it did not.
        """
        await self._emit_end_once(
            {"status": "ok"},
            lambda: {
                **self._redact(self._describe_response(decoded_response, responses)),
                **({"cache_miss": cache_miss.list_fields()} if cache_miss else {}),
                **self._build_raw(list(responses)),
            },
        )
        await self._emit_debug("llm:response", "response", list(responses))

    def _describe_response(self, decoded_response: DecodedResponse, responses: Sequence[Response]) -> dict[str, Any]:
        data: dict[str, Any] = {
            "usage": describe_usage(decoded_response.usage),
            "finish_reason": decoded_response.finish_reason,
            "response_id": responses[-1].get("id"),
            "served_model": responses[-1].get("model"),
            "service_tier": responses[-1].get("service_tier"),
            "continuation_count": len(responses) - 1,
            "rate_limits": self._limits.collect(self.headers),
        }
        for key in ("reasoning_removed", "prompt_cache"):
            if value := (decoded_response.metadata or {}).get(f"openai:{key}"):
                data[key] = value
        return data

    async def emit_failure(self, error: BaseException) -> None:
        """Emit `llm:response` of a call that failed; a quota that is used up also emits `provider:throttle`."""
        if isinstance(error, QuotaExceededError):
            await self._emit_throttle("spending_limit" if self.spending_limit else "quota", error.retry_after)
        await self._emit_end_once({"status": "error", "error": str(error), "error_type": type(error).__name__})

    async def emit_cancellation(self, problem: str = CANCELLED, usage: Usage | None = None) -> None:
        """Emit `llm:response` of a call that the host ended.

        Args:
            problem: how it ended; by default it was cancelled.
            usage: of the responses that were complete. None, the default, if there are none, or if no response
                reports its usage.
        """
        data: dict[str, Any] = {"status": "cancelled", "error": problem}
        await self._emit_end_once({**data, "usage": describe_usage(usage)} if usage else data)

    async def _emit_end_once(
        self, data: Mapping[str, Any], build_rest: Callable[[], Mapping[str, Any]] | None = None
    ) -> None:
        if self._response_was_emitted:
            return
        self._response_was_emitted = True
        try:
            if not self._request_was_emitted:  # the call ended before it had a request
                await self.emit_request({}, message_count=0, dropped=())
        finally:
            duration_ms = int((time.monotonic() - self._started_s) * 1000)
            await self._emit("llm:response", {**data, "duration_ms": duration_ms}, build_rest)

    async def emit_deltas(self, deltas: Sequence[Delta]) -> None:
        """Emit an event for each delta; this is the sink of a session."""
        for delta in deltas:
            match delta:
                case BlockStart():
                    name = {"name": delta.name} if delta.name else {}
                    await self._emit_block("start", delta, name)
                case BlockDelta():
                    await self._emit_block("delta", delta, {"sequence": delta.sequence, "text": delta.text})
                case BlockEnd():
                    await self._emit_block("end", delta, {})
                case Aborted():
                    error = {"type": delta.error_type, "msg": delta.message}
                    await self._emit("llm:stream_aborted", {"error": error})

    async def _emit_block(self, phase: str, block: BlockStart | BlockDelta | BlockEnd, data: Mapping[str, Any]) -> None:
        """Emit one event of a block.

        Unlike `_emit` it does not shield the handlers, because a task for each delta is expensive, and a cancellation
        takes all blocks back anyway.
        """
        data = {"block_index": block.index, "block_type": block.kind, **data}
        await self._emitter.emit_at_once(f"llm:stream_block_{phase}", self._add_call_fields(data))

    async def emit_retry(self, attempt: int, delay_s: float, error: LLMError) -> None:
        """Emit `provider:retry` before a wait; a rate limit also emits `provider:throttle`.

        Args:
            attempt: the number of the attempt that failed, from 1.
            delay_s: the seconds until the next attempt.
            error: the failure.
        """
        if isinstance(error, RateLimitError):
            await self._emit_throttle("rate_limit", delay_s)
        data = {
            "attempt": attempt,
            "max_retries": self._options.max_retries,
            "delay": delay_s,
            "error_type": type(error).__name__,
            "error_message": str(error),
        }
        await self._emit("provider:retry", data)

    async def emit_repairs(self, repairs: Sequence[Repair]) -> None:
        """Emit `provider:tool_sequence_repaired`."""
        rows = [
            {
                "kind": row.kind,
                "reason": REPAIR_REASONS[row.kind],
                "tool_call_id": row.call_id,
                "tool_name": row.tool_name,
            }
            for row in repairs
        ]
        await self._emit("provider:tool_sequence_repaired", {"repair_count": len(rows), "repairs": rows})

    async def emit_continuation(self, number: int, response: Response, reason: str) -> None:
        """Emit `provider:incomplete_continuation` before a continuation.

        Args:
            number: the number of the continuation, from 1.
            response: the response that the continuation goes on from.
            reason: the service's reason why the response is incomplete.
        """
        data = {
            "response_id": response.get("id"),
            "reason": reason,
            "continuation_number": number,
            "max_attempts": self._options.max_continuations,
        }
        await self._emit("provider:incomplete_continuation", data)

    async def emit_switch(self, switch: TransportSwitch) -> None:
        """Emit `provider:transport`: a request travels in another way, or over a new connection for a lost one."""
        data = {"from": switch.from_transport, "to": switch.to_transport, "reason": switch.reason}
        await self._emit("provider:transport", data)

    async def emit_compaction(self, input_count: int, window_count: int, usage: Usage | None) -> None:
        """Emit `provider:compaction`: the service compacted a conversation.

        Args:
            input_count: the number of input items before.
            window_count: the number of items that stand for them.
            usage: what that took; None if the service reports none.
        """
        data = {"input_count": input_count, "window_count": window_count, "usage": describe_usage(usage)}
        await self._emit("provider:compaction", data)

    async def emit_shortened(self, data: Mapping[str, Any]) -> None:
        """Emit `provider:context_shortened`: what a host took out of a request that was too long."""
        await self._emit("provider:context_shortened", data)

    async def _emit_throttle(self, reason: str, delay_s: float | None) -> None:
        """Emit `provider:throttle` with the limit that is closest to its end.

        Args:
            reason: `rate_limit`, `quota` or `spending_limit`.
            delay_s: the seconds until the limit allows a request again; None if that is unknown.
        """
        limit = self.spending_limit or self._limits.describe_fullest(self.headers)
        await self._emit("provider:throttle", {"reason": reason, **limit, "delay": delay_s})

    def read_event_limits(self, event: Event) -> None:
        """Read the rate limits from an event of the stream, if it is the one that carries them."""
        self._limits.read_event(event)


async def emit_auth_required(coordinator: Any, *, provider: str, url: str, minutes: int) -> None:
    """Emit `provider:auth_required`: a user has to sign in on a page. The event never holds the code to enter there.

    Args:
        coordinator: the session's coordinator; None if there is no session.
        provider: the mount name of the provider.
        url: the page.
        minutes: how long the code is valid.
    """
    data = {"provider": provider, "verification_uri": url, "expires_in_minutes": minutes}
    await HookEmitter(getattr(coordinator, "hooks", None)).emit("provider:auth_required", data)


def describe_usage(usage: Usage | None) -> dict[str, Any]:
    """Return the usage as plain JSON; empty if there is none."""
    if usage is None:
        return {}
    cost_usd = None if usage.cost_usd is None else str(usage.cost_usd)
    return {**usage.model_dump(exclude_none=True), "cost_usd": cost_usd}
