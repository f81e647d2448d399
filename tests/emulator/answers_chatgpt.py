"""Answers of the ChatGPT Codex backend that are no response: its two dialects of errors, plan limits, the edge's page.

Texts as users report them (seen 2026-11-21); a body with a source of its own names it.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from tests.emulator.answers import Status
from tests.emulator.refusal import Refusal, openai_body

UNREADABLE = "Could not parse your authentication token. Please try signing in again."
_EXPIRED = "Provided authentication token is expired. Please try signing in again."
_REVOKED = "Encountered invalidated oauth token for user, failing request"
_CHALLENGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>'
    "<noscript>Enable JavaScript and cookies to continue</noscript>"
    "<script>window._cf_chl_opt={cType:'managed'};</script></body></html>"
)


class Worded(Refusal):
    """A refusal with a body of its own."""

    def __init__(
        self, body: Mapping[str, Any], *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(json.dumps(body), status=status, headers=headers)
        self.body = dict(body)


def error_body(refusal: Refusal) -> dict[str, Any]:
    """What stands before the API words its errors in its own way; the API behind it speaks as always."""
    return refusal.body if isinstance(refusal, Worded) else openai_body(refusal)


def detail(text: str, *, status: int = 400) -> Worded:
    """The dialect of what stands before the API."""
    return Worded({"detail": text}, status=status)


def unauthorized(code: str = "unauthorized_unknown") -> Worded:
    """401 as quoted from a live probe (2026-09-28), the body once more in a header."""
    texts = {"token_expired": _EXPIRED, "token_revoked": _REVOKED}
    body = {
        "error": {"message": texts.get(code, UNREADABLE), "type": None, "code": code, "param": None},
        "status": 401,
    }
    again = base64.b64encode(json.dumps(body).encode()).decode()
    headers = (("x-error-json", again), ("x-openai-authorization-error", "401"), ("x-openai-ide-error-code", code))
    return Worded(body, status=401, headers=headers)


def as_status(refusal: Refusal) -> Status:
    """A refusal to script."""
    return Status(refusal.status, error_body(refusal), dict(refusal.headers))


def rejected_token(code: str = "token_expired") -> Status:
    """401 for a token, whatever its `exp` says."""
    return as_status(unauthorized(code))


def unreadable_token() -> Status:
    """401 in its older dialect (recorded 2026-05-21)."""
    return detail_error(401, UNREADABLE)


def detail_error(status: int, value: str | Mapping[str, Any]) -> Status:
    """An error as text or as an object under `detail`."""
    return Status(status, {"detail": value})


def wrong_workspace() -> Status:
    """403 for an account id that is not the token's."""
    return detail_error(403, {"code": "invalid_workspace_selected"})


def unsupported_parameter(name: str) -> Status:
    """400 for a parameter that is not on the list."""
    return detail_error(400, f"Unsupported parameter: {name}")


def retired_text(model: str) -> str:
    return f"The '{model}' model is not supported when using Codex with a ChatGPT account."


def newer_client_text(model: str) -> str:
    return (
        f"The '{model}' model requires a newer version of Codex. Please upgrade to the latest app or CLI and try again."
    )


def model_retired(model: str = "gpt-5.4") -> Status:
    """400 for a model that this sign-in has lost."""
    return detail_error(400, retired_text(model))


def newer_client_needed(model: str = "gpt-6-astra") -> Status:
    """400 for a model that is not shown to clients of that version."""
    return detail_error(400, newer_client_text(model))


def unknown_model(model: str) -> Refusal:
    return Refusal(f"Model not found {model}", status=404, param="model")


def model_not_found(model: str = "gpt-5.6-sol") -> Status:
    """404 for a model; it passes by itself where others get it too."""
    return as_status(unknown_model(model))


def model_not_found_wave(count: int = 2, model: str = "gpt-5.6-sol") -> list[Status]:
    """So many in a row, to be followed by an answer."""
    return [model_not_found(model)] * count


def usage_limit_reached(
    *, plan: str = "plus", resets_in_s: int = 13_872, older: bool = False, retry_after_s: float | None = None
) -> Status:
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
    return Status(429, {"error": error}, headers)


def usage_not_included(*, plan: str = "free") -> Status:
    """429 for a plan without this service."""
    message = "To use Codex with your ChatGPT plan, upgrade to Plus: https://openai.com/chatgpt/pricing."
    return Status(429, {"error": {"type": "usage_not_included", "message": message, "plan_type": plan}})


def cloudflare_challenge() -> Status:
    """403 of the edge: a page for browsers."""
    return Status(403, _CHALLENGE, {"cf-mitigated": "challenge", "cf-ray": "8d1f00d5ae0f1a2b-FRA"})
