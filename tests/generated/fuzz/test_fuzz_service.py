"""The whole way over a socket: real providers against the emulated services, one session for many conversations."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from typing import Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import Message
from hypothesis import given, note
from hypothesis import strategies as st
from responses_emulator import Call, Emulator, HttpReply, Refuse, Say, Think, Turn, WebSearch

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.histories import RESULTS, foreign_messages, tamper
from tests.generated.fuzz.strategies import JUNK, TOOL_NAMES, WORDS
from tests.support.backends import BackendUnderTest
from tests.support.session import KEEPERS, Conversation, Session, result, tool

_SAID = st.one_of(
    st.builds(Think, st.lists(WORDS, max_size=2)),
    st.builds(Say, WORDS),
    st.builds(Refuse, WORDS),
    st.builds(lambda name, key: Call(name, {key: None}), TOOL_NAMES, WORDS),
    st.builds(lambda text: WebSearch(["x"], ["https://x.example"], text=text), st.none() | WORDS),
)
# An answer ends with something; reasoning alone would be another promise's business.
ANSWERS = st.builds(lambda parts, end: Turn(*parts, Say(end)), st.lists(_SAID, max_size=4), WORDS)
TOOLS = [tool("read", "path"), tool("bash", "command")]


class Open:
    """One session of a backend, on a loop of its own."""

    def __init__(self, backend: BackendUnderTest, emulator: Emulator, **settings: Any) -> None:
        self.emulator = emulator
        self._runner = asyncio.Runner()
        self.session = self._runner.run(Session(backend, emulator).mount(backend.settings(emulator, **settings)))

    def __enter__(self) -> Open:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self.session.cleanup())
        self._runner.close()

    def run(self, awaitable: Any) -> Any:
        """Wait for it."""
        return self._runner.run(awaitable)

    def forget(self) -> None:
        """What was sent and told so far; the service keeps what it handed out."""
        self.emulator.reset()
        self.session.recorder.events.clear()

    def talk(self, draw: Callable[[Any], Any]) -> list[Message]:
        """A conversation of some turns with the service, other people's messages between them."""
        chat = Conversation(self.session, keep=draw(st.sampled_from(KEEPERS)), tools=TOOLS)
        for _ in range(draw(st.integers(1, 2))):
            self.emulator.script(draw(ANSWERS))
            answer = self.run(chat.say("hi"))
            for call in answer.tool_calls or []:
                if draw(st.integers(0, 3)):
                    told = draw(RESULTS)
                    chat.messages.append(result(call, told if isinstance(told, str) else json.dumps(told)))
            chat.messages += map(Message.model_validate, draw(st.lists(foreign_messages(), max_size=2)))
        return chat.messages


def test_no_history_is_refused(backend: BackendUnderTest, emulator: Emulator) -> None:
    """Real answers, kept in every way, cut and patched together: the service takes each request the first time."""
    with Open(backend, emulator) as opened:

        @given(st.data())
        @examples(12)
        def ask(data: st.DataObject) -> None:
            opened.forget()
            messages = opened.talk(data.draw)
            tamper(data.draw, messages)
            messages.append(Message(role="user", content="go on"))
            opened.run(opened.session.ask(*messages, tools=TOOLS))
            told = opened.emulator.model_requests
            for request in told:
                if request.status != 200:
                    note(f"sent {request.body['input']}")
            assert [request.status for request in told] == [200] * len(told)

        ask()


@st.composite
def refusals(draw: st.DrawFn, secret: str) -> HttpReply:
    """A status with any body, in which the service repeats the credential that it was sent."""
    told = draw(st.sampled_from((f"Bearer {secret}", f"key {secret} is unknown", f'"{secret}"', secret)))
    body = draw(
        st.sampled_from(
            (
                told,
                {"error": told},
                {"error": {"message": told, "type": told, "param": told, "code": "x"}},
                {"detail": [{"loc": ["body", told], "msg": told}]},
                {"message": told, "error": {"innererror": {"code": told}}},
                {"error": {"code": told}},
                f"<html><title>{told}</title></html>",
                told.encode(),
            )
        )
        | JUNK.map(lambda junk: {"error": {"message": junk, "code": junk, "param": junk}, "x": told})
    )
    return HttpReply(draw(st.sampled_from((400, 401, 403, 404, 413, 422, 429, 500, 503))), body)


def test_no_refusal_tells_the_credential(backend: BackendUnderTest, emulator: Emulator) -> None:
    """Whatever shape an error has, it is one of the kernel's, and neither it nor its chain holds the secret."""
    with Open(backend, emulator, max_retries=0) as opened:

        @given(refusals(backend.secret))
        @examples(12)
        def ask(refusal: HttpReply) -> None:
            opened.forget()
            # A refused credential is renewed, or a parameter left out: then it is asked again.
            opened.emulator.script(refusal, refusal, refusal, refusal)
            told = ""
            try:
                opened.run(opened.session.ask("hi"))
            except LLMError as error:
                told = "".join(traceback.format_exception(error)) + repr(error)
            assert backend.secret not in told
            assert backend.secret not in json.dumps([event.data for event in opened.session.recorder.events])

        ask()
