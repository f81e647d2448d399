"""Learns from a refusal which part of a request this endpoint or model does not accept.

Servers that implement only part of the Responses API refuse the rest, each with a different text. `learn_amendments`
reads such a refusal and returns what to change; the engine then sends the request again at once and remembers the
change for the endpoint and the model. Sources of the patterns, if a row names none: recorded 400s and issue threads of
several clients and servers, seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from ..facts.amendments import Amendments, has_field
from ..wire.json_values import as_object
from ._learn_images import NO_IMAGES_PATTERN, learn_images, learn_text_results
from ._learn_input import (
    learn_item_fields,
    learn_message_status,
    learn_no_effort_updates,
    learn_refused_items,
    learn_refused_reasoning,
    learn_system_text,
    learn_unknown_ids,
    learn_without_replay,
)
from ._learn_tools import learn_refused_tools, learn_tool_limit
from ._refusal import Lesson, Refusal
from .failure import Failure

UNDROPPABLE_FIELDS = frozenset(
    {"model", "input", "stream", "store", "instructions", "tools", "tool_choice", "text", "text.format"}
)
"""Fields that are never dropped, because that would change what the caller asked for."""


DROPPABLE_FIELDS: tuple[str, ...] = (
    "reasoning.summary",
    "reasoning.effort",
    "text.verbosity",
    "tools.strict",
    "tools.defer_loading",
    "tools.allowed_callers",
    "tools.output_schema",
    "tools.async",
    "include",
    "reasoning",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options.comparison_response_id",
    "prompt_cache_options",
    "service_tier",
    "truncation",
    "context_management",
    "temperature",
    "top_p",
    "safety_identifier",
    "max_output_tokens",
)
"""Fields that a request works without. A nested field stands before its parent: only the nested one is dropped."""


# Gateways that translate to chat completions refuse our fields under the names of that API (LiteLLM's own list of
# parameters, seen 2026-12-01).
_CHAT_NAMES: Mapping[str, tuple[str, ...]] = {
    "reasoning": ("reasoning_effort", "reasoningEffort", "thinking"),
    "text.verbosity": ("verbosity",),
    "max_output_tokens": ("max_tokens", "max_completion_tokens"),
}

_SAMPLING_FIELDS = ("temperature", "top_p")
_REFUSAL_CODES = frozenset({"unknown_parameter", "unsupported_parameter"})
_REFUSAL_PATTERN = re.compile(
    r"unsupported|unknown|unrecognized|unexpected|not supported|n.t support|not permitted|not allowed|not available"
    r"|no longer supported|must be verified|extra (inputs|fields)|only supports?\b|is deprecated"
    r"|cannot both be specified|only \S+ is allowed",
    re.I,
)
_INVALID_VALUE_PATTERN = re.compile(r"(unsupported|invalid) value", re.I)
_ALLOWED_VALUES_PATTERN = re.compile(
    r"(?:supported (?:values|efforts?)(?: are| is)?|must be|input should be)\s*:?(.*)", re.I | re.S
)
_EXCLUSIVE_PATTERN = re.compile(r"cannot both be specified", re.I)  # Anthropic (skydiscover#15), seen 2026-12-01
_EFFORT_REFUSAL_PATTERN = re.compile(r"effort|reasoning value", re.I)
_NO_REASONING_PATTERN = re.compile(r"does not support (thinking|reasoning)", re.I)
_EFFORT_PATTERN = re.compile(r"\b(none|minimal|low|medium|high|xhigh|max)\b")

# "Unsupported parameter: top_p", "Unsupported service_tier: flex": a gateway in front of the API. "Unrecognized request
# argument supplied: store": the older API. "does not support parameter reasoningEffort", "Argument not supported on
# this model: …": xAI (litellm#16265). "invalid temperature: only 1 is allowed": Kimi (Kimi-K2#124). Seen 2026-12-01.
_UNQUOTED_FIELD_PATTERN = re.compile(
    r"(?:unsupported (?:parameter: )?|unrecognized request argument supplied: |support parameter |on this model: |"
    r"invalid )([a-z_]+(?:\.[a-z_]+)*)",
    re.I,
)
# A sentence that begins with the field: "prompt_cache_key: Extra inputs are not permitted", "temperature is deprecated
# for this model", both of Anthropic behind gateways (monster-mq#168, next-ai-draw-io#861), seen 2026-12-01.
_SUBJECT_PATTERN = re.compile(r"(?:^|: | - )[`'\"]?(?:body\.)?([a-z_]+(?:\.[a-z_]+)*)[`'\"]?(?::|['`\"]? )")

# LiteLLM 1.108 (recorded): "litellm.UnsupportedParamsError: gpt-5.6-sol only supports top_p when reasoning.effort …".
_BARE_WORD_PATTERN = re.compile(r"UnsupportedParamsError|only supports? \w+ (when|if)\b")

# "Your organization must be verified to stream this model": many issue threads, seen 2026-12-01.
_NO_STREAM_PATTERN = re.compile(
    r"verified to stream|\bstream(ing)?['`\"]? is not (supported|allowed)|n.t support streaming", re.I
)

_CIPHERTEXT_INCLUDE = "reasoning.encrypted_content"
_NO_CIPHERTEXT_PATTERN = re.compile(r"encrypted content is not supported", re.I)

# A template's or a projector's own words count at this status, too, because llama.cpp's server and older sglang respond
# with 500 to them (recorded 2026-11-30; opencode#5034, sglang#892).
_TEMPLATE_LESSONS = (learn_system_text,)


def learn_amendments(
    failure: Failure,
    body: Mapping[str, Any],
    amendments: Amendments,
    *,
    required_fields: frozenset[str] = frozenset(),
    system_role: bool = True,
) -> Lesson | None:
    """Return the amendments that avoid this refusal, with a sentence for the user; None if it teaches nothing new.

    Args:
        failure: the failure; only a refusal teaches anything.
        body: the body that was refused.
        amendments: the amendments that the body has.
        required_fields: fields that are never dropped; none by default.
        system_role: whether the service accepts the role `system` in place of `developer`; true by default.
    """
    refusal = _build_refusal(failure, body, amendments, required_fields, system_role)
    lessons = (learn(refusal) for learn in _list_lessons(failure))
    # A body may have again what the amendments remove, because `extra_body` counts more.
    return next((lesson for lesson in lessons if lesson is not None and lesson[0] != amendments), None)


def learn_net(
    failure: Failure, body: Mapping[str, Any], amendments: Amendments, *, required_fields: frozenset[str] = frozenset()
) -> Lesson | None:
    """Return the amendments that leave out what earlier turns made for the service itself, with a sentence.

    They are for a refusal of an unknown text, and count only if the service accepts the amended request. For a fault of
    the service (status 500), they leave out the images in tool results. None if the failure is neither, or if the
    request has nothing to leave out.
    """
    refusal = _build_refusal(failure, body, amendments, required_fields, True)
    if failure.status == 500:
        return learn_text_results(refusal)
    if failure.status not in (400, 422) and (failure.kind != "event" or failure.status is not None):
        return None
    return learn_without_replay(refusal)


def _build_refusal(
    failure: Failure,
    body: Mapping[str, Any],
    amendments: Amendments,
    required_fields: frozenset[str],
    system_role: bool,
) -> Refusal:
    return Refusal(
        failure=failure, body=body, amendments=amendments, required_fields=required_fields, system_role=system_role
    )


def _list_lessons(failure: Failure) -> tuple[Callable[[Refusal], Lesson | None], ...]:
    """Return the lessons that a failure with this status may teach."""
    status = failure.status
    if status in (400, 422) or (status is None and failure.kind == "event"):
        return _LESSONS
    if status == 404 or failure.kind == "event":
        return (learn_refused_reasoning, learn_unknown_ids, _learn_allowed_efforts, _learn_no_images)
    if status == 500:
        return (*_TEMPLATE_LESSONS, _learn_no_images)
    return ()


def _learn_no_images(refusal: Refusal) -> Lesson | None:
    return learn_images(refusal) if NO_IMAGES_PATTERN.search(refusal.message) else None


def _learn_no_stream(refusal: Refusal) -> Lesson | None:
    known, failure = refusal.amendments, refusal.failure
    is_named = failure.param == "stream" and _REFUSAL_PATTERN.search(f"{failure.code} {failure.message}")
    if not known.streams or "stream" in refusal.required_fields or not refusal.body.get("stream"):
        return None
    if not is_named and not _NO_STREAM_PATTERN.search(failure.message):
        return None
    return (
        replace(known, streams=False),
        f"the service does not stream this model to this account ({refusal.reason}); each response arrives as a whole",
    )


def _learn_include_values(refusal: Refusal) -> Lesson | None:
    """Leave out the value of `include` that the refusal names."""
    known, values = refusal.amendments, cast(list[str], refusal.body.get("include") or [])
    refused = _find_refused_values(refusal, values) if _names_include(refusal) else set[str]()
    if not refused or refused == set(values):
        return None
    sentence = f"the service does not accept {', '.join(sorted(refused))} in include ({refusal.reason})"
    return replace(known, dropped_include_values=known.dropped_include_values | refused), sentence


def _learn_whole_include(refusal: Refusal) -> Lesson | None:
    """Leave out `include` for a refusal that names it in any words, because we add most of its values ourselves."""
    return _drop_fields(refusal, ["include"]) if refusal.body.get("include") and _names_include(refusal) else None


def _names_include(refusal: Refusal) -> bool:
    if refusal.paths:
        return any(path == "include" or path.startswith("include.") for path in refusal.paths)
    message, values = refusal.message, cast(list[str], refusal.body.get("include") or [])
    is_quoted = re.search(r"""["'`]include["'`]""", message) and _REFUSAL_PATTERN.search(message)
    names_value = "include" in message and any(value in message for value in values)
    return bool(is_quoted) or names_value or _NO_CIPHERTEXT_PATTERN.search(message) is not None


def _find_refused_values(refusal: Refusal, values: list[str]) -> set[str]:
    """Return the values of `include` that a refusal names by index, by name, or as encrypted content."""
    indexes = [path.split(".")[1] for path in refusal.paths if path.startswith("include.")]
    refused = {values[int(index)] for index in indexes if index.isdecimal() and int(index) < len(values)}
    if not refused:
        refused_part = re.split(r"supported values|input should be", refusal.message, maxsplit=1, flags=re.I)[0]
        refused = {value for value in values if value in refused_part}
    if not refused and _NO_CIPHERTEXT_PATTERN.search(refusal.message):
        refused = {_CIPHERTEXT_INCLUDE}.intersection(values)
    return refused


def _learn_allowed_efforts(refusal: Refusal) -> Lesson | None:
    failure, amendments = refusal.failure, refusal.amendments
    effort = as_object(refusal.body.get("reasoning")).get("effort")
    if effort is None or not _EFFORT_REFUSAL_PATTERN.search(f"{failure.param} {failure.message}"):
        return None
    listing = _ALLOWED_VALUES_PATTERN.search(failure.message)
    allowed = tuple(dict.fromkeys(_EFFORT_PATTERN.findall(listing[1].partition("'input'")[0]))) if listing else ()
    if amendments.allowed_efforts is not None:
        # Two servers behind one address may disagree, so only what both of them accept counts.
        allowed = tuple(effort for effort in amendments.allowed_efforts if effort in allowed)
    if not allowed or allowed == amendments.allowed_efforts:
        return None
    sentence = f"this model does not accept the effort {effort!r}; it accepts {', '.join(allowed)}"
    return replace(amendments, allowed_efforts=allowed), sentence


def _learn_dropped_fields(refusal: Refusal) -> Lesson | None:
    message = refusal.message
    if refusal.failure.code not in _REFUSAL_CODES and not _REFUSAL_PATTERN.search(message):
        return None
    new_fields = [path for path in DROPPABLE_FIELDS if has_field(path, refusal.body) and _names_field(refusal, path)]
    if _INVALID_VALUE_PATTERN.search(message):
        new_fields = [path for path in new_fields if path in _SAMPLING_FIELDS]
    if _EXCLUSIVE_PATTERN.search(message):
        new_fields = new_fields[-1:]
    return _drop_fields(refusal, new_fields)


def _drop_fields(refusal: Refusal, paths: list[str]) -> Lesson | None:
    known = refusal.amendments
    parents = {path.partition(".")[0] for path in paths if "." in path}
    excluded_fields = known.dropped_fields | parents | refusal.required_fields
    new_fields = [path for path in paths if path not in excluded_fields]
    if not new_fields:
        return None
    sentence = f"the service does not accept {', '.join(new_fields)} ({refusal.reason}); sending the request without it"
    return replace(known, dropped_fields=known.dropped_fields | set(new_fields)), sentence


def _names_field(refusal: Refusal, field_path: str) -> bool:
    """Return whether the refusal names the field.

    It counts as its `param`, as a location, in quotes, as `field=`, or after "unsupported". A bare word counts for
    sampling values only, and only in the words of one gateway.
    """
    paths = [re.sub(r"\.\d+\b", "", path) for path in refusal.paths]
    if any(path == field_path or path.startswith(f"{field_path}.") for path in paths):
        return True
    message = refusal.message
    if field_path == "reasoning" and _NO_REASONING_PATTERN.search(message):
        return True
    chat_names = _CHAT_NAMES.get(field_path, ())
    if not {field_path, *chat_names}.isdisjoint(_UNQUOTED_FIELD_PATTERN.findall(message)):
        return True
    if not refusal.locations and field_path in _SUBJECT_PATTERN.findall(message):
        return True
    if _BARE_WORD_PATTERN.search(message) and any(_has_word(message, name) for name in _SAMPLING_FIELDS):
        return field_path in _SAMPLING_FIELDS and _has_word(message, field_path)
    if refusal.locations or UNDROPPABLE_FIELDS.intersection(paths):
        return False
    names = "|".join(map(re.escape, (field_path, *chat_names)))
    return bool(re.search(rf"""["'`](?:body\.)?(?:{names})["'`\[]|\b{re.escape(field_path)}\s*=""", message))


def _has_word(message: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", message) is not None


def _learn_dropped_tool_fields(refusal: Refusal) -> Lesson | None:
    """Leave out a field of the tools, if the refusal names one without which they work."""
    steps = {path.split(".")[-1] for path in refusal.paths if refusal.find_tool(path)}
    if not steps:
        return None
    return _drop_fields(refusal, [path for path in DROPPABLE_FIELDS if path in {f"tools.{step}" for step in steps}])


# In this order: what a refusal names exactly comes before what only its words suggest.
_LESSONS: tuple[Callable[[Refusal], Lesson | None], ...] = (
    _learn_no_stream,
    learn_refused_reasoning,
    learn_unknown_ids,
    learn_no_effort_updates,
    learn_item_fields,
    learn_refused_items,
    learn_images,
    _learn_dropped_tool_fields,
    learn_refused_tools,
    learn_tool_limit,
    _learn_allowed_efforts,
    _learn_include_values,
    learn_system_text,
    _learn_dropped_fields,
    _learn_whole_include,
    learn_message_status,
)
