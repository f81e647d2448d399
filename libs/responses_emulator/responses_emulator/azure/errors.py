"""The error replies of Azure OpenAI, for a surface to send and for tests to script.

Each reply names the source of its text. A text without a recording says so.
"""

from __future__ import annotations

from typing import Any, Literal

from responses_emulator.microsoft.error_bodies import gateway_error, rate_limit_message
from responses_emulator.rules import azure as rules
from responses_emulator.rules import requests
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import HttpReply, error_body
from responses_emulator.script.turn import ErrorEvent, ResponseFailed

COGNITIVE_SERVICES_AUDIENCE = "https://cognitiveservices.azure.com"
RESPONSES_WRITE = "Microsoft.CognitiveServices/accounts/OpenAI/responses/write"
MODELS_READ = "Microsoft.CognitiveServices/accounts/OpenAI/models/read"
_CONTENT_FILTER_MESSAGE = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
# Quoted in Azure-Samples/azure-sql-db-chatbot issue 3 (2025-04), continuedev/continue issue 12547 (2026-06) and
# TabularEditor/TabularEditor3 issue 1557 (2026-03).
_NETWORK_MESSAGES = {
    "firewall": "Access denied due to Virtual Network/Firewall rules.",
    "virtual_network": (
        "A Virtual Network is configured for this resource. Please use the correct endpoint for making requests. "
        "Check https://aka.ms/cogsvc-vnet for more details."
    ),
    "public_access": "Public access is disabled. Please configure private endpoint.",
}


def invalid_subscription_key() -> HttpReply:
    """401 for a key that the resource does not have."""
    return _gateway_refusal(rules.WRONG_KEY)


def missing_token(audience: str = COGNITIVE_SERVICES_AUDIENCE) -> HttpReply:
    """401 without a credential, or with a token that is unknown, expired or for another audience; no `error` around
    it."""
    body = {"statusCode": 401, "message": rules.MISSING_TOKEN.fill(audience=audience)}
    return HttpReply(401, body, rule=rules.MISSING_TOKEN)


def missing_role(
    principal: str = "00000000-0000-0000-0000-000000000000",
    *,
    action: str = RESPONSES_WRITE,
    operation: str = "POST /openai/v1/responses",
) -> HttpReply:
    """401, not 403, for a principal without a role."""
    return _gateway_refusal(rules.MISSING_ROLE, principal=principal, action=action, operation=operation)


def network_access_denied(kind: Literal["firewall", "virtual_network", "public_access"] = "firewall") -> HttpReply:
    """403 for a network that the resource does not admit."""
    return HttpReply(403, gateway_error("403", _NETWORK_MESSAGES[kind]))


def tenant_mismatch() -> HttpReply:
    """400 for a token of another tenant (Azure-Samples/ai-rag-chat-evaluator issue 94, seen 2026-11-30)."""
    message = "Token tenant 11111111-1111-1111-1111-111111111111 does not match resource tenant."
    return HttpReply(400, gateway_error("Tenant provided in token does not match resource token", message))


def deployment_not_found() -> HttpReply:
    """404 for an unknown deployment."""
    return _gateway_refusal(rules.DEPLOYMENT_NOT_FOUND)


def resource_not_found() -> HttpReply:
    """404 for an unknown path or an API version that it does not have."""
    return _gateway_refusal(rules.RESOURCE_NOT_FOUND)


def version_not_supported() -> HttpReply:
    """400 for a path that exists in other API versions."""
    return _gateway_refusal(rules.VERSION_NOT_SUPPORTED)


def version_not_allowed() -> HttpReply:
    """400 of newer resources: the v1 path takes no version at all."""
    return _gateway_refusal(rules.VERSION_NOT_ALLOWED)


def content_filter_refusal(category: str = "violence", *, severity: str = "medium") -> HttpReply:
    """400 content_filter for a prompt (Mirascope/mirascope, recorded against gpt-5-mini)."""
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": filter_results(category, severity)}
    body = {
        "message": _CONTENT_FILTER_MESSAGE,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
    }
    return HttpReply(400, {"error": {**body, "innererror": inner}})


def encrypted_content_not_supported() -> HttpReply:
    """400 for a model that does not encrypt its reasoning."""
    return _api_refusal(requests.CIPHERTEXT_NOT_SUPPORTED)


def missing_image_deployment() -> HttpReply:
    """400: an image_generation tool without the header."""
    return _api_refusal(rules.NO_IMAGE_DEPLOYMENT)


def _gateway_refusal(rule: Rule, **values: object) -> HttpReply:
    return HttpReply(rule.status, gateway_error(str(rule.code), rule.fill(**values)), rule=rule)


def _api_refusal(rule: Rule) -> HttpReply:
    return HttpReply(rule.status, error_body(rule.text, kind=rule.kind, code=rule.code, param=rule.param), rule=rule)


def gateway_rate_limit(*, after_s: int | None = 60, after_ms: int | None = None) -> HttpReply:
    """429 of the gateway, its wait in the headers and in the text (dyad-sh/dyad issue 1849, 2025-11); the operation's
    name is not from a recording."""
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-limit-tokens": "40000"}
    if after_s is not None:
        headers["retry-after"] = str(after_s)
    if after_ms is not None:
        headers["retry-after-ms"] = str(after_ms)
    return HttpReply(429, gateway_error("429", rate_limit_message("Responses_Create", after_s or 60)), headers)


def too_many_requests() -> HttpReply:
    """429 without a time to wait: the limits read -1 and 0 (vendor's Q&A 5625878). The body is that of the same
    error inside a stream; as a whole reply it is not from a recording."""
    headers = {
        f"x-ratelimit-{what}-{unit}": count
        for unit in ("requests", "tokens")
        for what, count in (("limit", "-1"), ("remaining", "0"))
    }
    return HttpReply(429, error_body("Too Many Requests", kind="too_many_requests", code="too_many_requests"), headers)


def rate_limit_event(*, model: str = "gpt-5.6-sol", after: int = 2) -> ErrorEvent:
    """An `error` event, then `response.failed`, as in RubyLLM's tests of gpt-6-luna (seen 2026-11-26)."""
    message = f"Your requests to {model} for {model} in eastus2 have exceeded token rate limit."
    return ErrorEvent(
        "rate_limit_exceeded", message, error_type="too_many_requests", then_failed=True, after_events=after
    )


def content_filter_event(*, after: int | None = None) -> ErrorEvent:
    """A completion that the filter stops, as an `error` event. Its shape is not from a recording: the message and
    the code are those of a filtered prompt."""
    return ErrorEvent("content_filter", _CONTENT_FILTER_MESSAGE, error_type="invalid_request_error", after_events=after)


def content_filter_failure(*, after: int | None = None) -> ResponseFailed:
    """A completion that the filter stops, as `response.failed`."""
    return ResponseFailed("content_filter", _CONTENT_FILTER_MESSAGE, after_events=after)


def filter_results(category: str | None = None, severity: str = "medium") -> dict[str, Any]:
    """Return the results of the content filter for a text, by category."""
    results: dict[str, Any] = {}
    for name in ("hate", "self_harm", "sexual", "violence"):
        bad = name == category
        results[name] = {"filtered": bad, "severity": severity if bad else "safe"}
    results["jailbreak"] = {"filtered": category == "jailbreak", "detected": category == "jailbreak"}
    return results


def content_filters(*, blocked: str | None = None) -> list[dict[str, Any]]:
    """Return the `content_filters` of a finished response: those of the prompt, then those of the completion.

    `blocked` is the category that blocks the completion. None blocks nothing.
    """
    completion = filter_results(blocked)
    del completion["jailbreak"]
    for name in ("protected_material_code", "protected_material_text"):
        completion[name] = {"detected": False, "filtered": False}
    return [
        _filter("prompt", filter_results(), blocked=False),
        _filter("completion", completion, blocked=blocked is not None),
    ]


def _filter(source: str, results: dict[str, Any], *, blocked: bool) -> dict[str, Any]:
    return {
        "blocked": blocked,
        "source_type": source,
        "content_filter_raw": [],
        "content_filter_results": results,
        "content_filter_offsets": {"start_offset": 0, "end_offset": 1024, "check_offset": 0},
    }
