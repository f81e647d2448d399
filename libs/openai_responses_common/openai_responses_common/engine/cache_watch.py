"""Finds out why a prompt that should have been in the cache was not, and what that cost.

Of the newest requests of each conversation it knows digests of their parts, so it can say what a later one changed. A
service that knows the reason itself is asked, and its word counts more. Knows neither hooks nor a connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, cast

from ..facts.amendments import Amendments
from ..facts.backend_profile import BackendProfile
from ..facts.price import TokenCounts
from ..options.options import Options
from ..translate.encode import EncodedRequest
from ..translate.usage import Pricing, calculate_missed_cost_usd, read_token_counts
from ..wire.additional_tools import has_tools_item
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
class Prompt:
    """What the cache depends on in a request, as digests.

    Attributes:
        parts: the digest of each part; tools in the input are a part.
        items: the digest of each other input item.
        sizes: the bytes of each of these items.
        rest_size: the bytes of tools and instructions, which come before the items.
        first_item: the index of the first of these items in the input.
        lifetime_s: how long the service caches the prompt, in seconds.
    """

    parts: Mapping[str, int]
    items: tuple[int, ...]
    sizes: tuple[int, ...]
    rest_size: int
    first_item: int
    lifetime_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPrompt:
    """A prompt that got a response.

    Attributes:
        prompt: the prompt.
        response_id: the id of the response.
        at_s: when the response was complete, by a clock that only goes forward.
        input_tokens: the tokens of the input, those from the cache included.
    """

    prompt: Prompt
    response_id: str
    at_s: float
    input_tokens: int


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

    def find_earlier(self, prompt: Prompt, options: Options) -> SentPrompt | None:
        """Return the newest prompt of the conversation that has most in common with another; None if none has."""
        best, longest = None, 0
        for sent in reversed(self._prompts.get(options.prompt_cache_key or "", ())):
            items = sent.prompt.items
            if len(items) > longest and (length := _count_common(items, prompt.items)) > longest:
                best, longest = sent, length
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

    def add(self, prompt: Prompt, response: Response, options: Options) -> None:
        """Note a prompt that got a response."""
        key, counts = options.prompt_cache_key, read_token_counts(response)
        if not key or counts is None or not response.get("id"):
            return
        sent = SentPrompt(
            prompt=prompt, response_id=str(response["id"]), at_s=time.monotonic(), input_tokens=counts.input
        )
        earlier = self._prompts.pop(key, ())
        self._prompts[key] = (*earlier, sent)[-_MAX_PROMPTS:]
        while len(self._prompts) > _MAX_CONVERSATIONS:
            del self._prompts[next(iter(self._prompts))]

    def find_miss(self, earlier: SentPrompt, prompt: Prompt, response: Response, pricing: Pricing) -> CacheMiss | None:
        """Return why the cache missed; None if it did not, or if nobody can tell.

        Args:
            earlier: the prompt that the cache may have.
            prompt: the prompt of the request.
            response: the response to it.
            pricing: what decides its price.
        """
        counts = read_token_counts(response)
        if counts is None or _is_hit(earlier.input_tokens, counts):
            return None
        reusable_tokens = _count_reusable_tokens(earlier, prompt)
        if _is_hit(reusable_tokens, counts):
            return None
        idle_s = time.monotonic() - earlier.at_s
        notice = as_object(response.get("prompt_cache_diagnostics"))
        service_reason = find_word(notice.get("reason"), self._scrub) if notice.get("type") == "cache_miss" else ""
        own_reason, changed_item = _find_change(earlier.prompt, prompt, idle_s)
        missed_tokens = min(reusable_tokens, counts.input) - counts.cache_read
        return CacheMiss(
            reason=service_reason or own_reason,
            source="service" if service_reason else "provider",
            missed_tokens=missed_tokens,
            changed_item=changed_item,
            idle_s=idle_s,
            extra_cost_usd=calculate_missed_cost_usd(response, missed_tokens, pricing),
        )


def digest_prompt(body: RequestBody) -> Prompt:
    """Return what the cache depends on in a body."""
    written, fields, first_item = body.write(), body.fields, int(has_tools_item(body.items))
    digests, sizes = body.digests(), body.sizes()
    parts = {
        name: hash(written[name]) for name in ("model", "service_tier", "tools", "instructions") if name in written
    }
    if first_item:
        parts["tools"] = hash((parts.get("tools"), digests[0]))
    text, reasoning = as_object(fields.get("text")), as_object(fields.get("reasoning"))
    values = {"format": text.get("format"), "verbosity": text.get("verbosity"), "effort": reasoning.get("effort")}
    parts |= {name: hash(repr(value)) for name, value in values.items() if value is not None}
    ttl = str(as_object(fields.get(_FIELD)).get("ttl"))
    return Prompt(
        parts=parts,
        items=digests[first_item:],
        sizes=sizes[first_item:],
        rest_size=sum(len(written.get(name, b"")) for name in ("tools", "instructions")) + sum(sizes[:first_item]),
        first_item=first_item,
        lifetime_s=_LIFETIME_S.get(ttl, _LIFETIME_S["30m"]),
    )


def _is_hit(reusable_tokens: int, counts: TokenCounts) -> bool:
    return min(reusable_tokens, counts.input) - counts.cache_read < _SMALLEST_MISS_TOKENS


def _count_reusable_tokens(earlier: SentPrompt, prompt: Prompt) -> int:
    """Return how many tokens of an earlier prompt a later one could have read from the cache.

    An edited history counts as a whole, because the edit is what the user pays for. A request that only begins like the
    earlier one, as a call for another purpose does, counts up to where they part; bytes say how much that is.
    """
    before = earlier.prompt
    common = _count_common(before.items, prompt.items)
    rest, new_rest = set(before.items[common:]), set(prompt.items[common:])
    recurring = len(rest & new_rest)
    if not rest or (recurring and 2 * recurring >= min(len(rest), len(new_rest))):
        return earlier.input_tokens
    common_size, size = before.rest_size + sum(before.sizes[:common]), before.rest_size + sum(before.sizes)
    return earlier.input_tokens * common_size // size


def _count_common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many entries two sequences begin with alike."""
    shorter = min(len(first), len(second))
    if first[:shorter] == second[:shorter]:  # nearly always, and a fifth of the time of the loop
        return shorter
    return next(index for index in range(shorter) if first[index] != second[index])


def _find_change(earlier: Prompt, prompt: Prompt, idle_s: float) -> tuple[str, int | None]:
    """Return what changed since an earlier prompt, and the index of the first input item that did."""
    for name, reason in _CHANGES.items():
        if earlier.parts.get(name) != prompt.parts.get(name):
            return reason, None
    common = _count_common(earlier.items, prompt.items)
    if common < len(earlier.items):
        return "input_changed", common + prompt.first_item
    return ("expired" if idle_s > prompt.lifetime_s else "unknown"), None
