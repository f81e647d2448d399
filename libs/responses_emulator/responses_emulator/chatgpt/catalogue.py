"""The model catalogue of the ChatGPT Codex backend: what it lists, to whom, and which slugs a request may name.

Fields as in OpenAI's own client (`ModelInfo`, models.json) and in its users' copies of the answer (seen 2026-11-21).
Windows, default levels and order as in the catalogue inside OpenAI's own client 0.169 (captured 2026-11-30).
Invariants: one ETag stands for the whole catalogue, so that the `x-models-etag` of a response can be compared with it;
an entry is shown only to clients of its minimal version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from responses_emulator.facts import models
from responses_emulator.facts.models import Model

Visibility = Literal["list", "hide", "none"]

_DESCRIPTIONS = {
    "minimal": "Fastest responses with little reasoning",
    "low": "Fast responses with lighter reasoning",
    "medium": "Balances speed and reasoning depth for everyday tasks",
    "high": "Greater reasoning depth for complex problems",
    "xhigh": "Extra high reasoning depth for complex problems",
    "max": "Maximum reasoning depth for the hardest problems",
    "ultra": "Maximum reasoning with automatic task delegation",
}
# A level of the client's own: it is listed, and refused in a request (third-party notes, seen 2026-11-21).
CLIENT_ONLY = "ultra"
_OLDEST_CLIENT_VERSION = "0.62.0"
# Third-party notes on who is shown what (seen 2026-11-21).
_FIRST_CLIENT_VERSIONS = {
    "gpt-6.1-sol": "0.156.0",
    "gpt-6.1-terra": "0.156.0",
    "gpt-6-sol": "0.155.0",
    "gpt-6-luna": "0.155.0",
    "gpt-6-astra": "0.153.0",
    **dict.fromkeys(("gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"), "0.144.0"),
}
_DEFAULT_MODEL = "gpt-6.1-sol"
_CURRENT_MODELS = (
    *(_DEFAULT_MODEL, "gpt-6-astra", "gpt-6-sol", "gpt-6-luna"),
    *("gpt-5.6-sol", "gpt-6.1-terra", "gpt-5.6-terra", "gpt-5.6-luna"),
)
_DEFAULT_LEVELS = {
    **dict.fromkeys(_CURRENT_MODELS, "medium"),
    **dict.fromkeys((_DEFAULT_MODEL, "gpt-6-astra", "gpt-6.1-terra", "gpt-5.6-sol"), "low"),
}
# Slugs that this sign-in no longer serves (third-party notes and issue reports, seen 2026-11-21).
RETIRED_MODELS = frozenset({"gpt-5.2", "gpt-5.3-codex", "gpt-5.4", "gpt-5.4-mini", "gpt-5.5"})
_FAST_TIER = {"id": "priority", "name": "Fast", "description": "1.5x speed, increased usage"}
_WINDOW = 272_000
_WINDOWS = {"gpt-6.1-terra": 500_000}
# opencode 1.18.33 asks for titles with it (captured 2026-12-01).
_UNLISTED_EFFORTS = {"gpt-5.5": ("none",)}
# The window that a client may ask for; no client is known to do so.
_MAX_WINDOW = 872_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One model of the catalogue.

    Attributes:
        efforts: reasoning levels as listed; empty for a model that does not reason.
        unlisted_efforts: levels that are accepted too.
        since: minimal client version, in either of its two spellings.
        like: the model of the public API that it behaves like, where that is not the slug itself.
        more: fields to add or to replace in the document.
    """

    slug: str
    efforts: tuple[str, ...] = ("low", "medium", "high", "xhigh")
    unlisted_efforts: tuple[str, ...] = ()
    default_effort: str | None = "medium"
    visibility: Visibility = "list"
    priority: int = 1
    first_client_version: str | tuple[int, ...] = _OLDEST_CLIENT_VERSION
    window: int | None = _WINDOW
    max_window: int | None = None
    modalities: tuple[str, ...] = ("text", "image")
    fast: bool = True
    lite: bool = False
    supported_in_api: bool = True
    behaves_like: str | None = None
    extra_fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_for_newer_clients(self) -> bool:
        """Whether the oldest client does not get the model."""
        return parse_version(self.first_client_version) > parse_version(_OLDEST_CLIENT_VERSION)

    @property
    def model(self) -> Model:
        """How it behaves: as the model of that name, with the levels and the window of this entry."""
        found = models.find_model(self.behaves_like or self.slug) or models.any_model(self.slug)
        efforts = (*self.unlisted_efforts, *(effort for effort in self.efforts if effort != CLIENT_ONLY))
        window = self.window or found.window
        return replace(found, id=self.slug, efforts=efforts, default_effort=self.default_effort, window=window)

    def document(self) -> dict[str, Any]:
        """The entry as `GET /models` gives it."""
        takes_verbosity = self.slug.startswith(("gpt-5", "gpt-6"))
        title = self.slug.replace("-", " ").title().replace("Gpt ", "GPT-")
        levels = [{"effort": effort, "description": _DESCRIPTIONS.get(effort, effort)} for effort in self.efforts]
        return {
            "slug": self.slug,
            "display_name": title,
            "description": f"{title}, served by the offline service.",
            "visibility": self.visibility,
            "priority": self.priority,
            "supported_in_api": self.supported_in_api,
            "available_in_plans": ["free", "go", "plus", "pro", "team", "business", "enterprise", "edu"],
            "minimal_client_version": list(self.first_client_version)
            if isinstance(self.first_client_version, tuple)
            else self.first_client_version,
            "default_reasoning_level": self.default_effort,
            "supported_reasoning_levels": levels,
            "supports_reasoning_summaries": bool(self.efforts),
            "default_reasoning_summary": "none",
            "reasoning_summary_format": "experimental",
            "support_verbosity": takes_verbosity,
            "default_verbosity": "low" if takes_verbosity else None,
            "context_window": self.window,
            "max_context_window": self.max_window or self.window,
            "effective_context_window_percent": 95,
            "auto_compact_token_limit": None,
            "truncation_policy": {"mode": "tokens", "limit": 10_000},
            "supports_parallel_tool_calls": True,
            "shell_type": "shell_command",
            "apply_patch_tool_type": "freeform",
            "web_search_tool_type": "text_and_image",
            "experimental_supported_tools": [],
            "supports_search_tool": True,
            "input_modalities": list(self.modalities),
            "supports_image_detail_original": "image" in self.modalities,
            "base_instructions": "You are a coding agent.",
            "additional_speed_tiers": ["fast"] if self.fast else [],
            "service_tiers": [_FAST_TIER] if self.fast else [],
            "default_service_tier": None,
            "use_responses_lite": self.lite,
            "prefer_websockets": False,
            "upgrade": None,
            "availability_nux": None,
            # Lite and this mode go together in the catalogue inside OpenAI's own client (captured 2026-11-30).
            **({"tool_mode": "code_mode_only"} if self.lite else {}),
            **self.extra_fields,
        }


@dataclass(slots=True)
class Catalogue:
    """What is served; a test may exchange `entries` while the service runs.

    Attributes:
        entries: what is listed.
        retired: slugs that were served once.
        others: models of the public API are served too, unlisted.
    """

    entries: tuple[CatalogueEntry, ...]
    retired_models: frozenset[str] = frozenset()
    serves_unlisted_models: bool = False

    @property
    def etag(self) -> str:
        """The tag of the whole catalogue."""
        text = json.dumps([entry.document() for entry in self.entries])
        return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'

    def find(self, slug: str) -> CatalogueEntry | None:
        return next((entry for entry in self.entries if entry.slug == slug), None)

    def model(self, slug: str) -> Model | None:
        """The model behind a slug; None for one that is not served."""
        if (entry := self.find(slug)) is not None:
            return entry.model
        return models.find_model(slug) if self.serves_unlisted_models else None

    def document(self, client_version: str | None) -> dict[str, Any]:
        """The answer for a client of that version; one that does not say counts as the oldest."""
        asked = parse_version(client_version or "0")
        return {
            "models": [entry.document() for entry in self.entries if parse_version(entry.first_client_version) <= asked]
        }


def parse_version(value: str | tuple[int, ...]) -> tuple[int, ...]:
    """Return a version to compare. A text that is not a version counts as the oldest."""
    if isinstance(value, tuple):
        return value
    return tuple(int(number) for number in re.findall(r"\d+", value)[:3])


def default_catalogue() -> Catalogue:
    """Every reasoning model of the public API is listed, all others are served: for tests of behaviour."""
    slugs = [str(row["id"]) for row in models.model_list()]
    reasoning = {slug for slug in slugs if (model := models.find_model(slug)) and model.reasons and not _is_dated(slug)}
    order = [*_CURRENT_MODELS, *sorted(reasoning - set(_CURRENT_MODELS), reverse=True)]
    listed = tuple(catalogue_entry(slug, number) for number, slug in enumerate(order, 1))
    return Catalogue(entries=(*listed, *_hidden_entries(len(order))), serves_unlisted_models=True)


def strict_catalogue() -> Catalogue:
    """The catalogue that third-party notes of October 2026 report for an account."""
    listed = tuple(catalogue_entry(slug, number) for number, slug in enumerate(_CURRENT_MODELS, 1))
    return Catalogue(entries=(*listed, *_hidden_entries(len(listed))), retired_models=RETIRED_MODELS)


def _hidden_entries(count: int) -> tuple[CatalogueEntry, ...]:
    """One for this sign-in alone, and the hidden ones."""
    spark = CatalogueEntry(
        slug="gpt-5.3-codex-spark",
        behaves_like="gpt-5.3-codex",
        default_effort="high",
        priority=count + 1,
        first_client_version=(0, 98, 0),
        window=128_000,
        modalities=("text",),
        fast=False,
        supported_in_api=False,
    )
    hidden = [
        CatalogueEntry(
            slug=slug,
            behaves_like="gpt-5.6-sol",
            visibility="hide",
            priority=count + number,
            window=None,
            fast=False,
            lite=slug == "codex-auto-review",
        )
        for number, slug in enumerate(("codex-auto-review", "gpt-reserve"), 2)
    ]
    return (spark, *hidden)


def catalogue_entry(slug: str, priority: int) -> CatalogueEntry:
    """The entry of a model of the public API."""
    model = models.find_model(slug)
    assert model is not None
    # No entry is known to list `none`; third-party notes say that 5.6 refuses it here (seen 2026-11-21).
    efforts = tuple(effort for effort in model.efforts if effort != "none")
    default = _DEFAULT_LEVELS.get(slug) or (model.default_effort if model.default_effort in efforts else "medium")
    upgrade = (
        {"model": _DEFAULT_MODEL, "migration_markdown": f"{slug} gives way to {_DEFAULT_MODEL}."}
        if slug in RETIRED_MODELS
        else None
    )
    return CatalogueEntry(
        slug=slug,
        efforts=(*efforts, CLIENT_ONLY) if "max" in efforts else efforts,
        unlisted_efforts=_UNLISTED_EFFORTS.get(slug, ()),
        default_effort=default,
        priority=priority,
        first_client_version=_FIRST_CLIENT_VERSIONS.get(slug, _OLDEST_CLIENT_VERSION),
        window=_WINDOWS.get(slug, _WINDOW),
        max_window=_MAX_WINDOW if slug in _CURRENT_MODELS else None,
        lite=slug in _CURRENT_MODELS,
        extra_fields={"upgrade": upgrade},
    )


def _is_dated(slug: str) -> bool:
    return re.search(r"-\d{4}-\d{2}-\d{2}$", slug) is not None
