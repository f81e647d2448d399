"""A service compacts a conversation: who may ask, what comes back, and that it goes back whole to its maker only."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, InvalidRequestError, ProviderUnavailableError, StreamError
from amplifier_core.message_models import Message
from responses_emulator import HttpReply, OnPath, Say

from tests.support.backends import BackendUnderTest
from tests.support.session import (
    Conversation,
    OpenSession,
    Session,
    asking,
    assistant,
    items,
    result,
    system,
    texts,
    tool,
)

PURPOSE = {"purpose": "context-compaction", "stream": False}
WINDOW = "openai:compaction"


@pytest.fixture
async def compacting(open_session: OpenSession, backend: BackendUnderTest) -> Session:
    """A session whose service may compact."""
    if not backend.compaction:
        pytest.skip("this service does not compact conversations")
    return await open_session(native_compaction=True, **({"count_input": True} if backend.counts_input else {}))


async def compact(session: Session, *messages: Any) -> Message:
    """Compact as a host does, and return the message as a session file keeps it."""
    outcome = await session.provider.compact_context(asking(*messages, metadata=PURPOSE, max_output_tokens=4096))
    assert outcome["kind"] == "native"
    assert session.provider.validate_compacted_context(outcome["message"])
    return Message(**json.loads(json.dumps(outcome["message"])))


def window_of(message: Message) -> list[dict[str, Any]]:
    assert message.metadata is not None
    return message.metadata[WINDOW]["output"]


@pytest.mark.one_transport("sends nothing")
@pytest.mark.parametrize("setting", [None, True, False])
async def test_only_a_service_that_counts_compacts_without_the_setting(
    open_session: OpenSession, backend: BackendUnderTest, setting: bool | None
) -> None:
    settings = {} if setting is None else {"native_compaction": setting}
    session = await open_session(**({"count_input": True} if backend.counts_input else {}), **settings)
    may_compact = bool(backend.compaction) and (setting or (setting is None and backend.counts_input))
    assert session.provider.supports_native_compaction() == may_compact
    assert ("native_compaction" in session.provider.get_info().capabilities) == may_compact
    if not may_compact:
        with pytest.raises(ConfigurationError, match="native_compaction"):
            await session.provider.compact_context(asking("hello"))


@pytest.mark.one_transport("sends nothing")
async def test_a_model_that_nobody_knows_is_not_offered(open_session: OpenSession, backend: BackendUnderTest) -> None:
    session = await open_session(default_model="nobody-knows", count_input=True)
    assert not session.provider.supports_native_compaction()


async def test_a_window_goes_back_whole_and_the_conversation_goes_on(
    compacting: Session, backend: BackendUnderTest
) -> None:
    session = compacting
    conversation = Conversation(session)
    conversation.messages.append(system("Be kind."))
    await conversation.say("first")
    await conversation.say("second")
    message = await compact(session, *conversation.messages)
    assert session.emulator.requests[-1].path.endswith(backend.compaction)
    window = window_of(message)
    assert [item.get("role", item["type"]) for item in window] == ["user", "user", "compaction"]
    conversation.messages = [system("Be kind."), message]
    await conversation.say("third")
    sent = session.body["input"]
    assert [item.get("encrypted_content") for item in sent[:3]] == [item.get("encrypted_content") for item in window]
    assert texts(session.body) == ["first", "second", "third"]
    if backend.transport is not None:
        assert not session.emulator.model_requests[-1].is_delta, "the connection starts anew"
    await conversation.say("fourth")
    if backend.transport is not None:
        assert session.emulator.model_requests[-1].is_delta
    event = session.recorder.one("provider:compaction")
    assert event["window_count"] == 3
    assert event["usage"]["output_tokens"] > 0


@pytest.mark.one_transport("the window is encoded before it is sent")
async def test_calls_in_a_window_are_left_alone(compacting: Session) -> None:
    session = compacting
    session.emulator.state.compaction_keeps = frozenset({"function_call"})
    history = [
        *(
            "look",
            assistant("", tool_calls=[{"id": "call_1", "tool": "look", "arguments": {}}]),
        ),
        *(result("call_1", "seen"), "and now?"),
    ]
    message = await compact(session, *history)
    await session.ask(message, "go on", tools=[tool("look")])
    kept = [item["type"] for item in window_of(message)]
    assert [item["type"] for item in session.body["input"]] == [*kept, "message"]
    assert session.recorder.named("provider:tool_sequence_repaired") == []


@pytest.mark.promise("a compacted conversation goes to somebody who cannot read it", area="hazard")
@pytest.mark.one_transport("refused before anything is sent")
async def test_another_model_or_account_refuses_a_window_and_says_so(
    compacting: Session, open_session: OpenSession, backend: BackendUnderTest
) -> None:
    message = await compact(compacting, "hello")
    with pytest.raises(InvalidRequestError, match=f"only {backend.model} can read the compacted conversation"):
        await compacting.ask(message, "go on", model="gpt-5.6-terra")
    terra = await open_session(native_compaction=True, default_model="gpt-5.6-terra")
    assert not terra.provider.validate_compacted_context(message)
    other = Session(backend, compacting.emulator)
    await other.mount(
        {
            **backend.other(compacting.emulator.base_url, backend.secret),
            "default_model": backend.model,
            "native_compaction": True,
        }
    )
    sent = compacting.sent
    with pytest.raises(InvalidRequestError, match="only the account and the address"):
        await other.ask(message, "go on")
    assert not other.provider.validate_compacted_context(message)
    assert compacting.sent == sent
    await other.cleanup()


@pytest.mark.one_transport("sends nothing")
async def test_a_message_without_a_window_is_not_valid(compacting: Session) -> None:
    for message in ({"role": "user", "content": "x"}, {"metadata": None}, {"metadata": {WINDOW: {}}}):
        assert not compacting.provider.validate_compacted_context(message)


@pytest.mark.one_transport("sends nothing")
@pytest.mark.parametrize("odd", [None, "text", ["x"]])
async def test_what_is_no_message_or_no_conversation_is_said(compacting: Session, odd: Any) -> None:
    assert not compacting.provider.validate_compacted_context(odd)
    with pytest.raises(InvalidRequestError, match="takes a ChatRequest") as caught:
        await compacting.provider.compact_context(odd)
    assert caught.value.provider == compacting.provider.name


@pytest.mark.one_transport("a document over HTTP, or a stream that other tests break over both")
async def test_a_compaction_that_fails_raises_the_error_of_a_call(
    compacting: Session, backend: BackendUnderTest
) -> None:
    session = compacting
    is_streamed = backend.compaction == "/responses"

    def script(*replies: HttpReply) -> None:
        session.emulator.script(*(replies if is_streamed else [OnPath(backend.compaction, reply) for reply in replies]))

    script(HttpReply(503), HttpReply(502, "<html>"))
    assert window_of(await compact(session, "hello")), "what may pass by itself is tried again"
    script(*[HttpReply(503)] * 6)
    with pytest.raises(ProviderUnavailableError):
        await session.provider.compact_context(asking("hello"))
    if not is_streamed:
        script(HttpReply(200, {"object": "response.compaction", "output": []}))
        with pytest.raises(StreamError, match="no compaction"):
            await session.provider.compact_context(asking("hello"))


@pytest.mark.one_transport("counts are made over HTTP")
async def test_a_window_is_counted_however_short_it_looks(compacting: Session, backend: BackendUnderTest) -> None:
    message = await compact(compacting, "hello " * 500)
    decision = compacting.provider.request_budget(asking(message, "next"), context_estimate=20)
    assert inspect.isawaitable(decision) == backend.counts_input
    if inspect.isawaitable(decision):
        assert (await decision)["measurement"]["kind"] == "provider_count"


async def test_the_cost_of_a_compaction_is_part_of_the_session(compacting: Session, backend: BackendUnderTest) -> None:
    before = compacting.provider.spent_usd
    await compact(compacting, "hello")
    assert (compacting.provider.spent_usd > before) == backend.priced


# In a stream


async def test_a_threshold_lets_the_service_compact_within_a_response(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_session(compact_threshold=1000)
    conversation = Conversation(session)
    session.emulator.script(Say("One."))
    await conversation.say("word " * 1200)
    if "context_management" in backend.refuses:
        assert "context_management" not in session.body
        dropped = session.recorder.named("llm:request")[-1]["dropped"]
        assert any(line.startswith("context_management") for line in dropped)
        return
    assert session.body["context_management"] == [{"type": "compaction", "compact_threshold": 1000}]
    await conversation.say("next")
    assert [item["type"] for item in session.body["input"]] == ["compaction", "message", "message"]
    assert not items(session.body, "reasoning")


@pytest.mark.one_transport("fails before anything is sent")
async def test_a_threshold_that_is_too_low_is_an_error_of_the_settings(open_session: OpenSession) -> None:
    session = await open_session(compact_threshold=999)
    with pytest.raises(ConfigurationError, match="'compact_threshold' takes a number of tokens from 1000 on"):
        await session.ask("hello")
