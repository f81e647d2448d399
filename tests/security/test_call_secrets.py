"""The credential is in the request's headers and nowhere else: no event, log line, error, chain or repr."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from responses_emulator import (
    Call,
    CutStream,
    Disconnect,
    ErrorEvent,
    HttpReply,
    ReplyHeaders,
    ResponseFailed,
    ResponseFields,
    Say,
    Silence,
    Turn,
    bad_gateway,
    redirect,
)

from tests.support.backends import BackendUnderTest
from tests.support.session import PIXEL, OpenSession, Session, asking, picture, sent_items, tool, user
from tests.support.witness import CHATTY, Witness

pytestmark = pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")

ECHO = {"error": {"message": "proxy: request with Authorization 'Bearer {secret}' denied", "code": "no"}}
FAULTS: dict[str, Any] = {
    "401": {"error": {"message": "Incorrect API key provided: {secret}.", "code": "invalid_api_key"}},
    "403 echo": ECHO,
    "400 echo": {"error": {"message": "bad", "type": "invalid_request_error", "param": "{secret}"}},
    "500 echo in text": "upstream said: authorization: Bearer {secret}",
    "502 html": "<html><title>{secret}</title></html>",
    "422 detail": {"detail": [{"loc": ["header", "authorization"], "msg": "bad: {secret}", "input": "{secret}"}]},
}


def filled(value: Any, secret: str) -> Any:
    """A body with the secret put in."""
    text = json.dumps(value).replace("{secret}", secret)
    return json.loads(text)


async def check(session: Session, witness: Witness, *, fails: bool = True) -> None:
    """Make a call and look everywhere."""
    secret = session.backend.secret
    errors: list[LLMError] = []
    try:
        await session.ask("hello", tools=[tool("look", "at")])
    except LLMError as error:
        errors.append(error)
    assert bool(errors) is fails
    assert secret in str(session.emulator.model_requests[0].headers), "the request carries the credential"
    assert session.recorder.events
    witness.check(secret, session.recorder.events, *errors)


@pytest.mark.promise("an error message holds a secret", area="hazard")
@pytest.mark.parametrize("fault", FAULTS, ids=FAULTS)
async def test_not_when_a_proxy_echoes_it(open_session: OpenSession, witness: Witness, fault: str) -> None:
    session = await open_session(**CHATTY, max_retries=0)
    status = int(fault[:3])
    session.emulator.script(HttpReply(status, filled(FAULTS[fault], session.backend.secret)))
    await check(session, witness)


async def test_not_when_the_stream_echoes_it(open_session: OpenSession, witness: Witness) -> None:
    session = await open_session(**CHATTY, max_retries=0)
    message = f"upstream refused 'Bearer {session.backend.secret}'"
    session.emulator.script(ErrorEvent(message=message, code="upstream"))
    await check(session, witness)
    session.emulator.script(ResponseFailed(message=message, code="upstream"))
    session.recorder.events.clear()
    await check(session, witness)


async def test_not_when_the_response_echoes_it(open_session: OpenSession, witness: Witness) -> None:
    session = await open_session(**CHATTY)
    echo = {"metadata": {"note": f"sent with 'Bearer {session.backend.secret}'"}}
    session.emulator.script(Turn(Say("ok"), ResponseFields(echo)))
    await check(session, witness, fails=False)


async def test_not_when_a_refused_parameter_comes_with_it(open_session: OpenSession, witness: Witness) -> None:
    session = await open_session(**CHATTY)
    body = {"error": {"message": f"Unknown parameter: 'include' ({session.backend.secret})", "param": "include"}}
    session.emulator.script(HttpReply(400, body))
    await check(session, witness, fails=False)


@pytest.mark.parametrize(
    "fault",
    [Disconnect(), Disconnect(reset=True), Turn(Say("x"), CutStream(4)), bad_gateway(), redirect("http://127.0.0.1:9/x"),
     Turn(Silence(1.0, before_event=-1))],
    ids=["disconnect", "reset", "cut", "gateway", "redirect", "silence"],
)  # fmt: skip
async def test_not_when_the_connection_fails(open_session: OpenSession, witness: Witness, fault: Any) -> None:
    session = await open_session(**CHATTY, max_retries=1, timeout=0.2)
    session.emulator.script(*[fault] * 8)  # HTTP takes what a WebSocket loses
    await check(session, witness)


async def test_not_when_all_is_well(open_session: OpenSession, witness: Witness) -> None:
    session = await open_session(**CHATTY)
    session.emulator.script(Turn(Call("look", {"at": "x"}), ReplyHeaders({"set-cookie": "session=1"})))
    await check(session, witness, fails=False)


async def test_not_in_list_models(open_session: OpenSession, witness: Witness) -> None:
    session = await open_session()
    await session.provider.list_models()
    witness.check(session.backend.secret)


async def test_not_in_a_repr(session: Session) -> None:
    secret, provider = session.backend.secret, session.provider
    await session.ask("hello")
    for value in (
        provider,
        provider._backend,
        provider._backend.transport,
        provider._configured_options,
        provider.get_info(),
    ):
        assert secret not in repr(value)
    assert secret not in provider.get_info().model_dump_json()


async def test_not_in_what_a_call_stores(session: Session) -> None:
    response = await session.ask("hello")
    assert session.backend.secret not in response.model_dump_json()


LARGE_IMAGE = base64.b64encode(base64.b64decode(PIXEL) * 40).decode()


async def test_raw_events_hold_the_request_and_the_response_redacted(open_session: OpenSession) -> None:
    session = await open_session(**CHATTY)
    key, _ = session.backend.extra
    extra = {key: {"access_token": "hush", "team": "x"}}
    await session.provider.complete(asking(user("see", picture(data=LARGE_IMAGE)), tools=[tool("t")]), extra_body=extra)
    raw = session.recorder.one("llm:request")["raw"]
    assert raw["model"] == session.backend.model
    assert raw[key] == {"access_token": "[REDACTED]", "team": "x"}
    assert session.body[key]["access_token"] == "hush"
    url = sent_items(raw)[0]["content"][1]["image_url"]
    assert len(url) < 200
    assert url.startswith("data:image/png;base64,")
    assert session.recorder.one("llm:response")["raw"][0]["status"] == "completed"
    for event in session.recorder.events:
        assert "hush" not in json.dumps(event.data), event.name
        assert LARGE_IMAGE not in json.dumps(event.data), event.name


async def test_debug_events_are_short_and_raw_debug_events_are_whole(open_session: OpenSession) -> None:
    session = await open_session(debug="true", raw_debug="true")
    session.emulator.script(Say("y" * 900))
    await session.ask("x" * 900)
    names = session.recorder.names
    assert names[0:3] == ["llm:request", "llm:request:debug", "llm:request:raw"]
    assert names[-3:] == ["llm:response", "llm:response:debug", "llm:response:raw"]
    for part, letter in (("request", "x"), ("response", "y")):
        short = json.dumps(session.recorder.one(f"llm:{part}:debug"))
        whole = json.dumps(session.recorder.one(f"llm:{part}:raw"))
        assert letter * 900 in whole
        assert letter * 900 not in short
        assert letter * 100 in short


async def test_the_raw_setting_alone_adds_no_further_events(open_session: OpenSession) -> None:
    """Hosts inject `raw: true` into every provider."""
    session = await open_session(raw=True)
    await session.ask("hello")
    assert not [name for name in session.recorder.names if name.endswith((":debug", ":raw"))]


async def test_a_secret_from_the_environment_is_kept_as_well(
    backend: BackendUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backend.environment("http://127.0.0.1:9/v1", backend.secret).items():
        monkeypatch.setenv(name, value)
    session = Session(backend, backend.emulator())
    await session.mount({})
    assert backend.secret not in repr(session.provider)
    assert backend.secret not in repr(vars(session.provider))
    await session.cleanup()
