"""The error replies of Azure Resource Manager."""

from __future__ import annotations

from responses_emulator.microsoft.error_bodies import gateway_error
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import HttpReply


def arm_error(status: int, code: str, message: str, *, rule: Rule | None = None) -> HttpReply:
    """An error of Azure Resource Manager."""
    return HttpReply(status, gateway_error(code, message), {"x-ms-failure-cause": "gateway"}, rule=rule)


def arm_refusal(rule: Rule, **values: object) -> HttpReply:
    """The refusal of a rule; the values fill in the names in its text."""
    return arm_error(rule.status, str(rule.code), rule.fill(**values), rule=rule)
