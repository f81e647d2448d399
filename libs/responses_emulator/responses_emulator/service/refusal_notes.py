"""Says which rule refused a request: in the log, in a header, and in the record of the request.

The body of the reply stays that of the real service.
"""

from __future__ import annotations

import logging

from responses_emulator.contract.refusal import Refusal
from responses_emulator.rules.catalogue import rule_name
from responses_emulator.rules.rule import Rule
from responses_emulator.service.state import RecordedRequest
from responses_emulator.transport.server import Headers

RULE_HEADER = "x-emulator-rule"
_LOG = logging.getLogger("responses_emulator")


def note_refusal(request: RecordedRequest, refusal: Refusal) -> Headers:
    """Note the refusal of a request, and return the header for its reply."""
    return [] if refusal.rule is None else note_rule(request, refusal.rule, refusal.message, refusal.status)


def note_rule(request: RecordedRequest, rule: Rule, message: str, status: int) -> Headers:
    """Note that a rule refused a request, and return the header for its reply."""
    request.rule = rule_name(rule)
    made_up = f"; made up: {rule.ours}" if rule.ours and rule.source.kind != "none" else ""
    note = f"{request.rule}; {rule.source}{made_up}"
    _LOG.info("%s %s: %d %s [%s]", request.method, request.path, status, message, note)
    return [(RULE_HEADER, note.encode("ascii", "replace").decode())]
