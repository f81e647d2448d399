"""Replies of the ChatGPT Codex backend that are not responses: two dialects of errors, plan limits, the edge's page.

Texts as users report them (seen 2026-11-21); a body with another source names it.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from responses_emulator.contract.refusal import Refusal, RefusalWithBody, openai_error_body, refuse
from responses_emulator.rules import chatgpt as rules
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import HttpReply

_CHALLENGE_PAGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>'
    "<noscript>Enable JavaScript and cookies to continue</noscript>"
    "<script>window._cf_chl_opt={cType:'managed'};</script></body></html>"
)


_TOKEN_RULES = {"token_expired": rules.TOKEN_EXPIRED, "token_revoked": rules.TOKEN_REVOKED}


def detail_refusal(rule: Rule, **values: object) -> RefusalWithBody:
    """The refusal of a rule in the dialect of what stands before the API."""
    text = rule.fill(**values)
    return RefusalWithBody(rule, {"detail": text}, message=text)


def workspace_refusal() -> RefusalWithBody:
    """403 for an account id that is not the token's."""
    return RefusalWithBody(rules.WRONG_WORKSPACE, {"detail": {"code": rules.WRONG_WORKSPACE.text}})


def unauthorized_refusal(code: str = "unauthorized_unknown") -> RefusalWithBody:
    """401 as quoted from a live probe (2026-09-28), the body once more in a header."""
    rule = _TOKEN_RULES.get(code, rules.TOKEN_MALFORMED)
    body = {
        "error": {"message": rule.text, "type": None, "code": code, "param": None},
        "status": 401,
    }
    again = base64.b64encode(json.dumps(body).encode()).decode()
    headers = (("x-error-json", again), ("x-openai-authorization-error", "401"), ("x-openai-ide-error-code", code))
    return RefusalWithBody(rule, body, headers=headers)


def refusal_reply(refusal: Refusal) -> HttpReply:
    """A refusal to script."""
    return HttpReply(refusal.status, openai_error_body(refusal), dict(refusal.headers), rule=refusal.rule)


def invalid_token(code: str = "token_expired") -> HttpReply:
    """401 for a token, whatever its `exp` says."""
    return refusal_reply(unauthorized_refusal(code))


def malformed_token() -> HttpReply:
    """401 in its older dialect (recorded 2026-05-21)."""
    return detail_reply(401, rules.TOKEN_MALFORMED.text)


def detail_reply(status: int, value: str | Mapping[str, Any]) -> HttpReply:
    """An error as text or as an object under `detail`."""
    return HttpReply(status, {"detail": value})


def wrong_workspace() -> HttpReply:
    """403 for an account id that is not the token's."""
    return refusal_reply(workspace_refusal())


def unsupported_parameter(name: str) -> HttpReply:
    """400 for a parameter that is not on the list."""
    return refusal_reply(detail_refusal(rules.FIELD_NOT_ALLOWED, name=name))


def model_not_available(model: str = "gpt-5.4") -> HttpReply:
    """400 for a model that this sign-in has lost."""
    return refusal_reply(detail_refusal(rules.MODEL_RETIRED, model=model))


def client_upgrade_required(model: str = "gpt-6-astra") -> HttpReply:
    """400 for a model that is not shown to clients of that version."""
    return refusal_reply(detail_refusal(rules.CLIENT_TOO_OLD, model=model))


def model_not_found_refusal(model: str) -> Refusal:
    return refuse(rules.MODEL_NOT_FOUND, model=model)


def model_not_found(model: str = "gpt-5.6-sol") -> HttpReply:
    """404 for a model; it passes by itself where others get it too."""
    return refusal_reply(model_not_found_refusal(model))


def repeated_model_not_found(count: int = 2, model: str = "gpt-5.6-sol") -> list[HttpReply]:
    """So many in a row, to be followed by an answer."""
    return [model_not_found(model)] * count


def usage_limit_reached(
    *, plan: str = "plus", resets_in_s: int = 13_872, older: bool = False, retry_after_s: float | None = None
) -> HttpReply:
    """429 for a plan that is used up (as quoted 2026-05-04); the older body knows only the seconds that are left."""
    resets_at = int(time.time()) + resets_in_s
    error: dict[str, Any] = {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": plan,
    }
    if not older:
        error |= {"resets_at": resets_at, "eligible_promo": None}
    error["resets_in_seconds"] = resets_in_s
    headers = {
        "x-codex-active-limit": "premium",
        "x-codex-plan-type": plan,
        "x-codex-primary-used-percent": "100",
        "x-codex-primary-reset-after-seconds": str(resets_in_s),
        "x-codex-primary-reset-at": str(resets_at),
    }
    if retry_after_s is not None:
        headers["retry-after"] = f"{retry_after_s:g}"
    return HttpReply(429, {"error": error}, headers)


def usage_not_included(*, plan: str = "free") -> HttpReply:
    """429 for a plan without this service."""
    message = "To use Codex with your ChatGPT plan, upgrade to Plus: https://openai.com/chatgpt/pricing."
    return HttpReply(429, {"error": {"type": "usage_not_included", "message": message, "plan_type": plan}})


def cloudflare_challenge() -> HttpReply:
    """403 of the edge: a page for browsers."""
    return HttpReply(403, _CHALLENGE_PAGE, {"cf-mitigated": "challenge", "cf-ray": "8d1f00d5ae0f1a2b-FRA"})
