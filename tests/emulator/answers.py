"""Answers that are no response at all: error statuses, redirects, odd bodies, and servers that refuse parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Dialect = Literal["openai", "vllm", "litellm", "pydantic422"]


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply: a dict is sent as JSON, a string and bytes as they stand."""

    status: int
    body: Mapping[str, Any] | str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = field(default=0.0, kw_only=True)

    def encode(self) -> tuple[bytes, str]:
        """The body's bytes and its content type."""
        match self.body:
            case None:
                return b"", "text/plain"
            case bytes():
                return self.body, "application/octet-stream"
            case str():
                kind = "text/html" if self.body.lstrip().startswith("<") else "text/plain"
                return self.body.encode(), f"{kind}; charset=utf-8"
            case _:
                return json.dumps(self.body, indent=2).encode(), "application/json"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection ends in place of a reply.

    Attributes:
        reset: by TCP RST.
        words: bytes to send before that, as they stand: what no server of ours would write.
        open_s: how long it stays open after them, unless the client leaves.
    """

    reset: bool = False
    raw_bytes: bytes = field(default=b"", kw_only=True)
    open_s: float = field(default=0.0, kw_only=True)


@dataclass(frozen=True, slots=True)
class RejectParameters:
    """A standing rule: any request that carries one of these parameters is refused, in a server's own words.

    A dotted name ("reasoning.summary") means a key of an object.
    """

    parameters: Sequence[str]
    dialect: Dialect = "openai"

    def refusal(self, body: Mapping[str, Any]) -> HttpReply | None:
        """The refusal of this body, or None where it carries none of them."""
        found = {name: value for name in self.parameters if (value := _value_at(body, name)) is not None}
        return _DIALECTS[self.dialect](found, body) if found else None


def _value_at(body: Mapping[str, Any], name: str) -> Any:
    value: Any = body
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def error_body(message: str, *, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    """The error body of api.openai.com."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def rate_limit_exceeded(*, after_s: float | None = 1, after_ms: int | None = None) -> HttpReply:
    """429 rate_limit_exceeded with retry-after headers."""
    headers = {} if after_s is None else {"retry-after": f"{after_s:g}"}
    if after_ms is not None:
        headers["retry-after-ms"] = str(after_ms)
    message = (
        "Rate limit reached for gpt-5.6-sol in organization org-emulator on tokens per min (TPM): Limit 30000, "
        f"Used 29000, Requested 2000. Please try again in {after_s or 1:g}s. "
        "Visit https://platform.openai.com/account/rate-limits to learn more."
    )
    return HttpReply(429, error_body(message, kind="tokens", code="rate_limit_exceeded"), headers)


def insufficient_quota() -> HttpReply:
    """429 insufficient_quota: no retry helps."""
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    )
    return HttpReply(429, error_body(message, kind="insufficient_quota", code="insufficient_quota"))


def server_is_overloaded(*, after_s: float | None = None) -> HttpReply:
    """503 server_is_overloaded."""
    message = "Our servers are currently overloaded. Please try again later."
    headers = {} if after_s is None else {"retry-after": f"{after_s:g}"}
    return HttpReply(503, error_body(message, kind="service_unavailable_error", code="server_is_overloaded"), headers)


def server_error() -> HttpReply:
    """500 with the service's apology."""
    message = (
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists."
    )
    return HttpReply(500, error_body(message, kind="server_error", code=None))


def bad_gateway() -> HttpReply:
    """502 from the edge: HTML, no JSON."""
    return HttpReply(
        502,
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n",
    )


def context_length_exceeded() -> HttpReply:
    """400 context_length_exceeded."""
    message = "Your input exceeds the context window of this model. Please adjust your input and try again."
    return HttpReply(
        400, error_body(message, kind="invalid_request_error", code="context_length_exceeded", param="input")
    )


def redirect(location: str, *, status: int = 307) -> HttpReply:
    """A redirect, as a hijacked or moved host would send."""
    return HttpReply(status, None, {"location": location})


def _openai(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    name = next(iter(found))
    message = f"Unknown parameter: '{name}'."
    return HttpReply(400, error_body(message, kind="invalid_request_error", code="unknown_parameter", param=name))


def _first_parameter(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "type": "extra_forbidden",
            "loc": ["body", *name.split(".")],
            "msg": "Extra inputs are not permitted",
            "input": value,
        }
        for name, value in found.items()
    ]


def _vllm(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    # vLLM sends the list of faults as text, an integer code, and the status phrase as type
    # (reported by its users, seen 2026-11-21).
    faults = [{**fault, "loc": tuple(fault["loc"])} for fault in _first_parameter(found)]
    return HttpReply(400, {"error": {"message": str(faults), "type": "Bad Request", "param": None, "code": 400}})


def _litellm(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    # The proxy sends its exception's text, and the status as a string (its own tests, seen 2026-11-21).
    model = body.get("model")
    message = (
        f"litellm.UnsupportedParamsError: openai does not support parameters: {list(found)}, for model={model}. "
        "To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. "
        f"Received Model Group={model}\nAvailable Model Group Fallbacks=None"
    )
    return HttpReply(
        400, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": "400"}}
    )


def _pydantic422(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    return HttpReply(422, {"detail": _first_parameter(found)})


_DIALECTS = {"openai": _openai, "vllm": _vllm, "litellm": _litellm, "pydantic422": _pydantic422}
