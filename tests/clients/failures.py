"""Failures that the first model request of Codex meets, and what Codex makes of each.

The outcomes were seen with version 0.169 on 2026-11-30, against a server of another make. Codex takes the replies of
the emulator for the same failures, so they have the form of those of the real service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from responses_emulator import (
    CutStream,
    Disconnect,
    ErrorEvent,
    Framing,
    FromResponder,
    HttpReply,
    ResponseFailed,
    ResponseIncomplete,
    Say,
    ScriptedReply,
    Turn,
    bad_gateway,
    client_upgrade_required,
    cloudflare_challenge,
    context_length_exceeded,
    insufficient_quota,
    model_not_found,
    rate_limit_exceeded,
    server_error,
    server_is_overloaded,
    unsupported_parameter,
    usage_limit_reached,
    usage_not_included,
    wrong_workspace,
)

_CIPHER = {
    "error": {
        "message": "The encrypted content gAAA...= could not be verified.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_encrypted_content",
    }
}
_SLOW_DOWN = {"error": {"message": "Slow down.", "type": "service_unavailable_error", "code": "slow_down"}}
_USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
_MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Nobody sees this.", "annotations": []}],
}
_CREATED = {"type": "response.created", "response": {"id": "resp_1", "output": []}}
_DELTA = {
    "type": "response.output_text.delta",
    "item_id": "msg_1",
    "output_index": 0,
    "content_index": 0,
    "delta": "Nobody sees this.",
}
_FAILED = {
    "type": "response.failed",
    "response": {"id": "resp_1", "status": "failed", "error": {"message": "It failed."}},
}
_ROOM = "Codex ran out of room in the model's context window"
_CAPACITY = "Selected model is at capacity"
_UPGRADE = "To use Codex with your ChatGPT plan, upgrade to Plus"
_QUOTA = "Quota exceeded. Check your plan and billing details."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure.

    Attributes:
        reply: what the first model request gets.
        shown: what Codex ends with. None if it succeeds.
        requests: the number of model requests that a success takes. The default is one more than without the failure.
        answered: the shell ran and the answer was shown. False if Codex takes the reply for an empty answer.
    """

    reply: ScriptedReply
    shown: str | None = None
    requests: int = 3
    answered: bool = True


def _stream(*types: str) -> HttpReply:
    """Return a whole stream of events with these types."""
    return _events(*({"type": kind, "response": {"id": "resp_1", "output": []}} for kind in types))


def _completed(*items: Mapping[str, Any]) -> dict[str, Any]:
    response = {"id": "resp_1", "status": "completed", "output": list(items), "usage": _USAGE}
    return {"type": "response.completed", "response": response}


def _events(*events: Mapping[str, Any]) -> HttpReply:
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return HttpReply(200, text, {"content-type": "text/event-stream"})


FAILURES = {
    "502 of a gateway": Failure(reply=bad_gateway()),
    "400, foreign ciphertext": Failure(reply=HttpReply(400, _CIPHER), shown="could not be verified"),
    "400, a full context window": Failure(reply=context_length_exceeded(), shown=_ROOM),
    "400 with a detail": Failure(
        reply=unsupported_parameter("max_output_tokens"), shown="Unsupported parameter: max_output_tokens"
    ),
    "400, a client that is too old": Failure(
        reply=client_upgrade_required(), shown="requires a newer version of Codex"
    ),
    "403, a challenge of the edge": Failure(reply=cloudflare_challenge()),
    "403, another workspace": Failure(reply=wrong_workspace(), shown="invalid_workspace_selected"),
    "404, the model": Failure(reply=model_not_found()),
    "429, a rate limit with a time": Failure(reply=rate_limit_exceeded(after_s=1)),
    "429, a rate limit without a time": Failure(reply=rate_limit_exceeded(after_s=None), shown="429"),
    "429, the plan is used up": Failure(reply=usage_limit_reached(), shown="hit your usage limit"),
    "429, not in the plan": Failure(reply=usage_not_included(), shown=_UPGRADE),
    "429, no quota": Failure(reply=insufficient_quota(), shown=_QUOTA),
    "500": Failure(reply=server_error()),
    "503, overloaded": Failure(reply=server_is_overloaded()),
    "503, slow down": Failure(reply=HttpReply(503, _SLOW_DOWN, {"retry-after": "2"})),
    "the connection ends": Failure(reply=Disconnect()),
    "the connection is reset": Failure(reply=Disconnect(reset=True)),
    "cut before the text": Failure(reply=Turn(Say("Half of it"), CutStream(after_events=2))),
    "cut in the text": Failure(reply=Turn(Say("Half of it"), CutStream(after_events=5))),
    "cut by a reset": Failure(reply=Turn(Say("Half of it"), CutStream(after_events=5, reset=True))),
    "an `error` event": Failure(reply=ErrorEvent()),
    "failed: context window": Failure(reply=ResponseFailed("context_length_exceeded"), shown=_ROOM),
    "failed: not in the plan": Failure(reply=ResponseFailed("usage_not_included"), shown=_UPGRADE),
    "failed: overloaded": Failure(reply=ResponseFailed("server_is_overloaded"), shown=_CAPACITY),
    "failed: the prompt": Failure(
        reply=ResponseFailed("invalid_prompt", "Invalid prompt: it was flagged."), shown="it was flagged"
    ),
    "failed: no quota": Failure(reply=ResponseFailed("insufficient_quota"), shown=_QUOTA),
    "failed: rate limit": Failure(
        reply=ResponseFailed("rate_limit_exceeded", "Rate limit reached. Please try again in 1.5s.")
    ),
    "failed: server error": Failure(reply=ResponseFailed()),
    "failed: slow down": Failure(reply=ResponseFailed("slow_down")),
    "failed: an unknown code": Failure(reply=ResponseFailed("nobody_knows")),
    "failed: cyber policy": Failure(
        reply=ResponseFailed("cyber_policy", "It was flagged as a risk."), shown="It was flagged as a risk."
    ),
    "`response.done` in place of `response.completed`": Failure(reply=_stream("response.created", "response.done")),
    "no terminal event": Failure(reply=_stream("response.created")),
    "an answer without a content type": Failure(reply=Turn(FromResponder(), Framing(content_type=None)), requests=2),
    "an answer of deltas alone": Failure(reply=_events(_CREATED, _DELTA, _completed()), requests=1, answered=False),
    "an answer in the terminal event alone": Failure(
        reply=_events(_CREATED, _completed(_MESSAGE)), requests=1, answered=False
    ),
    "failed: no code": Failure(reply=_events(_CREATED, _FAILED)),
    "incomplete: content filter": Failure(reply=Turn(Say("Half of it"), ResponseIncomplete("content_filter"))),
    "incomplete: output tokens": Failure(
        reply=Turn(Say("Half of it"), ResponseIncomplete("max_output_tokens")), shown="reason: max_output_tokens"
    ),
}

# Without a terminal event that it knows, it waits for 300 seconds (seen on 2026-11-30).
_WAITS = (
    "an `error` event",
    "`response.done` in place of `response.completed`",
    "no terminal event",
)
_OTHER = {
    "503, overloaded": Failure(reply=server_is_overloaded(), shown=_CAPACITY),
}
FAILURES_OVER_WEBSOCKET = {
    name: _OTHER.get(name, failure)
    for name, failure in FAILURES.items()
    if name not in _WAITS and failure.requests == 3
}
