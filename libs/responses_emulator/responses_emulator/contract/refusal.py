"""The errors of the emulated service: one exception, and the API's own bodies for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responses_emulator.rules import requests as rules
from responses_emulator.rules.rule import Rule


class Refusal(Exception):
    """A request that the service answers with an error status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        rule: Rule | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.status = status
        self.error_type = kind
        self.param = param
        self.code = code
        self.headers = headers


class RefusalWithBody(Refusal):
    """A refusal with a separate body, for services that have more than one dialect of errors.

    By default, its message is the text of the rule as it stands there, with names in braces.
    """

    def __init__(
        self,
        rule: Rule,
        body: Mapping[str, Any],
        *,
        message: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        status: int | None = None,
    ) -> None:
        super().__init__(message or rule.text, status=status or rule.status, headers=headers, rule=rule)
        self.body = dict(body)


def refuse(rule: Rule, *, headers: tuple[tuple[str, str], ...] = (), **values: object) -> Refusal:
    """Return the refusal of a rule; the values fill in the names in its text, its param and its kind."""
    return Refusal(
        rule.fill(**values),
        status=rule.status,
        kind=rule.kind.format(**values),
        param=None if rule.param is None else rule.param.format(**values),
        code=rule.code,
        headers=headers,
        rule=rule,
    )


def openai_error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal: its own, or the error dialect of api.openai.com."""
    if isinstance(refusal, RefusalWithBody):
        return refusal.body
    return {
        "error": {"message": refusal.message, "type": refusal.error_type, "param": refusal.param, "code": refusal.code},
    }


def format_choices(values: list[str] | tuple[str, ...]) -> str:
    """Quoted values the way the API lists them: 'a', 'b', and 'c'."""
    quoted = [f"'{value}'" for value in values]
    match quoted:
        case []:
            return ""
        case [only]:
            return only
        case [first, second]:
            return f"{first} and {second}"
        case _:
            return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


def unknown_parameter(path: str, *, near: str | None = None) -> Refusal:
    hint = f" Did you mean '{near}'?" if near else ""
    return refuse(rules.UNKNOWN_PARAMETER, path=path, hint=hint)


def missing_parameter(path: str) -> Refusal:
    return refuse(rules.MISSING_PARAMETER, path=path)


def invalid_value(value: Any, path: str, allowed: list[str] | tuple[str, ...]) -> Refusal:
    return refuse(rules.INVALID_VALUE, value=value, path=path, choices=format_choices(allowed))


def wrong_type(value: Any, path: str, expected: str) -> Refusal:
    return refuse(rules.INVALID_TYPE, path=path, expected=expected, found=describe_type(value))


def too_long(path: str, limit: int, length: int) -> Refusal:
    return refuse(rules.STRING_TOO_LONG, path=path, limit=limit, length=length)


def empty_string(path: str) -> Refusal:
    return refuse(rules.EMPTY_STRING, path=path)


def pattern_mismatch(path: str, pattern: str) -> Refusal:
    return refuse(rules.PATTERN_MISMATCH, path=path, pattern=pattern)


def describe_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case list():
            return "an array"
        case _:
            return "an object"
