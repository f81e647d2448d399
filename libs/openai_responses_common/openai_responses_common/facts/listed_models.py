"""Reads what the model list of a service says of its models, in the dialects of servers that speak the Responses API.

One row that cannot be read never hides the others. A fact that is not plausible counts as left out. Nothing here knows
our own tables but for the output limit, which must not exceed a window that a server reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, cast

from ..wire.json_values import as_object
from .model_ids import is_agent_model
from .model_traits import find_traits

Path = tuple[str, ...]

# Where servers write a fact; the first path that holds a plausible value counts. LiteLLM 1.108, vLLM 0.32 and llama.cpp
# 0.6.0-dev: recorded 2026-11-30; transformers serve 5.24 and Ollama report none. The others from their API references,
# seen 2026-11-30: OpenRouter (`context_length`, `top_provider`), Groq (`context_window`, `max_completion_tokens`),
# LM Studio (`loaded_context_length`), Mistral (`max_context_length`, `capabilities.vision`).
_WINDOW_PATHS: Sequence[Path] = (
    ("max_input_tokens",),
    ("max_model_len",),
    ("meta", "n_ctx"),
    ("loaded_context_length",),
    ("top_provider", "context_length"),
    ("context_length",),
    ("context_window",),
    ("max_context_length",),
)
_OUTPUT_PATHS: Sequence[Path] = (
    ("max_output_tokens",),
    ("top_provider", "max_completion_tokens"),
    ("max_completion_tokens",),
)
_INPUT_MODALITY_PATHS: Sequence[Path] = (
    ("architecture", "input_modalities"),
    ("input_modalities",),
    ("modalities", "input"),
    ("modalities",),
)
_OUTPUT_MODALITY_PATHS: Sequence[Path] = (
    ("architecture", "output_modalities"),
    ("output_modalities",),
    ("modalities", "output"),
)
_VISION_PATHS: Sequence[Path] = (("supports_vision",), ("capabilities", "vision"))
# OpenAI (openai 3.57.0), OpenRouter (API reference) and Azure, which writes seconds since 1970; seen 2026-11-30.
_SHUTDOWN_PATHS: Sequence[Path] = (("shutdown_date",), ("expiration_date",), ("deprecation", "inference"))
_PARAMETER_PATHS: Sequence[Path] = (("supported_parameters",),)
_AGENT_MODES = frozenset({"chat", "responses", "completion"})  # LiteLLM writes what a model is for
_REASONING_PARAMETERS = frozenset({"reasoning", "reasoning_effort", "include_reasoning"})

_MAX_TOKENS = 10**9  # no window is as large; a larger number is a mistake
_MAX_ID_LENGTH = 512
_MAX_MODELS = 10_000
_MAX_TIMESTAMP_S = 10**11


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One model of a list.

    Attributes:
        id: its id.
        info: what the list says of it, in the form of an entry of the setting `model_info`; empty by default.
        can_do_agent_work: False if its id or its output says that it cannot; True by default.
    """

    id: str
    info: Mapping[str, Any] = field(default_factory=dict[str, Any])
    can_do_agent_work: bool = True


def read_listed_models(document: object) -> list[ListedModel] | None:
    """Return the models of a response to `GET /models`, each id once, in the order of the list.

    None if the response is not a list of models. Lists come as `{"data": […]}`, `{"models": […]}` or bare, and their
    rows as objects, as bare ids or as an object with ids for keys. Of a list of more than 10,000 models the rest is
    left out.
    """
    rows = _find_rows(document)
    if rows is None:
        return None
    models: dict[str, ListedModel] = {}
    parents: dict[str, str] = {}
    for model_id, row in rows:
        if isinstance(parent := row.get("parent"), str):
            parents[model_id] = parent
        if model_id not in models or not models[model_id].info:
            models[model_id] = _read_row(model_id, row)
        if len(models) == _MAX_MODELS:
            break
    # vLLM writes no window beside an adapter, which has that of its base model (its source, seen 2026-12-01).
    bases = {name: models[parent] for name, parent in parents.items() if parent in models and name in models}
    return [replace(model, info={**bases.get(name, model).info, **model.info}) for name, model in models.items()]


def _find_rows(document: object, depth: int = 2) -> Iterator[tuple[str, dict[str, Any]]] | None:
    """The rows of a list with their ids; None if the document holds no list."""
    if isinstance(document, list):
        return _read_ids(cast(list[object], document))
    fields = as_object(document)
    content: object = next((fields[key] for key in ("data", "models") if fields.get(key) is not None), None)
    by_id = as_object(content)
    if (by_id or content == {}) and not by_id.keys() & {"data", "models"}:
        return _read_ids([{"id": name, **as_object(row)} for name, row in by_id.items()])
    # Gateways wrap the list of another gateway.
    return _find_rows(content, depth - 1) if depth and content is not None else None


def _read_ids(rows: Sequence[object]) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in rows:
        fields = as_object(row)
        candidates = (row, *(fields.get(key) for key in ("id", "model", "name")))
        model_id = next((each.strip() for each in candidates if isinstance(each, str) and each.strip()), "")
        # LiteLLM lists wildcards such as `openai/*`, which no call can name.
        if model_id and len(model_id) <= _MAX_ID_LENGTH and model_id.isprintable() and "*" not in model_id:
            yield model_id, fields


def _read_row(model_id: str, row: Mapping[str, Any]) -> ListedModel:
    info: dict[str, Any] = {
        "context_window": _find_token_count(row, _WINDOW_PATHS),
        "max_output_tokens": _find_token_count(row, _OUTPUT_PATHS),
        "vision": _find_vision(row),
        "shutdown": _find_day(row),
        **_read_parameters(row),
    }
    window = info["context_window"]
    if window is not None:
        # Input and output share the window of a local server.
        limit = info["max_output_tokens"] or find_traits(model_id).max_output_tokens
        info["max_output_tokens"] = limit if limit < window else max(window // 2, 1)
    outputs = _find_words(row, _OUTPUT_MODALITY_PATHS)
    return ListedModel(
        id=model_id,
        info={key: value for key, value in info.items() if value is not None},
        can_do_agent_work=is_agent_model(model_id)
        and (not outputs or "text" in outputs)
        and (not isinstance(mode := row.get("mode"), str) or mode in _AGENT_MODES),
    )


def _find_values(row: Mapping[str, Any], paths: Sequence[Path]) -> Iterator[object]:
    for path in paths:
        value: object = row
        for key in path:
            value = as_object(value).get(key)
        yield value


def _find_token_count(row: Mapping[str, Any], paths: Sequence[Path]) -> int | None:
    return next((count for value in _find_values(row, paths) if (count := _read_token_count(value)) is not None), None)


def _read_token_count(value: object) -> int | None:
    if isinstance(value, str):
        return _read_token_count(int(value)) if re.fullmatch(r" *\d{1,10} *", value, re.ASCII) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value <= _MAX_TOKENS and value % 1 == 0 else None


def _find_words(row: Mapping[str, Any], paths: Sequence[Path]) -> list[str] | None:
    for value in _find_values(row, paths):
        if isinstance(value, list) and value:
            return [word.lower() for word in cast(list[object], value) if isinstance(word, str)]
    return None


def _find_vision(row: Mapping[str, Any]) -> bool | None:
    """Whether the model sees images; None if the row does not say."""
    modalities = _find_words(row, _INPUT_MODALITY_PATHS)
    if modalities and "text" in modalities:  # a list without text is not one of inputs
        return "image" in modalities
    if {"vision", "multimodal"} & {*(_find_words(row, (("capabilities",),)) or ())}:  # Ollama, llama.cpp
        return True
    return next((value for value in _find_values(row, _VISION_PATHS) if isinstance(value, bool)), None)


def _find_day(row: Mapping[str, Any]) -> str | None:
    return next((day for value in _find_values(row, _SHUTDOWN_PATHS) if (day := _read_day(value))), None)


def _read_day(value: object) -> str | None:
    if isinstance(value, int) and 1 < value < _MAX_TIMESTAMP_S:
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return None


def _read_parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a list of supported parameters rules out."""
    parameters = _find_words(row, _PARAMETER_PATHS)
    if not parameters:
        return {}
    return {
        "efforts": None if _REASONING_PARAMETERS & {*parameters} else [],
        "sampling": None if {"temperature", "top_p"} & {*parameters} else "never",
        "verbosity": None if "verbosity" in parameters else False,
    }
