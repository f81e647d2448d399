"""Refusals with a whole body of their service, and the two dialects of errors that Azure services have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responses_emulator.contract.refusal import Refusal, RefusalWithBody
from responses_emulator.script.replies import HttpReply, error_body

REGION = "East US 2"


def reply_refusal(reply: HttpReply) -> RefusalWithBody:
    """Return the refusal, to raise, that a reply with a rule and a JSON body is."""
    assert reply.rule is not None
    assert isinstance(reply.body, Mapping)
    return RefusalWithBody(reply.rule, reply.body, headers=tuple(reply.headers.items()), status=reply.status)


def azure_error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal: its own, that of an unknown path or an exceeded quota, else the one of the API."""
    match refusal:
        case RefusalWithBody():
            return refusal.body
        case Refusal(status=404) if refusal.message.startswith("Invalid URL"):
            return gateway_error("404", "Resource not found")
        case Refusal(status=429):
            return gateway_error("429", rate_limit_message("Responses_Create", 60))
        case _:
            return error_body(refusal.message, kind=refusal.error_type, code=refusal.code, param=refusal.param)


def gateway_error(code: str, message: str) -> dict[str, Any]:
    """Return an error body of the gateway in front of the models: without type and param."""
    return {"error": {"code": code, "message": message}}


def rate_limit_message(operation: str, after_s: int) -> str:
    """Return the text of a 429 of the gateway, with the seconds to wait."""
    return (
        f"Your requests to gpt-5.6-sol for gpt-5.6-sol in {REGION} have exceeded the token rate limit for your current "
        f"AIServices S0 pricing tier. This request was for {operation} under Azure OpenAI API version v1. Please retry "
        f"after {after_s} seconds. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease."
    )
