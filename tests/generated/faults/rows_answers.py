"""Rows: answers that are less than was asked for: cut off, filtered or empty."""

from __future__ import annotations

from responses_emulator import (
    HttpReply,
    NoTerminalOutput,
    NoUsage,
    Refuse,
    ResponseFailed,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
    server_error,
)

from tests.generated.faults.fault import Group, answer, event, final, response, row, stream
from tests.support.error_rows import refusal

_TWICE = "request start delta end continuation start delta end response"
_TWO_BLOCKS = "request start delta end start delta end response"
_CUT = Turn(Say("half of an answer"), ResponseIncomplete(characters=8))
_INCOMPLETE = (
    row(
        "`max_output_tokens`: it goes on",
        _CUT,
        Say("and the rest"),
        then=answer("half of and the rest", events=_TWICE, requests=2, paid=2),
    ),
    row(
        "`max_output_tokens` again and again, `max_continuations` being 2",
        _CUT,
        Turn(Say("the answer, "), ResponseIncomplete(characters=4)),
        Turn(Say("answer in full"), ResponseIncomplete(characters=6)),
        settings={"max_continuations": 2},
        then=answer(
            "half of the answer",
            events="request start delta end continuation start delta end continuation start delta end response",
            requests=3,
            paid=3,
            finish="length",
        ),
    ),
    row(
        "`max_output_tokens`, `max_continuations` being 0",
        _CUT,
        settings={"max_continuations": 0},
        then=answer("half of ", finish="length"),
    ),
    row(
        "it goes on, but the service is down",
        _CUT,
        server_error(),
        then=answer(
            "half of ",
            events="request start delta end continuation retry response",
            requests=3,
            paid=1,
            finish="length",
        ),
    ),
    row(
        "it goes on, but is refused",
        _CUT,
        refusal(400, "odd"),
        then=answer(
            "half of ", events="request start delta end continuation response", requests=2, paid=1, finish="length"
        ),
    ),
    row(
        "it goes on, but fails in mid-word",
        _CUT,
        Turn(Say("and the rest"), ResponseFailed(after_events=6)),
        then=answer(
            "half of ",
            requests=3,
            paid=1,
            finish="length",
            events="request start delta end continuation start delta aborted retry "
            "start delta end start delta aborted start delta end response",
        ),
    ),
    row(
        "all tokens went into reasoning",
        Turn(Think(["Hm."], tokens=999), ResponseIncomplete()),
        then=answer(
            "(The answer was cut off before any text: all output tokens went into reasoning. "
            "Raise max_output_tokens or lower reasoning_effort.)",
            events=_TWO_BLOCKS,
            finish="length",
        ),
    ),
    row(
        "`content_filter`: it does not go on",
        Turn(Say("Here is how to do it"), ResponseIncomplete("content_filter", characters=11)),
        then=answer("Here is how", finish="content_filter"),
    ),
    row(
        "`content_filter`, nothing left",
        Turn(ResponseIncomplete("content_filter")),
        then=answer("(The service's content filter withheld the answer.)", finish="content_filter"),
    ),
    row(
        "a reason that nobody knows",
        Turn(Say("half of an answer"), ResponseIncomplete("sparkle", characters=8)),
        then=answer("half of ", finish="length"),
    ),
    row(
        "no reason",
        stream(event("response.incomplete", response=response("incomplete"))),
        then=answer(
            "(The answer was cut off before any text. Raise max_output_tokens.)",
            finish="length",
        ),
    ),
)
_EMPTY = "(The model ended its turn without an answer; status completed.)"
_LITTLE = (
    row("a refusal", Refuse("I will not."), then=answer("I will not.", finish="content_filter")),
    row(
        "a refusal, the terminal event empty",
        Turn(Refuse("I will not."), NoTerminalOutput()),
        then=answer("I will not.", finish="content_filter"),
    ),
    row(
        "no output",
        stream(event("response.completed", response=response())),
        then=answer(_EMPTY),
    ),
    row("a message without text", Say("", phase=None), then=answer(_EMPTY)),
    row("reasoning alone", Turn(Think(["Hm."])), then=answer(_EMPTY, events=_TWO_BLOCKS)),
    row("no usage", Turn(Say("hello"), NoUsage()), then=answer("hello", paid=0)),
    row("usage without its details", Turn(Say("hello"), NoUsage(details_only=True)), then=answer("hello")),
    row(
        "a server that refuses a part of the request: asked again without",
        refusal(400, "unknown_parameter", "Unknown parameter: 'include'.", param="include"),
        Say("hello"),
        then=answer("hello", requests=2),
    ),
    row(
        "the same in FastAPI's words",
        HttpReply(422, {"detail": [{"loc": ["body", "include"], "msg": "Extra inputs are not permitted"}]}),
        Say("hello"),
        then=answer("hello", requests=2),
    ),
    row(
        "a server that refuses it for ever",
        refusal(400, "unknown_parameter", "Unknown parameter: 'include'.", param="include"),
        then=final("InvalidRequestError", 400, requests=2),
    ),
    row(
        "a server that refuses what it needs",
        refusal(400, "unknown_parameter", "Unknown parameter: 'model'.", param="model"),
        then=final("InvalidRequestError", 400),
    ),
)

GROUPS = (
    Group(title="The answer is cut off", about="`response.incomplete`, with the reason", rows=_INCOMPLETE),
    Group(title="It is less than was asked for", about="what comes is", rows=_LITTLE),
)
