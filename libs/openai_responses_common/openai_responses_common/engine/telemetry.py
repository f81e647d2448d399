"""Every hook event of a call is emitted here and nowhere else.

One `request_id` runs through the request, its deltas, its retries and its response; `llm:request` and `llm:response`
come exactly once per call, also when it fails or is cancelled. Nothing is emitted without a coordinator.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from amplifier_core.llm_errors import LLMError, QuotaExceededError, RateLimitError

from ..facts.profile import API_LIMITS, LimitTable
from ..options.options import Options
from ..translate.decode import DecodedResponse
from ..translate.deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta
from ..translate.encode import CIPHERTEXT_INCLUDE
from ..translate.repair import Repair
from ..transport.tasks import finish
from ..wire.json_values import as_object
from ..wire.types import Event, Response
from .redact import redact

_MAX_DEBUG_CHARACTERS = 180
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")

Sink: TypeAlias = Callable[[list[Delta]], Awaitable[None]]
"""Takes the deltas of a call as they come, in batches."""


class CallEvents:
    """The events of one call.

    Attributes:
        request_id: ties them together.
        headers: those of the newest response; rate limits are read from them.
    """

    def __init__(
        self,
        coordinator: Any,
        *,
        provider: str,
        options: Options,
        scrub: Callable[[str], str],
        limits: LimitTable = API_LIMITS,
    ) -> None:
        self._hooks = getattr(coordinator, "hooks", None)
        self._call_fields = {"provider": provider, "model": options.model}
        self._options = options
        self._scrub = scrub
        self._limit_table = limits
        self._event_limits: dict[str, Any] = {}
        self._started_s = time.monotonic()
        self._request_was_emitted = False
        self._response_was_emitted = False
        self.request_id = str(uuid.uuid4())
        self.headers: Mapping[str, str] = {}

    @property
    def has_listeners(self) -> bool:
        """Is there anyone to emit to?"""
        return self._hooks is not None

    async def _emit(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell all handlers, also when the call is cancelled while they are at work: half an event helps nobody."""
        if self._hooks is None:
            return
        await _run_shielded(self._hooks.emit(event, self._add_call_fields(data)))

    def _add_call_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._call_fields, "request_id": self.request_id, **data}

    async def emit_request(self, body: Mapping[str, Any], *, message_count: int, dropped: Sequence[str]) -> None:
        self._request_was_emitted = True
        options = self._options
        data: dict[str, Any] = {
            "message_count": message_count,
            "input_count": len(body.get("input", ())),
            "tool_count": len(body.get("tools", ())),
            "has_instructions": "instructions" in body,
            "reasoning": body.get("reasoning"),
            "reasoning_enabled": CIPHERTEXT_INCLUDE in body.get("include", ()),
            "dropped": list(dropped),
            "extra_body": sorted(options.extra_body),
        }
        if options.raw:
            data["raw"] = redact(body, scrub=self._scrub)
        await self._emit("llm:request", data)
        await self._emit_debug("llm:request", "request", body)

    async def _emit_debug(self, event: str, key: str, value: Any) -> None:
        if self._options.debug:
            await self._emit(
                f"{event}:debug", {key: redact(value, scrub=self._scrub, max_characters=_MAX_DEBUG_CHARACTERS)}
            )
        if self._options.raw_debug:
            await self._emit(f"{event}:raw", {key: redact(value, scrub=self._scrub)})

    async def emit_response(self, decoded_response: DecodedResponse, responses: Sequence[Response]) -> None:
        usage = decoded_response.usage
        tokens = usage.model_dump(exclude_none=True) if usage else {}
        if usage:
            tokens["cost_usd"] = None if usage.cost_usd is None else str(usage.cost_usd)
        data: dict[str, Any] = {
            "status": "ok",
            "usage": tokens,
            "finish_reason": decoded_response.finish_reason,
            "response_id": responses[-1].get("id"),
            "served_model": responses[-1].get("model"),
            "service_tier": responses[-1].get("service_tier"),
            "continuation_count": len(responses) - 1,
            "rate_limits": self._collect_rate_limits(),
        }
        for key in ("reasoning_removed", "prompt_cache"):
            if found := (decoded_response.metadata or {}).get(f"openai:{key}"):
                data[key] = found
        data = redact(data, scrub=self._scrub)  # some services echo what they were sent
        if self._options.raw:
            data["raw"] = redact(list(responses), scrub=self._scrub)
        await self._emit_end_once(data)
        await self._emit_debug("llm:response", "response", list(responses))

    async def emit_failure(self, error: Exception) -> None:
        if isinstance(error, QuotaExceededError):
            await self._emit_throttle("quota", error.retry_after)
        await self._emit_end_once({"status": "error", "error": str(error), "error_type": type(error).__name__})

    async def emit_cancellation(self) -> None:
        await self._emit_end_once({"status": "cancelled", "error": "the call was cancelled"})

    async def _emit_end_once(self, data: Mapping[str, Any]) -> None:
        if self._response_was_emitted:
            return
        self._response_was_emitted = True
        await _run_shielded(self._emit_end(data))

    async def _emit_end(self, data: Mapping[str, Any]) -> None:
        """The response event, and before it the request event of a call that did not get so far."""
        if not self._request_was_emitted:
            await self.emit_request({}, message_count=0, dropped=())
        duration_ms = int((time.monotonic() - self._started_s) * 1000)
        await self._emit("llm:response", {**data, "duration_ms": duration_ms})

    async def emit_deltas(self, deltas: Sequence[Delta]) -> None:
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
        """Without the shield of `_emit`, which costs a task each: a cancellation voids what was shown anyway."""
        data = {"block_index": block.index, "block_type": block.kind, **data}
        if self._hooks is not None:
            await self._hooks.emit(f"llm:stream_block_{phase}", self._add_call_fields(data))

    async def emit_retry(self, attempt: int, delay_s: float, error: LLMError) -> None:
        """Before each wait; `attempt` counts from 1. A rate limit is also told as a throttle."""
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
        rows = [{"kind": row.kind, "tool_call_id": row.call_id, "tool_name": row.tool_name} for row in repairs]
        await self._emit("provider:tool_sequence_repaired", {"repair_count": len(rows), "repairs": rows})

    async def emit_continuation(self, number: int, response: Response, reason: str) -> None:
        data = {
            "response_id": response.get("id"),
            "reason": reason,
            "continuation_number": number,
            "max_attempts": self._options.max_continuations,
        }
        await self._emit("provider:incomplete_continuation", data)

    async def _emit_throttle(self, reason: str, delay_s: float | None) -> None:
        """What holds the call up; of a window that is told in percent the fullest."""
        limits = self._collect_rate_limits() or {}
        used = {key: value for key, value in limits.items() if key.endswith("_used_percent") and _is_number(value)}
        if used:
            fullest = max(used, key=lambda key: used[key])
            minutes = limits.get(fullest.replace("_used_percent", "_window_minutes"))
            dimension = f"{minutes} minutes" if minutes else fullest.removesuffix("_used_percent")
            data: dict[str, Any] = {"dimension": dimension, "remaining": max(0, 100 - used[fullest]), "limit": 100}
        else:
            dimension = "tokens" if str(limits.get("tokens_remaining")) == "0" else "requests"
            data = {
                "dimension": dimension,
                "remaining": limits.get(f"{dimension}_remaining"),
                "limit": limits.get(f"{dimension}_limit"),
            }
        await self._emit("provider:throttle", {"reason": reason, **data, "delay": delay_s})

    def read_event_limits(self, event: Event) -> None:
        """Keep what an event of the stream says of the limits, if it is one that does."""
        if event["type"] != self._limit_table.event:
            return
        for key, path in self._limit_table.event_fields.items():
            value: Any = event
            for step in path:
                value = as_object(value).get(step)
            if isinstance(value, str | int | float):
                self._event_limits[key] = value

    def _collect_rate_limits(self) -> dict[str, Any] | None:
        found = {
            key: self._scrub(self.headers[name])
            for key, name in self._limit_table.headers.items()
            if name in self.headers
        }
        return {**{key: _parse_number(value) for key, value in found.items()}, **self._event_limits} or None


async def emit_auth_required(coordinator: Any, *, provider: str, url: str, minutes: int) -> None:
    """Tell that a person has to sign in on a page; never the code."""
    if (hooks := getattr(coordinator, "hooks", None)) is not None:
        data = {"provider": provider, "verification_uri": url, "expires_in_minutes": minutes}
        await hooks.emit("provider:auth_required", data)


async def _run_shielded(awaitable: Awaitable[None]) -> None:
    """Let nothing interrupt some work; a cancellation comes out when it is done."""
    done = asyncio.ensure_future(awaitable)
    try:
        await finish(done)
    finally:
        done.result()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parse_number(text: str) -> int | float | str:
    return int(text) if text.isdecimal() else float(text) if _DECIMAL.fullmatch(text) else text
