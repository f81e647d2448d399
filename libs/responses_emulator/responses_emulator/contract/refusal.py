"""The errors of the emulated service: one exception, and the API's own bodies for it."""

from __future__ import annotations

from typing import Any


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
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.error_type = kind
        self.param = param
        self.code = code
        self.headers = headers


def openai_error_body(refusal: Refusal) -> dict[str, Any]:
    """The error dialect of api.openai.com."""
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
    return Refusal(f"Unknown parameter: '{path}'.{hint}", param=path, code="unknown_parameter")


def missing_parameter(path: str) -> Refusal:
    return Refusal(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")


def invalid_value(value: Any, path: str, allowed: list[str] | tuple[str, ...]) -> Refusal:
    return Refusal(
        f"Invalid value: '{value}'. Supported values are: {format_choices(allowed)}.", param=path, code="invalid_value"
    )


def wrong_type(value: Any, path: str, expected: str) -> Refusal:
    return Refusal(
        f"Invalid type for '{path}': expected {expected}, but got {describe_type(value)} instead.",
        param=path,
        code="invalid_type",
    )


def too_long(path: str, limit: int, length: int) -> Refusal:
    return Refusal(
        f"Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param=path,
        code="string_above_max_length",
    )


def empty_string(path: str) -> Refusal:
    return Refusal(
        f"Invalid '{path}': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        param=path,
        code="empty_string",
    )


def pattern_mismatch(path: str, pattern: str) -> Refusal:
    return Refusal(
        f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '{pattern}'.",
        param=path,
        code="invalid_value",
    )


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
