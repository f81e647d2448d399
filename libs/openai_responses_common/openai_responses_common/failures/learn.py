"""Learns from a refusal which part of a request this endpoint or model does not accept.

Servers that implement only part of the Responses API refuse the rest, each with a different text. `learn_amendments`
reads such a refusal and returns what to change; the engine then sends the request again at once and remembers the
change for the endpoint and the model. Sources of the patterns: recorded 400s and issue threads of several clients and
servers, seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..facts.amendments import Amendments
from ..wire.json_values import as_object
from ..wire.types import item_key
from .failure import Failure

UNDROPPABLE_FIELDS = frozenset({"model", "input", "stream", "instructions", "tools", "text", "text.format"})
"""Fields that are never dropped, because that would change what the caller asked for."""


DROPPABLE_FIELDS: tuple[str, ...] = (
    "reasoning.summary",
    "reasoning.effort",
    "text.verbosity",
    "tools.strict",
    "include",
    "reasoning",
    "store",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
    "truncation",
    "temperature",
    "top_p",
    "safety_identifier",
    "max_output_tokens",
    "tool_choice",
)
"""Fields that a request works without. A nested field stands before its parent: only the nested one is dropped."""


_REFUSAL_CODES = frozenset({"unknown_parameter", "unsupported_parameter"})
_REFUSAL_PATTERN = re.compile(
    r"unsupported|unknown|unrecognized|unexpected|not supported|n.t support|not permitted|not allowed|not available"
    r"|no longer supported|must be verified|extra (inputs|fields)",
    re.I,
)
_INVALID_VALUE_PATTERN = re.compile(r"(unsupported|invalid) value", re.I)
_ALLOWED_VALUES_PATTERN = re.compile(
    r"(?:supported (?:values|efforts?) (?:are|is)|must be|input should be)\b:?(.*)", re.I | re.S
)
_EFFORT_REFUSAL_PATTERN = re.compile(r"effort|reasoning value", re.I)
_NO_REASONING_PATTERN = re.compile(r"does not support (thinking|reasoning)", re.I)
_EFFORT_PATTERN = re.compile(r"\b(none|minimal|low|medium|high|xhigh|max)\b")
_DEVELOPER_ROLE_PATTERN = re.compile(r"developer\W.*\brole|\brole\b.*\bdeveloper|unexpected message role", re.I | re.S)

# "Unsupported parameter: top_p", "Unsupported service_tier: flex": a gateway in front of the API.
_UNQUOTED_FIELD_PATTERN = re.compile(r"unsupported (?:parameter: )?([a-z_]+(?:\.[a-z_]+)*)", re.I)

# vLLM sends pydantic's validation errors in the message, as Python prints them.
_LOCATION_PATTERN = re.compile(r"'loc': \(([^)]*)\)")

_REASONING_REFUSAL_CODES = frozenset({"invalid_encrypted_content"})
_REASONING_REFUSAL_PATTERN = re.compile(
    r"encrypted content .*could not be|provided without its required|Items are not persisted when"
    r"|item with id '(rs|msg|fc)_[^']*' not found",
    re.I | re.S,
)

_Lesson = tuple[Amendments, str]


def learn_amendments(
    failure: Failure,
    body: Mapping[str, Any],
    amendments: Amendments,
    *,
    required_fields: frozenset[str] = frozenset(),
    system_role: bool = True,
) -> _Lesson | None:
    """Return the amendments that avoid this refusal, with a sentence for the user; None if it teaches nothing new.

    Args:
        failure: the refusal.
        body: the body that was refused.
        amendments: what earlier refusals taught.
        required_fields: fields that are never dropped; none by default.
        system_role: whether the service accepts the role `system` in place of `developer`; true by default.
    """
    if failure.status not in (400, 404, 422) and failure.kind != "event":
        return None
    lesson = _learn_refused_reasoning(failure, body, amendments) or _learn_allowed_efforts(failure, body, amendments)
    if lesson is None and failure.status in (400, 422):
        lesson = _learn_system_role(failure, body, amendments) if system_role else None
        lesson = lesson or _learn_dropped_fields(failure, body, amendments, required_fields)
    return lesson


def _learn_refused_reasoning(failure: Failure, body: Mapping[str, Any], amendments: Amendments) -> _Lesson | None:
    if failure.code not in _REASONING_REFUSAL_CODES and not _REASONING_REFUSAL_PATTERN.search(failure.message):
        return None
    sent_keys = frozenset(item_key(item) for item in body["input"] if item.get("type") == "reasoning")
    if not sent_keys - amendments.refused_item_keys:
        return None
    sentence = f"the service refused replayed reasoning ({failure.message[:200]}); sending the request without it"
    return replace(amendments, refused_item_keys=amendments.refused_item_keys | sent_keys), sentence


def _learn_allowed_efforts(failure: Failure, body: Mapping[str, Any], amendments: Amendments) -> _Lesson | None:
    effort = as_object(body.get("reasoning")).get("effort")
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


def _learn_system_role(failure: Failure, body: Mapping[str, Any], amendments: Amendments) -> _Lesson | None:
    has_developer_role = any(item.get("role") == "developer" for item in body["input"])
    if not has_developer_role or amendments.system_text_role or not _DEVELOPER_ROLE_PATTERN.search(failure.message):
        return None
    return (
        replace(amendments, system_text_role="system"),
        "the service does not accept the role developer; sending the role system instead",
    )


def _learn_dropped_fields(
    failure: Failure, body: Mapping[str, Any], amendments: Amendments, required_fields: frozenset[str]
) -> _Lesson | None:
    if failure.code not in _REFUSAL_CODES and not _REFUSAL_PATTERN.search(failure.message):
        return None
    named_fields = [path for path in DROPPABLE_FIELDS if _has_field(path, body) and _names_field(failure, path)]
    parents = {path.partition(".")[0] for path in named_fields if "." in path}
    excluded_fields = amendments.dropped_fields | parents | required_fields
    new_fields = [path for path in named_fields if path not in excluded_fields]
    if _INVALID_VALUE_PATTERN.search(failure.message):
        new_fields = [path for path in new_fields if path in {"temperature", "top_p"}]
    if not new_fields:
        return None
    names, reason = ", ".join(new_fields), failure.message[:200]
    sentence = f"the service does not accept {names} ({reason}); sending the request without it"
    return replace(amendments, dropped_fields=amendments.dropped_fields | set(new_fields)), sentence


def _names_field(failure: Failure, field_path: str) -> bool:
    """Return whether the refusal names the field.

    It counts as its `param`, as a location, in quotes, as `field=`, or after "unsupported". A bare word proves nothing.
    """
    locations = _LOCATION_PATTERN.findall(failure.message)
    params = [failure.param or "", *(".".join(re.findall(r"'(\w+)'", location)) for location in locations)]
    params = [re.sub(r"\[\d+\]|\.\d+\b", "", param).removeprefix("body.") for param in params]
    if any(param == field_path or param.startswith(f"{field_path}.") for param in params):
        return True
    if field_path == "reasoning" and _NO_REASONING_PATTERN.search(failure.message):
        return True
    if field_path in _UNQUOTED_FIELD_PATTERN.findall(failure.message):
        return True
    if locations or UNDROPPABLE_FIELDS.intersection(params):
        return False
    return bool(re.search(rf"""["'`]{re.escape(field_path)}["'`\[]|\b{re.escape(field_path)}\s*=""", failure.message))


def _has_field(field_path: str, body: Mapping[str, Any]) -> bool:
    if field_path == "tools.strict":
        return any("strict" in tool for tool in body.get("tools") or ())
    top, _, nested = field_path.partition(".")
    return top in body if not nested else nested in as_object(body.get(top))
