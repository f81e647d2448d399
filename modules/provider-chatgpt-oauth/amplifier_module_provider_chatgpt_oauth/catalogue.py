"""The models of this sign-in: the service's own catalogue, kept on disk for the next process.

Fields as in OpenAI's own client (models.json, openai_models.rs), seen 2026-11-21. What the service lists beats every
table. Slugs come and go within weeks, so a list that cannot be renewed says how old it is.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.llm_errors import LLMError, ProviderUnavailableError
from amplifier_core.models import ModelInfo
from openai_responses_common import Fetch, Models, Options, describe
from openai_responses_common.auth.background import joined, start
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.facts.traits import EFFORTS
from openai_responses_common.wire.json_values import record, records

logger = logging.getLogger(__name__)

Facts = dict[str, Any]

DEFAULT_MODEL = "gpt-6.1-sol"
"""The service's own default since 2026-09-29 (third-party notes, seen 2026-11-21); the catalogue knows better."""

CLIENT_VERSION = "1.0.0"
"""The catalogue leaves out what an older client could not use; any version from 0.156 on is shown everything. Source:
third-party clients, which send this one or 99.99.99, seen 2026-11-21."""

FAST = "-fast"
"""Ending of a model's name that asks for its fast tier."""

_VERSION = 1
# No entry says how much a model may write; every client takes this number. Seen 2026-11-21.
_OUTPUT_TOKENS = 128_000
_LEVELS = "low medium high xhigh max"

# Until the catalogue was read once. Source: third-party copies of it of October 2026, seen 2026-11-21.
_ASSUMED: Mapping[str, Facts] = {
    slug: {
        "context_window": window,
        "max_output_tokens": _OUTPUT_TOKENS,
        "efforts": _LEVELS,
        "default_effort": "medium",
    }
    for slug, window in {
        "gpt-6.1-sol": 272_000,
        "gpt-6.1-terra": 272_000,
        "gpt-6-astra": 272_000,
        "gpt-6-sol": 272_000,
        "gpt-6-luna": 272_000,
        "gpt-5.6-sol": 372_000,
        "gpt-5.6-terra": 272_000,
        "gpt-5.6-luna": 272_000,
    }.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A catalogue: facts by slug in the service's order, the labels of the slugs that it shows, the slugs that have a
    fast tier; and the content of the file that all of it is read from."""

    content: Facts = field(default_factory=dict[str, Any])
    facts: Mapping[str, Facts] = field(default_factory=dict[str, Facts])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    fast: tuple[str, ...] = ()
    etag: str | None = None
    read_at: float = 0.0


class ChatgptModels(Models):
    """The catalogue of one account.

    Args:
        file: where it is kept for the next process; None for nowhere.
        ttl_s: how long it is good without asking.
        client_version: which client's catalogue is asked for.
        source: what it is the catalogue of; one of another is not used.
    """

    fresh_s = 0.0

    def __init__(self, file: FileStore | None, *, ttl_s: float, client_version: str, source: str) -> None:
        self._file = file
        self._ttl_s = ttl_s
        self._path = f"/models?client_version={client_version}"
        self._source = f"{source}{self._path}"
        self._known: _Known | None = None
        self._changed = False

    @property
    def known(self) -> _Known:
        """The catalogue as far as it is known; an empty one at worst."""
        if self._known is None:
            self._known = self._from_disk()
        return self._known

    async def listed(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """The models that this account is shown, in the service's order; see `Models.listed`."""
        known, since = self.known, ""
        if not known.facts or self._changed or not 0 <= time.time() - known.read_at < self._ttl_s:
            try:
                known = await self._read(fetch, known)
            except LLMError as error:
                if not known.facts or not error.retryable:
                    raise
                since = time.strftime(" (as of %Y-%m-%d %H:%M)", time.localtime(known.read_at))
                logger.warning("the model catalogue cannot be read, the last known one%s is used: %s", since, error)
        return _models(known, options.model_info, since)

    def info(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Models.info`."""
        return self.known.facts or _ASSUMED

    def preferred(self) -> str | None:
        """See `Models.preferred`: what the service shows first."""
        return next(iter(self.known.labels), None)

    def heard(self, headers: Mapping[str, str]) -> None:
        """See `Models.heard`: every answer says which catalogue is the newest."""
        if (etag := headers.get("x-models-etag")) and self._known and self._known.etag not in (None, etag):
            self._changed = True

    def forget(self) -> None:
        """Drop what is kept: another account may be shown other models. Blocks."""
        self._known, self._changed = _Known(), False
        if self._file is not None:
            try:
                self._file.delete()
            except StoreError as error:
                logger.warning("an old model catalogue is left: %s", error)

    async def _read(self, fetch: Fetch, known: _Known) -> _Known:
        document = await fetch.document(self._path, etag=known.etag if known.facts else None)
        content = {**known.content, "read_at": time.time()}
        if not document.unchanged:
            entries = record(document.body).get("models")
            if not isinstance(entries, list):
                raise ProviderUnavailableError("the service's model catalogue cannot be read", retryable=False)
            models = [_kept(entry) for entry in sorted(records(document.body["models"]), key=_order)]
            content |= {"v": _VERSION, "source": self._source, "etag": document.etag, "models": models}
        self._known, self._changed = _known(content), False
        await joined(start(lambda: self._to_disk(content)))
        return self._known

    def _from_disk(self) -> _Known:
        try:
            content = record(json.loads((self._file.load() if self._file else None) or b"{}"))
        except (StoreError, ValueError, RecursionError) as error:
            logger.info("the model catalogue on disk is not used: %s", error)
            return _Known()
        ours = content.get("v") == _VERSION and content.get("source") == self._source
        return _known(content) if ours else _Known()

    def _to_disk(self, content: Facts) -> None:
        if self._file is None:
            return
        try:
            self._file.save(json.dumps(content))
        except StoreError as error:
            logger.info("the model catalogue is not kept: %s", error)


def _order(entry: Mapping[str, Any]) -> float:
    priority = entry.get("priority")
    return float(priority) if isinstance(priority, int | float) else float("inf")


def _kept(entry: Mapping[str, Any]) -> Facts:
    """What of an entry is used: a hundredth of it, the rest are prompts of OpenAI's own client."""
    tiers = [row.get("id") for row in records(entry.get("service_tiers"))]
    levels = [row.get("effort") for row in records(entry.get("supported_reasoning_levels"))]
    return {
        "slug": entry.get("slug"),
        "name": entry.get("display_name"),
        "shown": entry.get("visibility") == "list",
        "window": entry.get("context_window"),
        "levels": levels if entry.get("supported_reasoning_levels") is not None else None,
        "level": entry.get("default_reasoning_level"),
        "verbosity": entry.get("support_verbosity"),
        "modalities": entry.get("input_modalities"),
        "fast": "priority" in tiers or "fast" in (entry.get("additional_speed_tiers") or ()),
    }


def _known(content: Mapping[str, Any]) -> _Known:
    entries = [row for row in records(content.get("models")) if isinstance(row.get("slug"), str) and row["slug"]]
    return _Known(
        content=dict(content),
        facts={row["slug"]: _facts(row) for row in entries},
        labels={row["slug"]: str(row.get("name") or row["slug"]) for row in entries if row.get("shown") is True},
        fast=tuple(row["slug"] for row in entries if row.get("fast") is True),
        etag=content.get("etag") if isinstance(content.get("etag"), str) else None,
        read_at=float(content.get("read_at") or 0.0),
    )


def _facts(row: Mapping[str, Any]) -> Facts:
    """An entry in the form of the option `model_info`; what it leaves open stays open."""
    facts: Facts = {"max_output_tokens": _OUTPUT_TOKENS}
    if isinstance(window := row.get("window"), int) and window > 0:
        facts["context_window"] = window
    if isinstance(levels := row.get("levels"), list):
        # Others are OpenAI's client's own, such as `ultra`, and are refused.
        facts["efforts"] = [effort for effort in EFFORTS if effort in levels]
        if row.get("level") in facts["efforts"]:
            facts["default_effort"] = row["level"]
    if isinstance(row.get("verbosity"), bool):
        facts["verbosity"] = row["verbosity"]
    if isinstance(modalities := row.get("modalities"), list):
        facts["vision"] = "image" in modalities
    return facts


def _models(known: _Known, model_info: Mapping[str, Mapping[str, Any]], since: str) -> list[ModelInfo]:
    """The models that are shown, each with its fast variety, and those that the user describes."""
    labels = {**known.labels, **{name: name for name in model_info if name not in known.facts}}
    found: list[ModelInfo] = []
    for slug, label in labels.items():
        facts = {slug: {**known.facts.get(slug, {}), **model_info.get(slug, {})}}
        model = describe(slug, facts, priced=False).model_copy(update={"display_name": f"{label}{since}"})
        found.append(model)
        if slug in known.fast:
            named = {"id": f"{slug}{FAST}", "display_name": f"{label} Fast{since}"}
            found.append(model.model_copy(update=named))
    return found
