"""The error replies of api.openai.com, for tests to script."""

from __future__ import annotations

from responses_emulator.rules import http, requests
from responses_emulator.script.replies import HttpReply, error_body


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
    """429 insufficient_quota, which no retry clears."""
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
    """500 server_error."""
    message = http.SERVER_ERROR.text
    return HttpReply(500, error_body(message, kind="server_error", code=None))


def bad_gateway() -> HttpReply:
    """502 of the edge, as an HTML page."""
    return HttpReply(
        502,
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n",
    )


def context_length_exceeded() -> HttpReply:
    """400 context_length_exceeded."""
    message = requests.CONTEXT_LENGTH.text
    return HttpReply(
        400, error_body(message, kind="invalid_request_error", code="context_length_exceeded", param="input")
    )


def redirect(location: str, *, status: int = 307) -> HttpReply:
    """A redirect, as a host that was moved or hijacked sends it."""
    return HttpReply(status, None, {"location": location})
