"""Rows: what one service alone says, in its own words."""

from __future__ import annotations

from dataclasses import replace

from responses_emulator import (
    HttpReply,
    ResponseFailed,
    Say,
    Turn,
    client_upgrade_required,
    content_filter_event,
    content_filter_failure,
    content_filter_refusal,
    deployment_not_found,
    encrypted_content_not_supported,
    gateway_rate_limit,
    invalid_subscription_key,
    invalid_token,
    malformed_token,
    missing_role,
    missing_token,
    model_not_available,
    model_not_found,
    network_access_denied,
    plan_error,
    rate_limit_event,
    resource_not_found,
    too_many_requests,
    unsupported_parameter,
    usage_limit_reached,
    usage_not_included,
    version_not_allowed,
    version_not_supported,
    wrong_workspace,
)

from tests.generated.faults.fault import HALF_SHOWN_TWICE, Fault, Group, answer, final, passing, row

_AZURE: tuple[Fault, ...] = (
    row(
        "401, key of another resource",
        invalid_subscription_key(),
        then=final("AuthenticationError", 401, says="regenerated"),
    ),
    row("401, token for somebody else", missing_token(), then=final("AuthenticationError", 401, says="'scope'")),
    row(
        "401, the identity lacks the role", missing_role(), then=final("AccessDeniedError", 401, says="assign the role")
    ),
    row("403, network rules", network_access_denied(), then=final("AccessDeniedError", 403, says="network rules")),
    row("404, no such deployment", deployment_not_found(), then=final("NotFoundError", 404, says="default_model")),
    row("404, no Responses API there", resource_not_found(), then=final("NotFoundError", 404, says="azure_endpoint")),
    row("400, wrong `api_version`", version_not_supported(), then=final("ConfigurationError", 400, says="api_version")),
    row(
        "400, `api_version` not wanted",
        version_not_allowed(),
        then=final("ConfigurationError", 400, says="api_version"),
    ),
    row(
        "400, the prompt is filtered",
        content_filter_refusal(),
        then=final("ContentFilterError", 400, says="violence medium"),
    ),
    row(
        "429 with a wait longer than `max_retry_delay`",
        gateway_rate_limit(after_s=60),
        then=final("RateLimitError", 429, says="60 s"),
    ),
    row("a filtered response, reported by an event", content_filter_event(), then=final("ContentFilterError")),
    row(
        "a filtered response, reported by a failed response", content_filter_failure(), then=final("ContentFilterError")
    ),
    row(
        "throttled in the middle of a response, reported by an event and a failed response",
        Turn(Say("half of it"), rate_limit_event(after=5)),
        then=passing("RateLimitError", events=HALF_SHOWN_TWICE.replace("retry", "throttle retry")),
    ),
    row(
        "400, the model gives no encrypted reasoning",
        encrypted_content_not_supported(),
        Say("hello"),
        then=answer("hello", requests=2),
    ),
    row("429 without a word of when", too_many_requests(), then=passing("RateLimitError", 429)),
)
_CHATGPT: tuple[Fault, ...] = (
    row("401, the token is expired", invalid_token(), then=final("AuthenticationError", 401, says="login")),
    row("401, the token cannot be read", malformed_token(), then=final("AuthenticationError", 401, says="login")),
    row("403, another workspace", wrong_workspace(), then=final("AccessDeniedError", 403, says="workspace")),
    row(
        "400, the model was retired for plans",
        model_not_available(),
        then=final("NotFoundError", 400, says="choose a model"),
    ),
    row(
        "400, the model wants a newer client",
        client_upgrade_required(),
        then=final("ConfigurationError", 400, says="client_version"),
    ),
    row(
        "400, `Unsupported parameter: reasoning`",
        unsupported_parameter("reasoning"),
        Say("hello"),
        then=answer("hello", requests=2),
    ),
    row("404, model not found, as it also says for minutes", model_not_found(), then=passing("NotFoundError", 404)),
    row("429, the plan is used up", usage_limit_reached(), then=final("QuotaExceededError", 429, says="3 h 52 min")),
    row("429, the plan has none of it", usage_not_included(), then=final("QuotaExceededError", 429)),
)
_PLAN: tuple[Fault, ...] = (
    row(
        "401, the token is expired",
        HttpReply(401, {"detail": {"error_code": "invalid_token"}}),
        then=final("AuthenticationError", 401, says="login"),
    ),
    row("429, the plan is used up", plan_error(), then=final("QuotaExceededError", 429, says="provider-openai-v2")),
    row(
        "the plan is used up in the middle of a response",
        Turn(Say("half of it"), ResponseFailed("subscription_sharing_usage_limit_exceeded", "No.", after_events=5)),
        then=final("QuotaExceededError", says="usage", events="request start delta aborted throttle response"),
    ),
    row(
        "503, the usage cannot be read",
        plan_error("subscription_sharing_usage_unavailable"),
        then=passing("ProviderUnavailableError", 503),
    ),
)


def _of(backend: str, service: str, rows: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return tuple(replace(each, name=f"{service}: {each.name}", only=(backend,)) for each in rows)


GROUPS = (
    Group(
        title="In one service's own words",
        about="it says",
        rows=_of("azure-openai-v2", "Azure", _AZURE)
        + _of("chatgpt-oauth", "ChatGPT", _CHATGPT)
        + _of("chatgpt-oauth-plan", "Sign in with ChatGPT", _PLAN),
    ),
)
