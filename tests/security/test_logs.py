"""A conversation is in the events that were asked for, and in no log; nor are the headers that hostile servers send."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from responses_emulator import (
    Call,
    CutStream,
    ErrorEvent,
    HttpReply,
    ReplyHeaders,
    ResponseFailed,
    ResponseFields,
    Say,
    Turn,
    server_is_overloaded,
)

from tests.support.session import OpenSession, result, system, tool
from tests.support.witness import Witness, leaks

pytestmark = [
    pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security"),
    pytest.mark.promise("no log holds words of a conversation, and hostile headers do no harm", area="security"),
]

ASKED, ANSWERED, TOLD = "asked-canary-7", "answered-canary-7", "tool-canary-7"
SPOKEN = (ASKED, ANSWERED, TOLD)
ENDS: dict[str, Any] = {
    "well": Turn(Say(ANSWERED)),
    "cut": Turn(Say(f"{ANSWERED} and more and more"), CutStream(5)),
    "error": Turn(Say(ANSWERED), ErrorEvent(message="no", code="server_error")),
    "failed": Turn(Say(ANSWERED), ResponseFailed(code="server_error")),
    "overloaded": server_is_overloaded(),
    "refused": HttpReply(400, {"error": {"message": "no", "code": "invalid_value", "param": "input"}}),
    "page": HttpReply(502, "<html><title>Bad Gateway</title></html>"),
    "unauthorized": HttpReply(401, {"error": {"message": "no", "code": "invalid_api_key"}}),
}


IN_AN_ANSWER: dict[str, Any] = {
    "model": lambda secret: ResponseFields({"model": secret, "service_tier": secret}),
    "id": lambda secret: ResponseFields({"id": secret}),
    "limits": lambda secret: ReplyHeaders(
        {"x-ratelimit-remaining-requests": secret, "x-codex-primary-used-percent": secret}
    ),
}


@pytest.mark.parametrize("where", IN_AN_ANSWER)
async def test_an_answer_that_echoes_the_credential(open_session: OpenSession, where: str) -> None:
    """Events show nothing of it, whatever field it stands in; the answer itself is the service's own."""
    session = await open_session(max_retries=0)
    session.emulator.script(Turn(Say("well"), IN_AN_ANSWER[where](session.backend.secret)))
    await session.ask("hello")
    assert leaks(session.backend.secret, session.recorder.events) == []


@pytest.mark.parametrize("end", ENDS)
async def test_no_word_of_a_conversation_is_logged(open_session: OpenSession, witness: Witness, end: str) -> None:
    """At INFO and above by anybody, and at DEBUG by us; whatever becomes of the call."""
    session = await open_session(max_retries=1)
    session.emulator.script(Turn(Call("look", {"at": ASKED})))
    first = await session.ask(system(ASKED), ASKED, tools=[tool("look", "at")])
    session.emulator.script(ENDS[end], ENDS[end])
    history = [system(ASKED), ASKED, _kept(first), result(first.tool_calls[0], TOLD)]
    outcome = ""
    try:
        await session.ask(*history, tools=[tool("look", "at")])
    except LLMError as error:
        outcome = str(error)
    said = [outcome, *witness.lines(logging.INFO), *witness.lines(ours=True)]
    assert not [line for line in said if any(word in line for word in SPOKEN)]


def _kept(response: Any) -> Any:
    from tests.support.session import stored

    return stored(response)


async def test_without_the_switches_for_it_events_hold_no_question(open_session: OpenSession) -> None:
    """Deltas are shown as they come; what was asked is in no event unless `raw`, `debug` or `raw_debug` is set."""
    session = await open_session()
    session.emulator.script(Turn(Say("well")))
    await session.ask(system(ASKED), ASKED, tools=[tool(ASKED, "at")])
    assert leaks(ASKED, session.recorder.events) == []


HEADERS = {
    "many": {f"x-filler-{number}": "x" * 100 for number in range(400)},
    "cookies": {"set-cookie": "id=cookie-canary-7; Path=/"},
    "odd rate limits": {"x-ratelimit-remaining-requests": "many", "retry-after": "soon", "x-ms-retry-after-ms": "-5"},
    "odd identity": {"x-request-id": "[bold]x[/bold]", "openai-processing-ms": "NaN"},
}


@pytest.mark.parametrize("what", HEADERS)
async def test_headers_of_a_hostile_server_do_no_harm(open_session: OpenSession, what: str) -> None:
    """The answer is taken all the same."""
    session = await open_session()
    session.emulator.script(Turn(Say("well"), ReplyHeaders(HEADERS[what])))
    assert (await session.ask("hello")).text == "well"
    assert leaks("cookie-canary-7", session.recorder.events) == []


@pytest.mark.one_transport("a frame has no headers")
async def test_a_header_without_end_is_an_error_of_the_network(open_session: OpenSession) -> None:
    """Memory is not filled with it."""
    session = await open_session(max_retries=0)
    session.emulator.script(Turn(Say("well"), ReplyHeaders({"x-big": "x" * 2_000_000})))
    with pytest.raises(LLMError) as caught:
        await session.ask("hello")
    assert len(str(caught.value)) < 500


# Where a server can put what it was sent, beside the text of its error.
ECHOES: dict[str, Any] = {
    "code": lambda secret: HttpReply(
        400, {"error": {"message": "no", "code": secret, "type": secret, "param": secret}}
    ),
    "request id": lambda secret: HttpReply(400, {"error": {"message": "no"}}, dict.fromkeys(_IDS, secret)),
    "location": lambda secret: HttpReply(307, "", {"location": f"http://127.0.0.1:9/?token={secret}"}),
    "nested": lambda secret: HttpReply(403, {"error": {"message": {"headers": [f"Bearer {secret}"]}}}),
    "detail": lambda secret: HttpReply(422, {"detail": [{"loc": [secret], "msg": secret, "input": {"h": secret}}]}),
    "bare list": lambda secret: HttpReply(500, [secret] * 3),  # pyright: ignore[reportArgumentType]
    "filter": lambda secret: HttpReply(
        400,
        {"error": {"message": "no", "code": "content_filter", "content_filter_result": {secret: {"filtered": True}}}},
    ),
}
_IDS = ("x-request-id", "apim-request-id", "x-ms-request-id", "request-id", "cf-ray", "x-oai-request-id")


@pytest.mark.parametrize("where", ECHOES)
async def test_a_server_that_echoes_the_credential(open_session: OpenSession, witness: Witness, where: str) -> None:
    """It knows it already; our error, its chain, the events and our log lines must not learn it."""
    session = await open_session(raw=True, debug=True, raw_debug=True, max_retries=0)
    secret = session.backend.secret
    session.emulator.script(ECHOES[where](secret), ECHOES[where](secret))
    with pytest.raises(LLMError) as caught:
        await session.ask("hello")
    assert leaks(secret, caught.value) == []
    assert leaks(secret, session.recorder.events) == []
    assert not [line for line in [*witness.lines(logging.INFO), *witness.lines(ours=True)] if secret in line]
