"""The errors of the API for apps that use a ChatGPT plan, for tests to script."""

from __future__ import annotations

from typing import Any

from responses_emulator.chatgpt.errors import RefusalWithBody
from responses_emulator.contract.refusal import Refusal, openai_error_body, refuse
from responses_emulator.rules import chatgpt_plan as rules
from responses_emulator.script.replies import HttpReply

_RULES = {
    rule.code: rule
    for rule in (
        rules.USAGE_LIMIT,
        rules.USAGE_UNAVAILABLE,
        rules.USER_UNAVAILABLE,
        rules.USER_NOT_ELIGIBLE,
        rules.ROUTE_NOT_SUPPORTED,
        rules.SCOPE_NOT_AUTHORIZED,
        rules.INVALID_CONTEXT,
        rules.INVALID_USER,
        rules.UNSUPPORTED_CAPABILITY,
    )
}
PLAN_ERROR_CODES = tuple(str(code) for code in _RULES)
"""Every code of `plan_error`."""


def plan_refusal(code: str) -> Refusal:
    """Return the refusal with a code."""
    return refuse(_RULES[code], method="POST", path="/v1/responses")


def expired_token_refusal() -> Refusal:
    """Return the refusal of a token that has expired; its body differs."""
    return RefusalWithBody(rules.TOKEN_EXPIRED, {"detail": {"error_code": rules.TOKEN_EXPIRED.text}})


def plan_error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal: under `detail` from what stands before the API, else as always."""
    return refusal.body if isinstance(refusal, RefusalWithBody) else openai_error_body(refusal)


def plan_error(code: str = "subscription_sharing_usage_limit_exceeded") -> HttpReply:
    """The error with this code; see `PLAN_ERROR_CODES`."""
    refusal = plan_refusal(code)
    return HttpReply(refusal.status, plan_error_body(refusal))
