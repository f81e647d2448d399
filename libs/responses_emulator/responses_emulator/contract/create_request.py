"""Strict validation of a whole create request, with the API's own error bodies.

Invariant: a body that passes is one that the emulated service would run. `RequestRules` says what a surface does
differently.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)

from responses_emulator.contract.input_items import check_input
from responses_emulator.contract.json_shapes import ObjectShape, check, check_object, merge_shapes
from responses_emulator.contract.refusal import (
    Refusal,
    format_choices,
    invalid_value,
    missing_parameter,
    refuse,
    too_long,
    wrong_type,
)
from responses_emulator.contract.tools import check_format, check_tool_choice, check_tools, offered_tools
from responses_emulator.facts import models
from responses_emulator.facts.models import Model
from responses_emulator.rules import background
from responses_emulator.rules import requests as rules

_SHAPE = merge_shapes(ResponseCreateParamsNonStreaming, ResponseCreateParamsStreaming)
# Checked by separate code, with better paths than the generic walk would give.
_FIELDS_WITH_OWN_CHECKS = {"input", "tools", "tool_choice"}
_MAX_LENGTHS = {"prompt_cache_key": 64, "safety_identifier": 128, "user": 64}
MIN_OUTPUT_TOKENS = 16
MIN_COMPACT_THRESHOLD = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """What a surface checks differently from api.openai.com."""

    find_model: Callable[[str], Model | None] = models.find_model
    unknown_model: Callable[[str], Refusal] = lambda model: refuse(rules.MODEL_NOT_FOUND, model=model)
    check_first: Callable[[dict[str, Any]], None] = lambda body: None
    ignored_item_keys: frozenset[str] = frozenset()


def validate(
    body: dict[str, Any], service: RequestRules, *, needs_input: bool = True, shape: ObjectShape = _SHAPE
) -> Model:
    """Raise the service's error for the first fault of `body`; returns the model it names.

    `shape` has the fields of another endpoint than the one for responses.
    """
    service.check_first(body)
    _remove_item_keys(body, service.ignored_item_keys)
    generic = ObjectShape(
        {k: (object if k in _FIELDS_WITH_OWN_CHECKS else v) for k, v in shape.keys.items()}, frozenset()
    )
    check_object(body, generic, "")
    model = _check_model(body, service)
    _check_input(body, needed=needs_input)
    _check_abilities(body, model)
    tools = body.get("tools")
    if tools is not None:
        check_tools(tools)
    if body.get("tool_choice") is not None:
        check_tool_choice(body["tool_choice"], _SHAPE.keys["tool_choice"], offered_tools(body))
    _check_lengths(body)
    _check_compaction(body)
    _check_output_limit(body, model)
    _check_background(body)
    _check_reasoning(body, model)
    _check_effort_updates(body, model)
    _check_sampling(body, model)
    _check_text(body, model)
    return model


def _remove_item_keys(body: dict[str, Any], keys: frozenset[str]) -> None:
    given = body.get("input")
    if keys and isinstance(given, list):
        items = [item for item in given if isinstance(item, dict)]
        for item in items:
            for key in keys & item.keys():
                del item[key]


def effective_effort(body: dict[str, Any], model: Model) -> str | None:
    """The effort that the model will work with; a `configuration_update` in the input changes it from there on."""
    effort = (body.get("reasoning") or {}).get("effort") or model.default_effort
    given = body.get("input")
    for item in given if isinstance(given, list) else []:
        if item.get("type") == "configuration_update":
            effort = (item.get("reasoning") or {}).get("effort") or effort
    return effort


def _check_model(body: dict[str, Any], service: RequestRules) -> Model:
    if body.get("model") is None:
        raise missing_parameter("model")
    if not isinstance(body["model"], str):
        raise wrong_type(body["model"], "model", "a string")
    found = service.find_model(body["model"])
    if found is None:
        raise service.unknown_model(body["model"])
    return replace(found, id=body["model"])


def _check_input(body: dict[str, Any], *, needed: bool) -> None:
    given = body.get("input")
    if given is None or given in ("", []):
        if not needed or body.get("previous_response_id") or body.get("prompt") or body.get("conversation"):
            return
        if "input" in body and given is not None:
            raise refuse(rules.NO_INPUT)
        raise missing_parameter("input")
    check_input(given)


def _check_abilities(body: dict[str, Any], model: Model) -> None:
    """Refuse items that the model cannot read."""
    items = body["input"] if isinstance(body.get("input"), list) else []
    if not model.reasons and any(item.get("type") == "reasoning" for item in items):
        raise refuse(rules.REASONING_ITEM_NOT_SUPPORTED)
    parts = [part for item in items for part in (item.get("content"), item.get("output")) if isinstance(part, list)]
    if not model.vision and any(part.get("type") == "input_image" for content in parts for part in content):
        raise refuse(rules.NO_VISION)


def _check_lengths(body: dict[str, Any]) -> None:
    for name, limit in _MAX_LENGTHS.items():
        value = body.get(name)
        if value is not None and len(value) > limit:
            raise too_long(name, limit, len(value))
    metadata = body.get("metadata") or {}
    if len(metadata) > 16:
        raise refuse(rules.METADATA_TOO_LARGE, count=len(metadata))
    for name, value in metadata.items():
        check(value, str, f"metadata.{name}")
        if len(value) > 512:
            raise too_long(f"metadata.{name}", 512, len(value))


def _check_compaction(body: dict[str, Any]) -> None:
    for index, row in enumerate(body.get("context_management") or []):
        path, threshold = f"context_management[{index}]", row.get("compact_threshold")
        if row["type"] != "compaction":
            raise invalid_value(row["type"], f"{path}.type", ("compaction",))
        if threshold is not None and threshold < MIN_COMPACT_THRESHOLD:
            limit = MIN_COMPACT_THRESHOLD
            raise refuse(rules.THRESHOLD_TOO_LOW, path=f"{path}.compact_threshold", limit=limit, value=threshold)
    items = body["input"] if isinstance(body.get("input"), list) else []
    if any(item.get("type") == "compaction_trigger" for item in items[:-1]):
        raise refuse(rules.TRIGGER_NOT_LAST)


def _check_output_limit(body: dict[str, Any], model: Model) -> None:
    limit = body.get("max_output_tokens")
    if limit is None:
        return
    if limit < MIN_OUTPUT_TOKENS:
        raise refuse(rules.OUTPUT_LIMIT_TOO_LOW, limit=MIN_OUTPUT_TOKENS, value=limit)
    if limit > model.max_output:
        raise refuse(rules.OUTPUT_LIMIT_TOO_HIGH, limit=model.max_output, value=limit)


def _check_background(body: dict[str, Any]) -> None:
    is_background = body.get("background") is True
    if is_background and body.get("store") is False:
        raise refuse(background.NEEDS_STORE)
    if is_background and "reasoning.encrypted_content" in (body.get("include") or []):
        raise refuse(background.NO_CIPHERTEXT)
    options = body.get("background_options")
    if options is None:
        return
    if not is_background:
        raise refuse(background.WINDOW_NEEDS_BACKGROUND)
    window = options.get("completion_window", "soonest")
    if window == "soonest":
        return
    if body.get("stream"):
        raise refuse(background.WINDOW_WITHOUT_STREAM, window=window)
    if body.get("service_tier") not in (None, "auto", "default"):
        raise refuse(background.WINDOW_STANDARD_ONLY, window=window)


def _unsupported(value: str, model: Model, path: str, allowed: tuple[str, ...]) -> Refusal:
    return refuse(rules.UNSUPPORTED_VALUE, value=value, model=model.id, path=path, choices=format_choices(allowed))


def _check_reasoning(body: dict[str, Any], model: Model) -> None:
    reasoning = body.get("reasoning") or {}
    if not model.reasons:
        for key in ("effort", "summary", "context", "mode"):
            if reasoning.get(key) is not None:
                raise refuse(rules.REASONING_NOT_SUPPORTED, path=f"reasoning.{key}")
        if "reasoning.encrypted_content" in (body.get("include") or []):
            raise refuse(rules.CIPHERTEXT_NOT_SUPPORTED)
        return
    effort = reasoning.get("effort")
    if effort is not None and effort not in model.efforts:
        raise _unsupported(effort, model, "reasoning.effort", model.efforts)
    wanted = effective_effort(body, model)
    if wanted is not None and wanted not in model.efforts:
        raise _unsupported(wanted, model, "reasoning.effort", model.efforts)


def _check_effort_updates(body: dict[str, Any], model: Model) -> None:
    """Refuse items that change the effort where they may not stand."""
    items = body["input"] if isinstance(body.get("input"), list) else []
    kinds = [item.get("type") for item in items]
    indexes = [index for index, kind in enumerate(kinds) if kind == "configuration_update"]
    if not indexes:
        return
    path = f"input[{indexes[0]}].type"
    if not model.effort_updates:
        raise refuse(rules.UPDATE_NOT_SUPPORTED, path=path)
    if (body.get("reasoning") or {}).get("mode") == "pro":
        raise refuse(rules.UPDATE_OF_PRO_MODE, path=path)
    for name in ("context_management", "truncation"):
        if body.get(name) not in (None, [], "disabled"):
            raise refuse(rules.UPDATE_WITH_AUTOMATIC_CHANGE, path=path, name=name)
    if any(kinds[index - 1 : index] == ["configuration_update"] for index in indexes):
        raise refuse(rules.CONSECUTIVE_UPDATES)
    if "compaction" in kinds[indexes[-1] :]:
        raise refuse(rules.UPDATE_BEFORE_COMPACTION, path=path)


def _check_sampling(body: dict[str, Any], model: Model) -> None:
    for name, highest in (("temperature", 2), ("top_p", 1)):
        value = body.get(name)
        if value is None:
            continue
        if not 0 <= value <= highest:
            above = value > highest
            rule, limit = (rules.NUMBER_TOO_HIGH, highest) if above else (rules.NUMBER_TOO_LOW, 0)
            raise refuse(rule, name=name, limit=limit, value=value)
        free = model.sampling == "always" or (
            model.sampling == "effort_none" and effective_effort(body, model) == "none"
        )
        # The default value is taken everywhere (reported for gpt-6-astra and gpt-5.4-nano).
        if not free and value != 1:
            raise refuse(rules.SAMPLING_NOT_SUPPORTED, name=name)


def _check_text(body: dict[str, Any], model: Model) -> None:
    text = body.get("text") or {}
    verbosity = text.get("verbosity")
    if verbosity is not None and not model.snapshot.startswith(("gpt-5", "gpt-6")) and verbosity != "medium":
        raise _unsupported(verbosity, model, "text.verbosity", ("medium",))
    form = text.get("format") or {}
    match form.get("type"):
        case "json_schema":
            check_format(form, "text.format")
        case "json_object":
            given = body.get("input")
            if "json" not in (given if isinstance(given, str) else json.dumps(given)).lower():
                raise refuse(rules.NO_WORD_JSON)
        case _:
            pass
