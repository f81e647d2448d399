"""What a 400 teaches: which part of a request this endpoint or model does not take.

Servers that speak only part of the Responses API refuse what they do not know, each in its own words. `amend` reads
such a refusal and says what to leave out; the engine sends the call again at once and remembers it for the endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..facts.amendments import Amendments
from ..wire.json_values import as_object
from ..wire.types import reasoning_key
from .failure import Failure

UNDROPPABLE_FIELDS = frozenset({"model", "input", "stream", "instructions", "tools", "text", "text.format"})
"""Leaving these out would change what was asked; their refusal is the caller's to see."""


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
"""Paths that a request works without; the first that a refusal names is dropped."""


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


# "Unsupported parameter: top_p", "Unsupported service_tier: flex": a gateway in front of the API. Source: issue threads
# of several clients, seen 2026-11-21.
_UNQUOTED_FIELD_PATTERN = re.compile(r"unsupported (?:parameter: )?([a-z_]+(?:\.[a-z_]+)*)", re.I)


# pydantic's faults as Python writes them, which vLLM sends inside the message.
_LOCATION_PATTERN = re.compile(r"'loc': \(([^)]*)\)")


# Refusals of replayed reasoning. Sources: recorded 400s and the issue threads of several clients, seen 2026-11-21.
_REASONING_REFUSAL_CODES = frozenset({"invalid_encrypted_content"})


_REASONING_REFUSAL_PATTERN = re.compile(
    r"encrypted content .*could not be|provided without its required|Items are not persisted when"
    r"|item with id '(rs|msg|fc)_[^']*' not found",
    re.I | re.S,
)


def learn_amendments(
    failure: Failure,
    body: Mapping[str, Any],
    amendments: Amendments,
    *,
    required_fields: frozenset[str] = frozenset(),
    system_role: bool = True,
) -> tuple[Amendments, str] | None:
    """The amendments that answer this refusal, with a line for the user; None if it teaches nothing new.

    Args:
        failure: the refusal.
        body: what was refused.
        known: what was learned before.
        needs: body keys that are never left out.
        system_role: the role `system` may stand for `developer`.
    """
    if failure.status not in (400, 404, 422) and failure.kind != "event":
        return None
    found = _learn_refused_reasoning(failure, body, amendments) or _learn_allowed_efforts(failure, body, amendments)
    if found is None and failure.status in (400, 422):
        found = (system_role and _learn_system_role(failure, body, amendments)) or _learn_dropped_fields(
            failure, body, amendments, required_fields
        )
    return found or None


def _learn_refused_reasoning(
    failure: Failure, body: Mapping[str, Any], amendments: Amendments
) -> tuple[Amendments, str] | None:
    if failure.code not in _REASONING_REFUSAL_CODES and not _REASONING_REFUSAL_PATTERN.search(failure.message):
        return None
    sent = frozenset(reasoning_key(item) for item in body["input"] if item.get("type") == "reasoning")
    if not sent - amendments.refused_reasoning_keys:
        return None
    line = f"the service refused replayed reasoning ({failure.message[:200]}): sending the call without it"
    return replace(amendments, refused_reasoning_keys=amendments.refused_reasoning_keys | sent), line


def _learn_allowed_efforts(
    failure: Failure, body: Mapping[str, Any], amendments: Amendments
) -> tuple[Amendments, str] | None:
    asked = as_object(body.get("reasoning")).get("effort")
    if asked is None or not _EFFORT_REFUSAL_PATTERN.search(f"{failure.param} {failure.message}"):
        return None
    listed = _ALLOWED_VALUES_PATTERN.search(failure.message)
    allowed = tuple(dict.fromkeys(_EFFORT_PATTERN.findall(listed[1].partition("'input'")[0]))) if listed else ()
    if (
        amendments.allowed_efforts is not None
    ):  # two servers behind one address may disagree: only what all of them take is news
        allowed = tuple(effort for effort in amendments.allowed_efforts if effort in allowed)
    if not allowed or allowed == amendments.allowed_efforts:
        return None
    line = f"effort {asked!r} is not taken by this model, which allows {', '.join(allowed)}"
    return replace(amendments, allowed_efforts=allowed), line


def _learn_system_role(
    failure: Failure, body: Mapping[str, Any], amendments: Amendments
) -> tuple[Amendments, str] | None:
    sent = any(item.get("role") == "developer" for item in body["input"])
    if not sent or amendments.developer_as_system or not _DEVELOPER_ROLE_PATTERN.search(failure.message):
        return None
    line = "the service does not know the role developer: sending system instead"
    return replace(amendments, developer_as_system=True), line


def _learn_dropped_fields(
    failure: Failure, body: Mapping[str, Any], amendments: Amendments, required_fields: frozenset[str]
) -> tuple[Amendments, str] | None:
    refused = failure.code in {"unknown_parameter", "unsupported_parameter"} or _REFUSAL_PATTERN.search(failure.message)
    if not refused:
        return None
    named = [path for path in DROPPABLE_FIELDS if _has_field(path, body) and _names_field(failure, path)]
    parents = {path.partition(".")[0] for path in named if "." in path}
    named = [
        path
        for path in named
        if path not in amendments.dropped_fields and path not in parents and path not in required_fields
    ]
    if _INVALID_VALUE_PATTERN.search(failure.message):
        named = [path for path in named if path in {"temperature", "top_p"}]
    if not named:
        return None
    line = f"{', '.join(named)} is not supported here and was left out ({failure.message[:200]})"
    return replace(amendments, dropped_fields=amendments.dropped_fields | set(named)), line


def _names_field(failure: Failure, field_path: str) -> bool:
    """Does the refusal name the parameter: as its `param`, by location, in quotes, as `path=`, or after "unsupported"?
    A bare word proves nothing."""
    located = _LOCATION_PATTERN.findall(failure.message)
    params = [failure.param or "", *(".".join(re.findall(r"'(\w+)'", place)) for place in located)]
    params = [re.sub(r"\[\d+\]|\.\d+\b", "", param).removeprefix("body.") for param in params]
    if any(param == field_path or param.startswith(f"{field_path}.") for param in params):
        return True
    if field_path == "reasoning" and _NO_REASONING_PATTERN.search(failure.message):
        return True
    if any(named == field_path for named in _UNQUOTED_FIELD_PATTERN.findall(failure.message)):
        return True
    if located or UNDROPPABLE_FIELDS.intersection(params):
        return False
    return bool(re.search(rf"""["'`]{re.escape(field_path)}["'`\[]|\b{re.escape(field_path)}\s*=""", failure.message))


def _has_field(field_path: str, body: Mapping[str, Any]) -> bool:
    if field_path == "tools.strict":
        return any("strict" in tool for tool in body.get("tools") or ())
    top, _, nested = field_path.partition(".")
    return top in body if not nested else nested in as_object(body.get(top))
