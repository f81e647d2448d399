"""Finds out why a prompt that should have been in the cache was not, and what that cost.

Of the newest requests of each conversation it knows digests of their parts, so it can say what a later one changed. A
service that knows the reason itself is asked, and its word counts more. Knows neither hooks nor a connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast

from ..facts.amendments import Amendments
from ..facts.backend_profile import BackendProfile
from ..options.options import Options
from ..translate.background import find_completion_window
from ..translate.encode import EncodedRequest
from ..translate.usage import calculate_missed_cost_usd, read_token_counts
from ..wire.json_values import as_object
from ..wire.plain_text import find_word
from ..wire.request_body import RequestBody
from ..wire.types import Body, Response

_FIELD = "prompt_cache_options"
_MAX_CONVERSATIONS = 64
_MAX_PROMPTS = 4  # of one conversation: hosts make calls for other purposes in between
# What a service caches at least (OpenAI's guide on prompt caching, seen 2026-12-01); a smaller miss is no news.
_SMALLEST_MISS_TOKENS = 1024
_LIFETIME_S = {"30m": 1800.0, "12h": 43200.0}

_CHANGES: Mapping[str, str] = {
    "model": "model_changed",
    "service_tier": "service_tier_changed",
    "tools": "tools_changed",
    "format": "text_format_changed",
    "effort": "reasoning_effort_changed",
    "verbosity": "verbosity_changed",
    "instructions": "input_changed",
}
"""Part of a request to the service's word for its change. Source: openai 3.57, `PromptCacheDiagnostics`."""

_DESCRIPTIONS: Mapping[str, str] = {
    "model_changed": "another model responded",
    "service_tier_changed": "the service tier changed",
    "tools_changed": "the tools changed",
    "text_format_changed": "the output format changed",
    "reasoning_effort_changed": "the effort changed",
    "verbosity_changed": "the verbosity changed",
    "prompt_cache_key_changed": "the prompt_cache_key changed",
    "context_compacted": "the conversation was compacted",
    "input_changed": "the system prompt or an earlier message changed",
    "expired": "the cached prompt had expired",
    "unknown": "the request only grew, so the service has lost it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPrompt:
    """A request that got a response, as digests.

    Attributes:
        response_id: the id of the response.
        at_s: when the response was complete, by a clock that only goes forward.
        input_tokens: the tokens of its input, those from the cache included.
        parts: the digest of each part that the cache depends on.
        items: the digest of each input item.
        sizes: the bytes of each input item.
        rest_size: the bytes of tools and instructions, which come before the items.
    """

    response_id: str
    at_s: float
    input_tokens: int
    parts: Mapping[str, int]
    items: tuple[int, ...]
    sizes: tuple[int, ...]
    rest_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheMiss:
    """Input that was billed although an earlier request of the conversation had it.

    Attributes:
        reason: a word of the service, or `expired` or `unknown`.
        source: who says so.
        missed_tokens: how many tokens of the earlier request were not read from the cache.
        changed_item: the index of the first input item that changed; None if none did, or if nobody knows.
        idle_s: the seconds since the earlier response.
        extra_cost_usd: what a full cache would have saved; None if a price is not known.
    """

    reason: str
    source: Literal["service", "provider"]
    missed_tokens: int
    changed_item: int | None
    idle_s: float
    extra_cost_usd: Decimal | None

    def list_fields(self) -> dict[str, Any]:
        """Return the miss as plain JSON."""
        cost_usd = None if self.extra_cost_usd is None else str(self.extra_cost_usd)
        fields = {"reason": self.reason, "source": self.source, "missed_tokens": self.missed_tokens}
        return {
            **fields,
            "changed_item": self.changed_item,
            "idle_s": int(self.idle_s),
            "extra_cost_usd": cost_usd,
        }

    def describe(self) -> str:
        """Return the miss as a sentence for the log."""
        source = "the service says" if self.source == "service" else "seen by the provider"
        place = "" if self.changed_item is None else f", from input item {self.changed_item} on"
        return (
            f"the prompt cache missed {self.missed_tokens:,} tokens, so this turn cost {self.extra_cost_usd:.2f} USD "
            f"more: {_DESCRIPTIONS.get(self.reason, self.reason)}{place} ({source})"
        )


class CacheWatch:
    """Watches the prompt cache of one account.

    Args:
        profile: the facts about the service.
        scrub: removes the credential from a text.
    """

    def __init__(self, profile: BackendProfile, *, scrub: Callable[[str], str]) -> None:
        self._profile = profile
        self._scrub = scrub
        self._prompts: dict[str, tuple[SentPrompt, ...]] = {}

    def find_earlier(self, body: RequestBody, options: Options) -> SentPrompt | None:
        """Return the newest request of the conversation that a body has most in common with; None if there is none."""
        _, items = _digest(body)
        best, longest = None, 0
        for prompt in self._prompts.get(options.prompt_cache_key or "", ()):
            length = _count_common(prompt.items, items)
            if length >= max(longest, 1):
                best, longest = prompt, length
        return best

    def ask_for_reason(
        self, encoded: EncodedRequest, body: RequestBody, earlier: SentPrompt, options: Options, amendments: Amendments
    ) -> tuple[EncodedRequest, RequestBody]:
        """Return a request that names an earlier response, so that the service says why its cache missed."""
        if not self._may_ask(options, amendments):
            return encoded, body
        value = {**as_object(body.fields.get(_FIELD))}
        value.setdefault("comparison_response_id", earlier.response_id)
        body = body.with_field(_FIELD, value)
        return replace(encoded, body=cast(Body, {**body.fields, "input": body.items})), body

    def _may_ask(self, options: Options, amendments: Amendments) -> bool:
        profile, may_ask = self._profile, options.cache_diagnostics
        if may_ask is None:
            may_ask = profile.cache_diagnostics and options.model_info.traits_of(options.model).cache_options
        is_accepted = _FIELD not in profile.refused_fields and (
            profile.allowed_fields is None or _FIELD in profile.allowed_fields
        )
        refused = {_FIELD, f"{_FIELD}.comparison_response_id"}
        return may_ask and is_accepted and refused.isdisjoint(amendments.dropped_fields)

    def add(self, body: RequestBody, response: Response, options: Options) -> None:
        """Note a request that got a response."""
        key, counts = options.prompt_cache_key, read_token_counts(response)
        if not key or counts is None or not response.get("id"):
            return
        parts, items = _digest(body)
        sizes, rest_size = _measure(body)
        prompt = SentPrompt(
            response_id=str(response["id"]),
            at_s=time.monotonic(),
            input_tokens=counts.input,
            parts=parts,
            items=items,
            sizes=sizes,
            rest_size=rest_size,
        )
        earlier = self._prompts.pop(key, ())
        self._prompts[key] = (*earlier, prompt)[-_MAX_PROMPTS:]
        while len(self._prompts) > _MAX_CONVERSATIONS:
            del self._prompts[next(iter(self._prompts))]

    def find_miss(
        self, earlier: SentPrompt, body: RequestBody, response: Response, options: Options, day: date
    ) -> CacheMiss | None:
        """Return why the cache missed; None if it did not, or if nobody can tell."""
        counts = read_token_counts(response)
        if counts is None:
            return None
        missed_tokens = min(_count_reusable_tokens(earlier, body), counts.input) - counts.cache_read
        notice = as_object(response.get("prompt_cache_diagnostics"))
        told = find_word(notice.get("reason"), self._scrub) if notice.get("type") == "cache_miss" else ""
        if missed_tokens < _SMALLEST_MISS_TOKENS:
            return None
        idle_s = time.monotonic() - earlier.at_s
        reason, changed_item = _find_change(earlier, body, idle_s, response)
        return CacheMiss(
            reason=told or reason,
            source="service" if told else "provider",
            missed_tokens=missed_tokens,
            changed_item=changed_item,
            idle_s=idle_s,
            extra_cost_usd=calculate_missed_cost_usd(
                response,
                missed_tokens,
                model=options.model,
                profile=self._profile,
                model_info=options.model_info,
                day=day,
                completion_window=find_completion_window(options, self._profile),
            ),
        )


def _digest(body: RequestBody) -> tuple[dict[str, int], tuple[int, ...]]:
    """Return the digests of the parts and of the items of a body; tools in the input are a part."""
    written, fields, items = body.write(), body.fields, body.digests()
    parts = {
        name: hash(written[name]) for name in ("model", "service_tier", "tools", "instructions") if name in written
    }
    if _has_tools_first(body):
        parts["tools"] = hash((parts.get("tools"), items[0]))
        items = items[1:]
    text, reasoning = as_object(fields.get("text")), as_object(fields.get("reasoning"))
    values = {"format": text.get("format"), "verbosity": text.get("verbosity"), "effort": reasoning.get("effort")}
    return {**parts, **{name: hash(repr(value)) for name, value in values.items() if value is not None}}, items


def _measure(body: RequestBody) -> tuple[tuple[int, ...], int]:
    """Return the bytes of each item, and those of what comes before the items."""
    written, sizes = body.write(), body.sizes()
    rest_size = sum(len(written.get(name, b"")) for name in ("tools", "instructions"))
    return (sizes[1:], rest_size + sizes[0]) if _has_tools_first(body) else (sizes, rest_size)


def _count_reusable_tokens(earlier: SentPrompt, body: RequestBody) -> int:
    """Return how many tokens of an earlier request a later one could have read from the cache.

    An edited history counts as a whole, because the edit is what the user pays for. A request that only begins like the
    earlier one, as a call for another purpose does, counts up to where they part; bytes say how much that is.
    """
    _, items = _digest(body)
    common = _count_common(earlier.items, items)
    rest, new_rest = set(earlier.items[common:]), set(items[common:])
    recurring = len(rest & new_rest)
    if not rest or (recurring and 2 * recurring >= min(len(rest), len(new_rest))):
        return earlier.input_tokens
    common_size, size = earlier.rest_size + sum(earlier.sizes[:common]), earlier.rest_size + sum(earlier.sizes)
    return earlier.input_tokens * common_size // size


def _has_tools_first(body: RequestBody) -> bool:
    return bool(body.items) and body.items[0].get("type") == "additional_tools"


def _count_common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many entries two sequences begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))


def _find_change(earlier: SentPrompt, body: RequestBody, idle_s: float, response: Response) -> tuple[str, int | None]:
    """Return what changed since an earlier request, and the index of the first item that did."""
    parts, items = _digest(body)
    for name, reason in _CHANGES.items():
        if earlier.parts.get(name) != parts.get(name):
            return reason, None
    common = _count_common(earlier.items, items)
    if common < len(earlier.items):
        return "input_changed", common + _has_tools_first(body)
    options = as_object(response.get(_FIELD)) or as_object(body.fields.get(_FIELD))
    return ("expired" if idle_s > _LIFETIME_S.get(str(options.get("ttl")), _LIFETIME_S["30m"]) else "unknown"), None
