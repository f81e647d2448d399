"""Whatever a history went through, the service takes it: no request is refused for what stands in a conversation."""

from __future__ import annotations

from amplifier_core.message_models import ChatRequest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.histories import broken_talks, talks
from tests.generated.fuzz.requests import requests
from tests.generated.fuzz.service import service
from tests.support.backends import ALL_BACKENDS

NAMES = st.sampled_from([row.service for row in ALL_BACKENDS])


@given(NAMES, st.data())
@examples(120)
def test_a_history_is_taken_at_once(name: str, data: st.DataObject) -> None:
    """Turns of ours and of others, stored in every way, with messages lost, repeated and moved."""
    here = service(name)
    talk = data.draw(talks(seal=here.seal))
    request = ChatRequest(messages=talk.messages)
    body = here.encode(request).body
    refusal = here.refusal(body, talk.made)
    if refusal is not None:
        note(f"sent {body['input']}")
    assert refusal is None or not body["input"], refusal


@given(NAMES, st.data())
@examples(60)
def test_a_whole_request_is_taken(name: str, data: st.DataObject) -> None:
    """The same with tools, a choice among them, a format and options: what cannot be sent is left out before."""
    here = service(name)
    talk = data.draw(talks(seal=here.seal, tampered=False))
    request = data.draw(requests(talk))
    body = here.encode(request).body
    count, refusal = here.attempts(request, talk.made)
    if refusal is not None:
        note(f"sent {body}")
    assert refusal is None, refusal
    assert count <= 2, "a plan's model may refuse an effort once"


@given(NAMES, st.data())
@examples(60)
def test_a_broken_history_is_taken_in_the_end(name: str, data: st.DataObject) -> None:
    """What was edited by hand costs a second attempt at most; it never ends the conversation."""
    here = service(name)
    talk = data.draw(broken_talks(seal=here.seal))
    request = ChatRequest(messages=talk.messages)
    count, refusal = here.attempts(request, talk.made)
    assert refusal is None, refusal
    assert count <= 2
