"""The error replies of Microsoft Entra's token endpoint, by AADSTS number."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from string import Formatter
from typing import Any

from responses_emulator.rules import entra as rules
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import HttpReply

_RULES = [rule for rule in vars(rules).values() if isinstance(rule, Rule)]
_BY_CODE = {rule.code: rule for rule in reversed(_RULES)}  # the first of two rows with one number
_SUBERRORS = {50076: "basic_action", 53003: "message_only", 700082: "token_expired", 70043: "bad_token"}


def entra_error(number: int, names: Mapping[str, str] | None = None, *, status: int | None = None) -> HttpReply:
    """An error of the token endpoint by its AADSTS number; `names` fill in what the text names."""
    return rule_error(_BY_CODE[f"AADSTS{number}"], names or {}, status=status)


def rule_error(
    rule: Rule, names: Mapping[str, str], *, status: int | None = None, error_name: str | None = None
) -> HttpReply:
    """The error of a rule with a number; a name that is not filled in stands in parentheses."""
    fields = {name: f"({name})" for _, name, _, _ in Formatter().parse(rule.text) if name}
    body = _entra_body(error_name or rule.kind, f"{rule.code}: {rule.fill(**(fields | dict(names)))}")
    number = int(str(rule.code).removeprefix("AADSTS"))
    body["error_codes"] = [number]
    body["error_uri"] = f"https://login.microsoftonline.com/error?code={number}"
    if number in _SUBERRORS:
        body["suberror"] = _SUBERRORS[number]
    headers = {"cache-control": "no-store, no-cache", "pragma": "no-cache"}
    return HttpReply(status or rule.status, body, headers, rule=rule)


def slow_down() -> HttpReply:
    """400 slow_down of a device sign-in."""
    rule = rules.SLOW_DOWN
    return HttpReply(rule.status, _entra_body(rule.kind, rule.text), rule=rule)


def entra_unavailable(*, after_s: int | None = None, status: int = 503) -> HttpReply:
    """503, or another status, as HTML from the edge."""
    headers = {} if after_s is None else {"retry-after": str(after_s)}
    return HttpReply(status, "<html><body><h2>Our services aren't available right now</h2></body></html>", headers)


def _entra_body(kind: str, text: str) -> dict[str, Any]:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    return {
        "error": kind,
        "error_description": f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
    }
