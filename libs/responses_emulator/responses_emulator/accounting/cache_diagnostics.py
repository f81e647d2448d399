"""Why a prompt was not read from the cache: a request is compared with that of an earlier response.

Invariant: only the first reason is given, and nobody is charged for it. Source: OpenAI's guide on prompt cache
diagnostics, and the types of openai 3.57, seen 2026-12-01. The order of the reasons is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from responses_emulator.accounting.prompt_cache import CACHE_FROM
from responses_emulator.accounting.tokens import count_tokens, item_text

_MAX_RECORDS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    settings: dict[str, Any]
    items: list[str]


@dataclass(slots=True)
class CacheDiagnostics:
    """The records of the newest responses of each account."""

    records: dict[tuple[str, str], _Record] = field(default_factory=dict)

    def compare(
        self, body: dict[str, Any], items: list[dict[str, Any]], *, account: str, model: str, is_supported: bool
    ) -> dict[str, Any] | None:
        """Return the diagnostics that a request asks for; None if it asks for none."""
        response_id = (body.get("prompt_cache_options") or {}).get("comparison_response_id")
        if response_id is None:
            return None
        if not is_supported:
            return {"type": "unavailable"}
        earlier = self.records.get((account, response_id))
        if earlier is None:
            return {"type": "comparison_response_not_found"}
        reason = _find_reason(earlier, _make_record(body, items, model))
        tokens = sum(map(count_tokens, earlier.items))
        if reason is None or tokens < CACHE_FROM:
            return {"type": "cache_hit"}
        return {
            "type": "cache_miss",
            "reason": reason,
            "cache_missed_tokens": tokens,
            "comparison_reusable_tokens": tokens,
        }

    def add(
        self, response_id: str, body: dict[str, Any], items: list[dict[str, Any]], *, account: str, model: str
    ) -> None:
        """Remember what a response answered."""
        self.records[account, response_id] = _make_record(body, items, model)
        while len(self.records) > _MAX_RECORDS:
            del self.records[next(iter(self.records))]


def _make_record(body: dict[str, Any], items: list[dict[str, Any]], model: str) -> _Record:
    text = body.get("text") or {}
    settings = {
        "model_changed": model,
        "prompt_cache_key_changed": body.get("prompt_cache_key"),
        "service_tier_changed": body.get("service_tier"),
        "tools_changed": body.get("tools") or [],
        "text_format_changed": text.get("format"),
        "reasoning_effort_changed": (body.get("reasoning") or {}).get("effort"),
        "verbosity_changed": text.get("verbosity"),
    }
    return _Record(settings=settings, items=[body.get("instructions") or "", *map(item_text, items)])


def _find_reason(earlier: _Record, now: _Record) -> str | None:
    reasons = (reason for reason, value in now.settings.items() if value != earlier.settings[reason])
    changed = next(reasons, None)
    if changed is not None or now.items[: len(earlier.items)] == earlier.items:
        return changed
    has_compaction = any('"type":"compaction"' in item for item in now.items)
    return "context_compacted" if has_compaction else "input_changed"
