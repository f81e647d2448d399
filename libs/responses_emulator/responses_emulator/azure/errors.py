"""The error replies of Azure OpenAI, for a surface to send and for tests to script.

Each reply names the source of its text. A text without a recording says so.
"""

from __future__ import annotations

from typing import Any, Literal

from responses_emulator.microsoft.error_bodies import gateway_error, rate_limit_message
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
    message = (
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource."
    )
    return HttpReply(401, gateway_error("401", message))


def missing_token(audience: str = COGNITIVE_SERVICES_AUDIENCE) -> HttpReply:
    """401 without a credential, or with a token that is unknown, expired or for another audience; no `error` around it
    (run-llama/llama_index issue 12484, 2024-04; Azure/azure-sdk-for-python issue 40260, 2025-03)."""
    message = f"Unauthorized. Access token is missing, invalid, audience is incorrect ({audience}), or have expired."
    return HttpReply(401, {"statusCode": 401, "message": message})


def missing_role(
    principal: str = "00000000-0000-0000-0000-000000000000",
    *,
    action: str = RESPONSES_WRITE,
    operation: str = "POST /openai/v1/responses",
) -> HttpReply:
    """401, not 403, for a principal without a role.

    The sentence is that of the agents API (microsoft/ai-agent-evals issue 43, 2025-10), which also links a page;
    whether the Responses API links one is unknown.
    """
    message = (
        f"The principal `{principal}` lacks the required data action `{action}` to perform `{operation}` operation."
    )
    return HttpReply(401, gateway_error("PermissionDenied", message))


def network_access_denied(kind: Literal["firewall", "virtual_network", "public_access"] = "firewall") -> HttpReply:
    """403 for a network that the resource does not admit."""
    return HttpReply(403, gateway_error("403", _NETWORK_MESSAGES[kind]))


def tenant_mismatch() -> HttpReply:
    """400 for a token of another tenant (Azure-Samples/ai-rag-chat-evaluator issue 94, seen 2026-11-30)."""
    message = "Token tenant 11111111-1111-1111-1111-111111111111 does not match resource tenant."
    return HttpReply(400, gateway_error("Tenant provided in token does not match resource token", message))


def deployment_not_found() -> HttpReply:
    """404 for an unknown deployment."""
    message = (
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again."
    )
    return HttpReply(404, gateway_error("DeploymentNotFound", message))


def resource_not_found() -> HttpReply:
    """404 for an unknown path or an API version that it does not have (CherryHQ/cherry-studio issue 8077, 2025-07)."""
    return HttpReply(404, gateway_error("404", "Resource not found"))


def version_not_supported() -> HttpReply:
    """400 for a path that exists in other API versions (openclaw/openclaw issue 82025, 2026-05)."""
    return HttpReply(400, gateway_error("BadRequest", "API version not supported"))


def version_not_allowed() -> HttpReply:
    """400 of newer resources: the v1 path takes no version at all (quoted in four repositories, 2026)."""
    return HttpReply(400, gateway_error("BadRequest", "api-version query parameter is not allowed when using /v1 path"))


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
    message = "Encrypted content is not supported with this model."
    return HttpReply(400, error_body(message, kind="invalid_request_error", code=None, param="include"))


def missing_image_deployment() -> HttpReply:
    """400: an image_generation tool without the header (editor-code-assistant/eca issue 612, 2026-09)."""
    message = "imagegen deployment must be provided through header: x-ms-oai-image-generation-deployment"
    kind, code = "image_generation_user_error", "invalid_request_error"
    return HttpReply(400, error_body(message, kind=kind, code=code, param="tools"))


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
