"""Rows: what a service says with its status, in the API's own words or in none."""

from __future__ import annotations

from responses_emulator import (
    HttpReply,
    cloudflare_challenge,
    context_length_exceeded,
    insufficient_quota,
    server_error,
    server_is_overloaded,
)

from tests.generated.faults.fault import Group, final, passing, refused, row

_WHO = (
    row(
        "401, `invalid_api_key`",
        refused(401, "invalid_api_key"),
        then=final("AuthenticationError", 401, says="(sent: "),
    ),
    row("401, `account_deactivated`", refused(401, "account_deactivated"), then=final("AuthenticationError", 401)),
    row("401 in words", HttpReply(401, "Unauthorized"), then=final("AuthenticationError", 401)),
    row("401 without a body", HttpReply(401), then=final("AuthenticationError", 401)),
    row(
        "402, no credit (gateways)",
        HttpReply(402, {"error": {"message": "Insufficient credits."}}),
        then=final("QuotaExceededError", 402),
    ),
    row(
        "403, `insufficient_permissions`",
        refused(403, "insufficient_permissions"),
        then=final("AccessDeniedError", 403),
    ),
    row(
        "403, the country is not served",
        refused(403, "unsupported_country_region_territory"),
        then=final("AccessDeniedError", 403),
    ),
    row("403 without a body", HttpReply(403), then=final("AccessDeniedError", 403)),
    row(
        "403, the edge takes the machine for a bot",
        cloudflare_challenge(),
        then=passing("ProviderUnavailableError", 403),
    ),
    row(
        "407, a proxy wants a password",
        HttpReply(407, "Proxy Authentication Required"),
        then=final("ConfigurationError", 407),
    ),
)
_WHAT = (
    row("400, `context_length_exceeded`", context_length_exceeded(), then=final("ContextLengthError", 400)),
    row(
        "400, other servers' words for it",
        refused(400, None, "This model's maximum context length is 4096 tokens."),
        then=final("ContextLengthError", 400),
    ),
    row(
        "400, the service's words for it without the code",
        refused(400, None, "Your input exceeds the context window of this model."),
        then=final("ContextLengthError", 400),
    ),
    row("413", HttpReply(413, "Request Entity Too Large"), then=final("ContextLengthError", 413)),
    row(
        "400, `content_policy_violation`",
        refused(400, "content_policy_violation"),
        then=final("ContentFilterError", 400),
    ),
    row("400, `invalid_prompt`", refused(400, "invalid_prompt"), then=final("ContentFilterError", 400)),
    row("400, `cyber_policy`", refused(400, "cyber_policy"), then=final("ContentFilterError", 400)),
    row(
        "403, `misalignment_policy_violation`",
        refused(403, "misalignment_policy_violation"),
        then=final("ContentFilterError", 403),
    ),
    row("400, `invalid_value`", refused(400, "invalid_value"), then=final("InvalidRequestError", 400)),
    row(
        "400, `previous_response_not_found`",
        refused(400, "previous_response_not_found", "Previous response with id 'resp_1' not found."),
        then=final("InvalidRequestError", 400),
    ),
    row(
        "400, a parameter with safety in its name",
        refused(400, None, "Invalid 'safety_identifier': too long"),
        then=final("InvalidRequestError", 400),
    ),
    row("400 without a body", HttpReply(400), then=final("InvalidRequestError", 400)),
    row(
        "404, `model_not_found`",
        refused(404, "model_not_found", "The model `gpt-5.6-sol` does not exist or you do not have access to it."),
        then=final("NotFoundError", 404),
    ),
    row("404 without a body", HttpReply(404), then=final("NotFoundError", 404)),
    row("405", HttpReply(405, "Method Not Allowed"), then=final("InvalidRequestError", 405)),
    row("410", HttpReply(410, "Gone"), then=final("InvalidRequestError", 410)),
    row("415", HttpReply(415, "Unsupported Media Type"), then=final("InvalidRequestError", 415)),
    row("418", HttpReply(418, {"detail": "teapot"}), then=final("InvalidRequestError", 418)),
    row(
        "422",
        HttpReply(422, {"detail": [{"loc": ["body", "input"], "msg": "Field required"}]}),
        then=final("InvalidRequestError", 422),
    ),
    row("431", HttpReply(431, "Request Header Fields Too Large"), then=final("InvalidRequestError", 431)),
)
_BUSY = (
    row("408", HttpReply(408, "Request Timeout"), then=passing("LLMTimeoutError", 408)),
    row("409", HttpReply(409, "Conflict"), then=passing("ProviderUnavailableError", 409)),
    row("425", HttpReply(425, "Too Early"), then=passing("ProviderUnavailableError", 425)),
    row("429, `rate_limit_exceeded`", refused(429, "rate_limit_exceeded"), then=passing("RateLimitError", 429)),
    row("429, `slow_down`", refused(429, "slow_down"), then=passing("RateLimitError", 429)),
    row("429 in words", HttpReply(429, "Too Many Requests"), then=passing("RateLimitError", 429)),
    row("429 without a body", HttpReply(429), then=passing("RateLimitError", 429)),
    row("429, `insufficient_quota`", insufficient_quota(), then=final("QuotaExceededError", 429)),
    row(
        "429, `credit_balance_exhausted`",
        refused(429, "credit_balance_exhausted"),
        then=final("QuotaExceededError", 429),
    ),
    row(
        "400, `billing_hard_limit_reached`",
        refused(400, "billing_hard_limit_reached"),
        then=final("QuotaExceededError", 400),
    ),
    row("500, the service's apology", server_error(), then=passing("ProviderUnavailableError", 500)),
    row("500 in words", HttpReply(500, "Internal Server Error"), then=passing("ProviderUnavailableError", 500)),
    row("500 without a body", HttpReply(500), then=passing("ProviderUnavailableError", 500)),
    row("501", HttpReply(501, "Not Implemented"), then=passing("ProviderUnavailableError", 501)),
    row("502", HttpReply(502, "Bad Gateway"), then=passing("ProviderUnavailableError", 502)),
    row("503, `server_is_overloaded`", server_is_overloaded(), then=passing("ProviderUnavailableError", 503)),
    row("504", HttpReply(504, "Gateway Timeout"), then=passing("ProviderUnavailableError", 504)),
    row("507", HttpReply(507, "Insufficient Storage"), then=passing("ProviderUnavailableError", 507)),
    row(
        "520, an edge's own",
        HttpReply(520, "<title>520: Web server is returning an unknown error</title>"),
        then=passing("ProviderUnavailableError", 520),
    ),
    row(
        "529, `overloaded_error`",
        HttpReply(529, {"error": {"message": "Overloaded", "type": "overloaded_error"}}),
        then=passing("ProviderUnavailableError", 529),
    ),
    row("599", HttpReply(599), then=passing("ProviderUnavailableError", 599)),
)

GROUPS = (
    Group(title="The service refuses", about="it says", rows=_WHO + _WHAT),
    Group(title="It is too much, or the service is too busy", about="it says", rows=_BUSY),
)
