"""Every known failure in one table: what a service sends, and which error it becomes.

`tests/unit/failures/test_classify.py` checks all rows. The fault matrix sends only the rows with `over_socket`, one for
each class of error and for each odd form, and `docs/faults.md` lists all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from openai_responses_common.failures._learn_images import IMAGE_REFUSAL_CODES
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.read import read_error_event, read_error_response
from openai_responses_common.wire.json_values import loads_or_text
from responses_emulator import (
    HttpReply,
    bad_gateway,
    cloudflare_challenge,
    context_length_exceeded,
    insufficient_quota,
    redirect,
    server_error,
    server_is_overloaded,
)

MAX_RETRY_DELAY_S = 5.0
"""The longest wait of the tests; a row that asks for more is final."""

_RETRYABLE = frozenset({"RateLimitError", "ProviderUnavailableError", "LLMTimeoutError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRow:
    """One failure.

    Attributes:
        name: what the service sends, for readers of the page.
        reply: the error response. None if the failure is an event.
        event: the event of a stream. None if the failure is an error response.
        error: the class of the kernel's error.
        retryable: whether a retry can help.
        text: a part of the error's message; any message fits by default.
        over_socket: whether the fault matrix sends it to each provider over a socket; false by default.
        code_status: the status that the code of an event stands for. None, the default, if the code is a word.
    """

    name: str
    reply: HttpReply | None = None
    event: Mapping[str, Any] | None = None
    error: str
    retryable: bool
    text: str = ""
    over_socket: bool = False
    code_status: int | None = None

    @property
    def status(self) -> int | None:
        return self.reply.status if self.reply else (self.event or {}).get("status", self.code_status)

    def read(self) -> Failure:
        """Return the failure as the product reads it."""
        if self.reply is None:
            return read_error_event(dict(self.event or {}))
        content, _ = self.reply.encode()
        headers = {name.lower(): value for name, value in self.reply.headers.items()}
        return read_error_response(self.reply.status, loads_or_text(content.decode()), headers)


def _row(name: str, reply: HttpReply, error: str, *, retryable: bool | None = None, **more: Any) -> ErrorRow:
    return ErrorRow(
        name=name, reply=reply, error=error, retryable=error in _RETRYABLE if retryable is None else retryable, **more
    )


def _event(name: str, event: Mapping[str, Any], error: str, *, retryable: bool | None = None, **more: Any) -> ErrorRow:
    return ErrorRow(
        name=name, event=event, error=error, retryable=error in _RETRYABLE if retryable is None else retryable, **more
    )


def _over_socket(rows: Iterable[ErrorRow], *names: str) -> tuple[ErrorRow, ...]:
    rows = tuple(rows)
    assert set(names) <= {row.name for row in rows}
    return tuple(replace(row, over_socket=row.over_socket or row.name in names) for row in rows)


def refusal(status: int, code: object, message: str = "No.", **fields: Any) -> HttpReply:
    """Return an error response in the API's own form."""
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": code, **fields}
    return HttpReply(status, {"error": body})


# Codes and types: with each, the status at which services send it, and the class.

CODES: Mapping[str, tuple[int, str]] = {
    "invalid_api_key": (401, "AuthenticationError"),
    "account_deactivated": (401, "AuthenticationError"),
    "token_expired": (401, "AuthenticationError"),
    "insufficient_permissions": (403, "AccessDeniedError"),
    "unsupported_country_region_territory": (403, "AccessDeniedError"),
    "context_length_exceeded": (400, "ContextLengthError"),
    "content_filter": (400, "ContentFilterError"),
    "content_policy_violation": (400, "ContentFilterError"),
    "invalid_prompt": (400, "ContentFilterError"),
    "bio_policy": (400, "ContentFilterError"),
    "cyber_policy": (400, "ContentFilterError"),
    "misalignment_policy_violation": (403, "ContentFilterError"),
    "image_content_policy_violation": (400, "ContentFilterError"),
    "model_not_found": (404, "NotFoundError"),
    "DeploymentNotFound": (404, "NotFoundError"),
    "insufficient_quota": (429, "QuotaExceededError"),
    "credit_balance_exhausted": (429, "QuotaExceededError"),
    "billing_hard_limit_reached": (400, "QuotaExceededError"),
    "billing_not_active": (429, "QuotaExceededError"),
    "usage_limit_reached": (429, "QuotaExceededError"),
    "usage_not_included": (429, "QuotaExceededError"),
    "insufficient_user_quota": (403, "QuotaExceededError"),
    "pre_consume_token_quota_failed": (403, "QuotaExceededError"),
    "rate_limit_exceeded": (429, "RateLimitError"),
    "slow_down": (429, "RateLimitError"),
    "too_many_requests": (429, "RateLimitError"),
    "server_is_overloaded": (503, "ProviderUnavailableError"),
    "engine_overloaded": (503, "ProviderUnavailableError"),
    "overloaded": (503, "ProviderUnavailableError"),
    "server_error": (500, "ProviderUnavailableError"),
    "internal_error": (500, "ProviderUnavailableError"),
    "internal_server_error": (500, "ProviderUnavailableError"),
    "service_unavailable": (503, "ProviderUnavailableError"),
    "vector_store_timeout": (500, "LLMTimeoutError"),
    **dict.fromkeys(sorted(IMAGE_REFUSAL_CODES), (400, "InvalidRequestError")),
}

TYPES: Mapping[str, str] = {
    "insufficient_quota": "QuotaExceededError",
    "tokens": "RateLimitError",
    "requests": "RateLimitError",
    "rate_limit_error": "RateLimitError",
    "authentication_error": "AuthenticationError",
    "permission_error": "AccessDeniedError",
    "not_found_error": "NotFoundError",
    "no_db_connection": "AuthenticationError",
    "token_not_found_in_db": "AuthenticationError",
    "expired_key": "AuthenticationError",
    "key_model_access_denied": "AccessDeniedError",
    "budget_exceeded": "QuotaExceededError",
    "overloaded_error": "ProviderUnavailableError",
    "service_unavailable_error": "ProviderUnavailableError",
}

_BUSY_CLASSES = _RETRYABLE | {"QuotaExceededError"}
_CODE_ROWS = _over_socket(
    (_row(f"{status}, `{code}`", refusal(status, code), error) for code, (status, error) in CODES.items()),
    "403, `insufficient_permissions`",
    "400, `content_policy_violation`",
    "404, `model_not_found`",
    "429, `slow_down`",
)
_TYPE_ROWS = tuple(
    _row(f"the type `{kind}` alone", HttpReply(400, {"error": {"message": "No.", "type": kind}}), error)
    for kind, error in TYPES.items()
)


def _split(rows: Iterable[ErrorRow], *, busy: bool) -> tuple[ErrorRow, ...]:
    return tuple(row for row in rows if (row.error in _BUSY_CLASSES) is busy)


# Statuses, pages and texts

_STATUS_ROWS = (
    _row("401 in words", HttpReply(401, "Unauthorized"), "AuthenticationError", over_socket=True),
    _row("401 without a body", HttpReply(401), "AuthenticationError"),
    _row("403 without a body", HttpReply(403), "AccessDeniedError"),
    _row("407, a proxy requires a login", HttpReply(407), "ConfigurationError", text="login", over_socket=True),
    _row("413", HttpReply(413, "Request Entity Too Large"), "ContextLengthError"),
    _row("400, `invalid_value`", refusal(400, "invalid_value"), "InvalidRequestError", over_socket=True),
    _row("400, `previous_response_not_found`", refusal(400, "previous_response_not_found"), "InvalidRequestError"),
    _row(
        "400, a parameter with safety in its name",
        refusal(400, None, "Invalid 'safety_identifier': too long"),
        "InvalidRequestError",
    ),
    _row("400 without a body", HttpReply(400), "InvalidRequestError", text="HTTP 400", over_socket=True),
    _row("404 without a body", HttpReply(404), "NotFoundError"),
    _row(
        "404 with a page",
        HttpReply(404, "<html><title>404 Not Found</title></html>"),
        "NotFoundError",
        text="404 Not Found",
    ),
    _row("405", HttpReply(405, "Method Not Allowed"), "NotFoundError"),
    _row("410", HttpReply(410, "Gone"), "InvalidRequestError"),
    _row("415", HttpReply(415, "Unsupported Media Type"), "InvalidRequestError"),
    _row("418", HttpReply(418, {"detail": "teapot"}), "InvalidRequestError", text="teapot"),
    _row(
        "422, a validation error",
        HttpReply(422, {"detail": [{"loc": ["body", "input"], "msg": "Field required"}]}),
        "InvalidRequestError",
        text="input: Field required",
        over_socket=True,
    ),
    _row("431", HttpReply(431, "Request Header Fields Too Large"), "InvalidRequestError"),
    _row("408", HttpReply(408, "Request Timeout"), "LLMTimeoutError", over_socket=True),
    _row("409", HttpReply(409, "Conflict"), "ProviderUnavailableError", over_socket=True),
    _row("425", HttpReply(425, "Too Early"), "ProviderUnavailableError"),
    _row("429 in words", HttpReply(429, "Too Many Requests"), "RateLimitError"),
    _row("429 without a body", HttpReply(429), "RateLimitError"),
    _row("500, the service's apology", server_error(), "ProviderUnavailableError", over_socket=True),
    _row("500 in words", HttpReply(500, "Internal Server Error"), "ProviderUnavailableError"),
    _row("500 without a body", HttpReply(500), "ProviderUnavailableError"),
    _row("501", HttpReply(501, "Not Implemented"), "ProviderUnavailableError"),
    _row("502", HttpReply(502, "Bad Gateway"), "ProviderUnavailableError"),
    _row("503, with code and type", server_is_overloaded(), "ProviderUnavailableError"),
    _row("504", HttpReply(504, "Gateway Timeout"), "ProviderUnavailableError"),
    _row("507", HttpReply(507, "Insufficient Storage"), "ProviderUnavailableError"),
    _row(
        "520, from an edge",
        HttpReply(520, "<title>520: Web server is returning an unknown error</title>"),
        "ProviderUnavailableError",
        text="520: Web server",
    ),
    _row(
        "529, `overloaded_error`",
        HttpReply(529, {"error": {"message": "Overloaded", "type": "overloaded_error"}}),
        "ProviderUnavailableError",
        over_socket=True,
    ),
    _row("599", HttpReply(599), "ProviderUnavailableError"),
)
_SENTENCE_ROWS = (
    _row(
        "401, `invalid_api_key` with its sentence",
        refusal(401, "invalid_api_key", "Incorrect API key provided."),
        "AuthenticationError",
        text="Incorrect API key provided",
        over_socket=True,
    ),
    _row("400, the conversation is too long", context_length_exceeded(), "ContextLengthError", over_socket=True),
    _row(
        "400, the same in words alone",
        refusal(400, None, "This model's maximum context length is 4096 tokens."),
        "ContextLengthError",
        text="shorten or compact",
    ),
    _row("402, no credit (gateways)", refusal(402, None, "Insufficient credits."), "QuotaExceededError"),
    _row("429, the credit is used up", insufficient_quota(), "QuotaExceededError", over_socket=True),
    _row(
        "403, the edge takes the client for a bot",
        cloudflare_challenge(),
        "ProviderUnavailableError",
        text="Just a moment",
        over_socket=True,
    ),
)

# What servers and gateways of other makers say. LiteLLM 1.108, llama.cpp, transformers serve 5.24 and codex-relay 0.5
# were run on 2026-11-30; the others are public reports, seen 2026-12-01.


def _gateway(status: int, message: str, **fields: Any) -> HttpReply:
    """LiteLLM's form: the status once more as text in the code."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": str(status), **fields}
    return HttpReply(status, {"error": error})


_UPSTREAM_PROMPT = (
    '{\n "error": {\n "message": "Flagged.", "type": "invalid_request_error", "param": null, "code": "%s"}}'
)
_OPENROUTER = {"message": "Provider returned error", "code": 400}
_GATEWAY_ROWS = (
    _row(
        "llama.cpp: 500, the model takes no images",
        HttpReply(500, {"error": {"code": 500, "message": "image input is not supported", "type": "server_error"}}),
        "InvalidRequestError",
        text="choose a model that takes images",
    ),
    _row(
        "LiteLLM: 400, a key that it does not know",
        _gateway(400, "No connected db.", type="no_db_connection"),
        "AuthenticationError",
        text="the gateway knows no such key",
        over_socket=True,
    ),
    _row(
        "LiteLLM: 401, its own key for the model was refused",
        _gateway(401, "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided"),
        "AuthenticationError",
        text="the gateway's own key for this model was refused",
    ),
    _row(
        "LiteLLM: 400, no such model",
        _gateway(400, "/responses: Invalid model name passed in model=X. Call `/v1/models` to view available models."),
        "NotFoundError",
        over_socket=True,
    ),
    _row(
        "transformers: 400, another model is loaded",
        HttpReply(400, {"detail": "Server is pinned to 'A'; requested 'B'"}),
        "NotFoundError",
    ),
    *(
        _row(
            f"LiteLLM: 400, `{code}` of its upstream",
            _gateway(
                400, f"litellm.BadRequestError: OpenAIException - {_UPSTREAM_PROMPT % code}. Received Model Group=X"
            ),
            error,
        )
        for code, error in (("invalid_prompt", "ContentFilterError"), ("model_not_found", "NotFoundError"))
    ),
    *(
        _row(f"LiteLLM: `{name}`", _gateway(status, f"litellm.{name}: No."), error)
        for name, status, error in (
            ("ContentPolicyViolationError", 400, "ContentFilterError"),
            ("ContextWindowExceededError", 400, "ContextLengthError"),
            ("BadRequestError: litellm.ContextWindowExceededError", 400, "ContextLengthError"),
            ("BudgetExceededError", 400, "QuotaExceededError"),
            ("Timeout", 500, "LLMTimeoutError"),
            ("UnsupportedParamsError", 400, "InvalidRequestError"),
        )
    ),
    _row(
        "OpenRouter: the reason of its upstream as JSON",
        HttpReply(
            400,
            {
                "error": {
                    **_OPENROUTER,
                    "metadata": {
                        "provider_name": "Crucible",
                        "raw": '{"error": {"code": "context_length_exceeded", "message": "Too long."}}',
                    },
                }
            },
        ),
        "ContextLengthError",
        text="Crucible: Too long",
        over_socket=True,
    ),
    _row(
        "OpenRouter: the reason of its upstream as text",
        HttpReply(
            429, {"error": {**_OPENROUTER, "code": 429, "metadata": {"raw": "Slow.", "provider_name": "BaseTen"}}}
        ),
        "RateLimitError",
        text="BaseTen: Slow",
    ),
    _row(
        "OpenRouter: 400, no such model",
        HttpReply(400, {"error": {"message": "healer-alpha is not a valid model ID", "code": 400}}),
        "NotFoundError",
    ),
    _row(
        "404 of a path that does not exist",
        HttpReply(404, {"detail": "Not Found"}),
        "NotFoundError",
        over_socket=True,
    ),
    _row(
        "429, one request is larger than the limit per minute",
        refusal(
            429,
            "rate_limit_exceeded",
            "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 36278. "
            "The input or output tokens must be reduced in order to run successfully.",
            type="tokens",
        ),
        "RateLimitError",
        retryable=False,
        text="larger than the limit per minute",
        over_socket=True,
    ),
    _row(
        "429, the limit per minute is used up",
        refusal(
            429,
            "rate_limit_exceeded",
            "Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000, Used 8554, Requested 3082. Please try "
            "again in 0.1s.",
            type="tokens",
        ),
        "RateLimitError",
    ),
    _row(
        "400, an image of the newest message is damaged",
        refusal(400, "invalid_value", "The image data you provided does not represent a valid image.", param="input"),
        "InvalidRequestError",
        text="attach it again",
    ),
)

_SENTENCE_ROWS += _GATEWAY_ROWS
REFUSAL_ROWS = _split(_SENTENCE_ROWS + _CODE_ROWS + _TYPE_ROWS + _STATUS_ROWS, busy=False)
BUSY_ROWS = _split(_SENTENCE_ROWS + _CODE_ROWS + _TYPE_ROWS + _STATUS_ROWS, busy=True)

REDIRECT_ROWS = tuple(
    _row(
        f"{status}, a redirect, which is not followed",
        redirect("http://127.0.0.1:9/v1/responses", status=status),
        "ConfigurationError",
        text="redirects are not followed",
        over_socket=status in {301, 304, 307},
    )
    for status in (300, 301, 302, 303, 304, 305, 307, 308)
)
PAGE_ROWS = (
    _row("502 with a page", bad_gateway(), "ProviderUnavailableError", text="502 Bad Gateway", over_socket=True),
    _row("504 with a page", HttpReply(504, "<html><title>504</title></html>"), "ProviderUnavailableError", text="504"),
)

# The shapes of a body: each is a 400.


def _shape(name: str, body: Any, *, text: str = "Odd.", **more: Any) -> ErrorRow:
    return _row(name, HttpReply(400, body), "InvalidRequestError", text=text, **more)


SHAPE_ROWS = (
    _shape('`{"error": {…}}`', {"error": {"message": "Odd.", "code": "odd"}}, over_socket=True),
    _shape(
        '`{"error": {…}}` with a number as code', {"error": {"message": "Odd.", "type": "Bad Request", "code": 400}}
    ),
    _shape('`{"error": "text"}`', {"error": "Odd."}),
    _shape('`{"code", "message"}`', {"code": "odd", "message": "Odd."}),
    _shape('`{"detail": "text"}`', {"detail": "Odd."}),
    _shape('`{"detail": {…}}`', {"detail": {"code": "odd", "message": "Odd."}}),
    _shape('`{"detail": [{"loc", "msg"}]}`', {"detail": [{"loc": ["body", "x"], "msg": "Odd."}]}, text="x: Odd."),
    _shape('`{"message": …}`', {"message": "Odd."}),
    _shape("a list", '["Odd."]'),
    _shape("a string", '"Odd."'),
    _shape("text", "Odd."),
    _shape("an HTML page", "<html><head><title>Odd.</title></head><body>No.</body></html>", over_socket=True),
    _shape("nothing", "", text="no message"),
    _shape("`{}`", {}, text=""),
    _shape("`null`", "null", text=""),
    _shape('`{"error": null}`', {"error": None}, text=""),
    _shape('`{"error": {"message": null}}`', {"error": {"message": None}}, text=""),
    _shape('`{"error": []}`', {"error": []}, text=""),
)

# How long the service asks us to wait: each is a 429 if the name does not say otherwise.

_DATE = "Sat, 21 Nov 2026 10:00:00 GMT"
_PLAN_LIMIT = {"type": "usage_limit_reached", "message": "Odd."}


def _wait(name: str, *, too_long: bool = False, status: int = 429, **more: Any) -> ErrorRow:
    over_socket = more.pop("over_socket", False)
    headers = {key if "-" in key else key.replace("_", "-"): value for key, value in more.items()}
    return _row(
        name,
        HttpReply(status, {"error": {"message": "Busy."}}, headers),
        "RateLimitError" if status == 429 else "ProviderUnavailableError",
        retryable=not too_long,
        text="max_retry_delay" if too_long else "Busy",
        over_socket=over_socket,
    )


def _litellm_wait(seconds: str) -> dict[str, Any]:
    return {"llm_provider-retry-after": seconds}


WAIT_ROWS = (
    _wait("`Retry-After: 0`", retry_after="0"),
    _wait("`Retry-After: 0.01`", retry_after="0.01", over_socket=True),
    _wait("`Retry-After-Ms: 10`", retry_after_ms="10"),
    _wait("`Retry-After-Ms: 10` with `Retry-After: 3600`", retry_after_ms="10", retry_after="3600", over_socket=True),
    _wait("the date of the response", retry_after=_DATE, date=_DATE),
    _wait("a date in the past", retry_after="Fri, 20 Nov 2026 10:00:00 GMT", date=_DATE),
    _wait("a negative number", retry_after="-5"),
    _wait("neither a number nor a date", retry_after="soon"),
    _wait("an empty header", retry_after=""),
    _wait("`nan`", retry_after="nan", over_socket=True),
    _wait("`inf`", retry_after="inf"),
    _wait("LiteLLM's `llm_provider-retry-after: 0.01`", **_litellm_wait("0.01")),
    _wait("LiteLLM's `llm_provider-retry-after: 3600`", too_long=True, **_litellm_wait("3600")),
    _row(
        "a wait of an hour in words",
        HttpReply(429, {"error": {"message": "Busy. Please retry after 3600 seconds."}}),
        "RateLimitError",
        retryable=False,
        text="max_retry_delay",
    ),
    _wait("`Retry-After: 3600`", too_long=True, retry_after="3600", over_socket=True),
    _wait("a date two minutes later", too_long=True, retry_after="Sat, 21 Nov 2026 10:02:00 GMT", date=_DATE),
    _wait("`Retry-After: 3600` of a 503", too_long=True, status=503, retry_after="3600"),
    _wait("`Retry-After: 0.01` of a 503", status=503, retry_after="0.01"),
    *(
        _row(
            f"`{value}`, for a quota",
            replace(refusal(429, "insufficient_quota"), headers={"retry-after": value}),
            "QuotaExceededError",
        )
        for value in ("nan", "inf")
    ),
    _row(
        "a limit that never resets",
        HttpReply(429, '{"error": {"type": "usage_limit_reached", "message": "Odd.", "resets_in_seconds": Infinity}}'),
        "QuotaExceededError",
        text="Odd",
    ),
    _row(
        "a limit whose reset is not a number",
        HttpReply(429, {"error": {**_PLAN_LIMIT, "resets_at": "soon"}}),
        "QuotaExceededError",
        text="Odd",
    ),
    _row(
        "a limit that resets in 26 hours",
        HttpReply(429, {"error": {**_PLAN_LIMIT, "resets_in_seconds": 3600 * 26}}),
        "QuotaExceededError",
        text="the limit resets in 1 d 2 h",
        over_socket=True,
    ),
)

# Events of a stream

_FAILED_CODES: Mapping[str, str] = {
    "server_error": "ProviderUnavailableError",
    "server_is_overloaded": "ProviderUnavailableError",
    "slow_down": "RateLimitError",
    "vector_store_timeout": "LLMTimeoutError",
    "a_new_one": "ProviderUnavailableError",
    "context_length_exceeded": "ContextLengthError",
    "insufficient_quota": "QuotaExceededError",
    "usage_not_included": "QuotaExceededError",
    "invalid_prompt": "ContentFilterError",
    "cyber_policy": "ContentFilterError",
    "bio_policy": "ContentFilterError",
    "misalignment_policy_violation": "ContentFilterError",
    **dict.fromkeys(
        (
            "data_residency_mismatch",
            "invalid_image",
            "invalid_image_format",
            "invalid_base64_image",
            "invalid_image_url",
            "image_too_large",
            "image_too_small",
            "image_parse_error",
            "invalid_image_mode",
            "image_file_too_large",
            "unsupported_image_media_type",
            "empty_image_file",
            "failed_to_download_image",
            "image_file_not_found",
            "previous_response_not_found",
            "invalid_encrypted_content",
            "unsupported_parameter",
            "unknown_parameter",
        ),
        "InvalidRequestError",
    ),
}


def _failed(code: str, message: str = "No.") -> dict[str, Any]:
    return {"type": "response.failed", "response": {"status": "failed", "error": {"code": code, "message": message}}}


FAILED_EVENT_ROWS = (
    *_over_socket(
        (_event(f"`{code}`", _failed(code), error) for code, error in _FAILED_CODES.items()),
        "`server_error`",
        "`vector_store_timeout`",
        "`a_new_one`",
        "`context_length_exceeded`",
        "`insufficient_quota`",
        "`invalid_prompt`",
        "`invalid_image`",
    ),
    _event(
        "`rate_limit_exceeded`, with a wait in its message",
        _failed("rate_limit_exceeded", "Please try again in 10ms."),
        "RateLimitError",
        over_socket=True,
    ),
    _event(
        "`rate_limit_exceeded`, with a wait of 6 minutes",
        _failed("rate_limit_exceeded", "Please try again in 6m0s."),
        "RateLimitError",
        retryable=False,
        text="max_retry_delay",
        over_socket=True,
    ),
)
ERROR_EVENT_ROWS = (
    *(
        _event(f"nested, `{code}`", {"type": "error", "error": {"code": code, "message": "x"}}, error)
        for code, error in (
            ("context_length_exceeded", "ContextLengthError"),
            ("insufficient_quota", "QuotaExceededError"),
        )
    ),
    _event(
        "flat, `context_length_exceeded`",
        {"type": "error", "code": "context_length_exceeded", "message": "x"},
        "ContextLengthError",
        over_socket=True,
    ),
    _event(
        "a text instead of the error",
        {"type": "error", "error": "Odd."},
        "ProviderUnavailableError",
        text="Odd",
    ),
    _event("with nothing in it", {"type": "error"}, "ProviderUnavailableError", over_socket=True),
    _event(
        "with status 429",
        {"type": "error", "status": 429, "error": {"message": "x"}},
        "RateLimitError",
        over_socket=True,
    ),
    _event(
        "a code that is a status, 429",
        {"type": "error", "error": {"message": "x", "code": "429"}},
        "RateLimitError",
        code_status=429,
    ),
    _event(
        "a code that is a status, 401",
        {"type": "error", "error": {"message": "x", "code": 401}},
        "AuthenticationError",
        code_status=401,
    ),
    _event(
        "the error of an upstream as JSON in its message",
        {
            "type": "error",
            "error": {"message": '{"error": {"message": "Too long.", "code": "context_length_exceeded"}}'},
        },
        "ContextLengthError",
        text="Too long",
    ),
    _event("with status 401", {"type": "error", "status": 401, "error": {"message": "x"}}, "AuthenticationError"),
    _event(
        "`invalid_request_error` without a code",
        {"type": "error", "error": {"type": "invalid_request_error", "message": "x"}},
        "InvalidRequestError",
    ),
)

ERROR_ROWS = (
    *REFUSAL_ROWS,
    *BUSY_ROWS,
    *REDIRECT_ROWS,
    *PAGE_ROWS,
    *SHAPE_ROWS,
    *WAIT_ROWS,
    *FAILED_EVENT_ROWS,
    *ERROR_EVENT_ROWS,
)
