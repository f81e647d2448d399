"""The error replies of the metadata services that give tokens to machines and apps."""

from __future__ import annotations

import uuid

from responses_emulator.rules import machines as rules
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import HttpReply


def imds_error(text: str | None = None, *, status: int = 400, kind: str = "invalid_request") -> HttpReply:
    """An error of the instance metadata service. By default the machine has no such identity."""
    if text is None:
        return imds_refusal(rules.IDENTITY_NOT_FOUND)
    return HttpReply(status, {"error": kind, "error_description": text})


def imds_refusal(rule: Rule, **values: object) -> HttpReply:
    """The refusal of a rule of the instance metadata service."""
    body = {"error": rule.kind, "error_description": rule.fill(**values)}
    return HttpReply(rule.status, body, rule=rule)


def imds_unavailable(status: int = 410) -> HttpReply:
    """410 while the service is updated; 404, 429 and 500 pass too."""
    return imds_error("IMDS is going through updates", status=status, kind="unavailable")


def imds_proxy_refusal() -> HttpReply:
    """403 of a desktop's proxy for containers, which is not a metadata service (azure-identity looks for the word)."""
    return HttpReply(403, "connecting to 169.254.169.254:80: dial tcp: a socket operation to an unreachable network")


def app_service_error(text: str, *, status: int = 400, rule: Rule | None = None) -> HttpReply:
    """An error of App Service: no `error` in it, and a correlation id."""
    return HttpReply(status, {"statusCode": status, "message": text, "correlationId": str(uuid.uuid4())}, rule=rule)


def app_service_refusal(rule: Rule) -> HttpReply:
    """The refusal of a rule of App Service."""
    return app_service_error(rule.text, status=rule.status, rule=rule)
