"""The models of one account: the catalogue of the service, saved on disk for the next process.

The fields are those of OpenAI's own client (models.json, openai_models.rs), seen 2026-11-21. The catalogue wins over
every table. Models come and go within weeks, so a list that cannot be refreshed says how old it is. This file knows no
tokens.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.llm_errors import LLMError, ProviderUnavailableError
from amplifier_core.models import ModelInfo
from openai_responses_common import Fetch, Models, Options, describe
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.lock import hold_file_lock
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.facts.traits import EFFORTS, VERBOSITIES
from openai_responses_common.options.model_info import ModelOverrides, read_model_info
from openai_responses_common.wire.json_values import as_object, as_objects, loads_object_or_none

from .quirks import FAST_SUFFIX

logger = logging.getLogger(__name__)

ModelFacts = dict[str, Any]

_FILE_FORMAT_VERSION = 2

# No entry states the output limit; every client uses this number. Seen 2026-11-21.
_MAX_OUTPUT_TOKENS = 128_000

# A larger number in an entry counts as left out: `read_model_info` would refuse the facts of all models for one entry.
_MAX_CONTEXT_WINDOW = 10**12

_MAX_PRIORITY = 10**12

# A save takes milliseconds, and without it the next process asks the service.
_LOCK_DEADLINE_S = 2.0

_EFFORT_LEVELS = "low medium high xhigh max"

_WINDOW = 272_000


def _assume_facts(window: int = _WINDOW, effort: str = "medium", verbosity: str = "low") -> ModelFacts:
    return {
        "context_window": window,
        "max_output_tokens": _MAX_OUTPUT_TOKENS,
        "efforts": _EFFORT_LEVELS,
        "default_effort": effort,
        "default_verbosity": verbosity,
    }


# Used until the catalogue was fetched. Source: the catalogue inside OpenAI's own client 0.169, captured 2026-11-30.
# It does not have gpt-6.2-sol and gpt-6.2-astra yet, so their rows in the table of the API count.
_FALLBACK_FACTS: Mapping[str, ModelFacts] = {
    "gpt-6.1-sol": _assume_facts(effort="low"),
    "gpt-6-astra": _assume_facts(effort="low"),
    "gpt-6-sol": _assume_facts(),
    "gpt-6-luna": _assume_facts(),
    "gpt-5.6-sol": _assume_facts(effort="low"),
    "gpt-6.1-terra": _assume_facts(window=500_000, effort="low"),
    "gpt-5.6-terra": _assume_facts(),
    "gpt-5.6-luna": _assume_facts(),
    "gpt-5.5": {**_assume_facts(), "efforts": "low medium high xhigh"},
    "gpt-daybreak-blue-latest": _assume_facts(),
    "gpt-daybreak-red-latest": _assume_facts(window=372_000, verbosity="high"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catalogue:
    """One state of the catalogue.

    Attributes:
        content: the JSON object of the file on disk, from which all else is read.
        facts: the facts of every model by slug, in the service's order.
        labels: the display names of the models that the service shows, by slug.
        fast_slugs: the models that have a fast tier.
        etag: the tag of the catalogue. None if the service sent none.
        read_at: when it was fetched, in seconds since the epoch.
    """

    content: ModelFacts = field(default_factory=dict[str, Any])
    facts: Mapping[str, ModelFacts] = field(default_factory=dict[str, ModelFacts])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    fast_slugs: tuple[str, ...] = ()
    etag: str | None = None
    read_at: float = 0.0


class ChatgptModels(Models):
    """The catalogue of one account.

    Args:
        file: saves the catalogue for the next process. None saves nothing.
        ttl_s: the time, in seconds, for which the saved catalogue is used without asking the service.
        client_version: the client version for which the catalogue is requested.
        source: the address of the service; a catalogue of another address is not used.
    """

    max_age_s = 0.0

    def __init__(self, file: FileStore | None, *, ttl_s: float, client_version: str, source: str) -> None:
        self._file = file
        self._ttl_s = ttl_s
        self._path = f"/models?client_version={client_version}"
        self._source = f"{source}{self._path}"
        self._catalogue: _Catalogue | None = None
        self._is_outdated = False

    @property
    def catalogue(self) -> _Catalogue:
        """The newest catalogue; empty if none was ever fetched."""
        if self._catalogue is None:
            self._catalogue = self._load_file()
        return self._catalogue

    async def list_models(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """List the models that the service shows to this account, in its order; see `Models.list_models`."""
        catalogue, age_note = self.catalogue, ""
        if not catalogue.facts or self._is_outdated or not 0 <= time.time() - catalogue.read_at < self._ttl_s:
            try:
                catalogue = await self._fetch_catalogue(fetch, catalogue)
            except LLMError as error:
                if not catalogue.facts or not error.retryable:
                    raise
                age_note = time.strftime(" (as of %Y-%m-%d %H:%M)", time.localtime(catalogue.read_at))
                logger.warning("the model list cannot be fetched, the saved one%s is used: %s", age_note, error)
        return _build_models(catalogue, options.model_info, age_note)

    def model_info(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Models.model_info`."""
        return self.catalogue.facts or _FALLBACK_FACTS

    def default(self) -> str | None:
        """Return the model that the service shows first; see `Models.default`."""
        return next(iter(self.catalogue.labels), None)

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Note that the catalogue is outdated if a response names a newer one; see `Models.on_headers`."""
        if (etag := headers.get("x-models-etag")) and self._catalogue and self._catalogue.etag not in (None, etag):
            self._is_outdated = True

    def delete_catalogue(self) -> None:
        """Delete the saved catalogue, because another account may see other models; blocks."""
        self._catalogue, self._is_outdated = _Catalogue(), False
        if self._file is not None:
            try:
                with _lock_file(self._file):
                    self._file.delete()
            except StoreError as error:
                logger.warning("the saved model list could not be deleted: %s", error)

    async def _fetch_catalogue(self, fetch: Fetch, catalogue: _Catalogue) -> _Catalogue:
        document = await fetch.fetch_document(self._path, etag=catalogue.etag if catalogue.facts else None)
        content = {**catalogue.content, "read_at": time.time()}
        if not document.unchanged:
            entries = as_object(document.body).get("models")
            if not isinstance(entries, list):
                raise ProviderUnavailableError("the service's model list cannot be read", retryable=False)
            models = [
                _pick_stored_fields(entry) for entry in sorted(as_objects(document.body["models"]), key=_read_priority)
            ]
            content |= {"v": _FILE_FORMAT_VERSION, "source": self._source, "etag": document.etag, "models": models}
        self._catalogue, self._is_outdated = _build_catalogue(content), False
        await wait_for(run_in_thread(lambda: self._save_file(content)))
        return self._catalogue

    def _load_file(self) -> _Catalogue:
        try:
            content = loads_object_or_none((self._file.load() if self._file else None) or b"{}")
        except StoreError as error:
            logger.info("the saved model list is not used: %s", error)
            return _Catalogue()
        if content is None:
            logger.info("the saved model list is not used: it is not a JSON object")
            return _Catalogue()
        is_ours = content.get("v") == _FILE_FORMAT_VERSION and content.get("source") == self._source
        return _build_catalogue(content) if is_ours else _Catalogue()

    def _save_file(self, content: ModelFacts) -> None:
        if self._file is None:
            return
        try:
            with _lock_file(self._file):
                self._file.save(json.dumps(content))
        except StoreError as error:
            logger.info("the model list is not saved: %s", error)


def _lock_file(file: FileStore) -> AbstractContextManager[None]:
    """Hold the lock of the saved catalogue; another process would delete our temporary file, or we would delete its."""
    path = file.path
    return hold_file_lock(path.with_name(f"{path.name}.lock"), deadline_s=_LOCK_DEADLINE_S)


def _read_priority(entry: Mapping[str, Any]) -> float:
    priority = entry.get("priority")
    return priority if isinstance(priority, int | float) and abs(priority) < _MAX_PRIORITY else float("inf")


def _pick_stored_fields(entry: Mapping[str, Any]) -> ModelFacts:
    """The fields of an entry that we use; the other 99 % are prompts of OpenAI's own client."""
    tiers = [row.get("id") for row in as_objects(entry.get("service_tiers"))]
    speeds = entry.get("additional_speed_tiers")
    levels = [row.get("effort") for row in as_objects(entry.get("supported_reasoning_levels"))]
    return {
        "slug": entry.get("slug"),
        "name": entry.get("display_name"),
        "shown": entry.get("visibility") == "list",
        "window": entry.get("context_window"),
        "levels": levels if entry.get("supported_reasoning_levels") is not None else None,
        "level": entry.get("default_reasoning_level"),
        "verbosity": entry.get("support_verbosity"),
        "default_verbosity": entry.get("default_verbosity"),
        "modalities": entry.get("input_modalities"),
        "fast": "priority" in tiers or (isinstance(speeds, list) and "fast" in speeds),
    }


def _build_catalogue(content: Mapping[str, Any]) -> _Catalogue:
    entries = [row for row in as_objects(content.get("models")) if isinstance(row.get("slug"), str) and row["slug"]]
    return _Catalogue(
        content=dict(content),
        facts={row["slug"]: _read_facts(row) for row in entries},
        labels={row["slug"]: str(row.get("name") or row["slug"]) for row in entries if row.get("shown") is True},
        fast_slugs=tuple(row["slug"] for row in entries if row.get("fast") is True),
        etag=content.get("etag") if isinstance(content.get("etag"), str) else None,
        read_at=float(content.get("read_at") or 0.0),
    )


def _read_facts(row: Mapping[str, Any]) -> ModelFacts:
    """The facts of an entry in the form of the setting `model_info`; what the entry leaves out stays out."""
    facts: ModelFacts = {"max_output_tokens": _MAX_OUTPUT_TOKENS}
    if type(window := row.get("window")) is int and 0 < window <= _MAX_CONTEXT_WINDOW:
        facts["context_window"] = window
    if isinstance(levels := row.get("levels"), list):
        # The others, such as `ultra`, exist in OpenAI's own client only and are refused.
        facts["efforts"] = [effort for effort in EFFORTS if effort in levels]
        if row.get("level") in facts["efforts"]:
            facts["default_effort"] = row["level"]
    if isinstance(row.get("verbosity"), bool):
        facts["verbosity"] = row["verbosity"]
    if row.get("default_verbosity") in VERBOSITIES:
        facts["default_verbosity"] = row["default_verbosity"]
    if isinstance(modalities := row.get("modalities"), list):
        facts["vision"] = "image" in modalities
    return facts


def _build_models(catalogue: _Catalogue, model_info: ModelOverrides, age_note: str) -> list[ModelInfo]:
    """The models that the service shows, each with its fast tier, and those that the user describes."""
    overrides = model_info.over(read_model_info(catalogue.facts))
    labels = {**catalogue.labels, **{name: name for name in model_info.entries if name not in catalogue.facts}}
    models: list[ModelInfo] = []
    for slug, label in labels.items():
        model = describe(slug, overrides, priced=False).model_copy(update={"display_name": f"{label}{age_note}"})
        models.append(model)
        if slug in catalogue.fast_slugs:
            fast = {"id": f"{slug}{FAST_SUFFIX}", "display_name": f"{label} Fast{age_note}"}
            models.append(model.model_copy(update=fast))
    return models
