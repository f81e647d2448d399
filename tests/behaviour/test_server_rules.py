"""Servers, accounts and models that refuse what others take: the call goes on without it, and the user reads why.

Each rule of the emulator names the report or the recording that it comes from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError, RateLimitError
from amplifier_core.message_models import Message
from responses_emulator import (
    Call,
    Compaction,
    Emulator,
    HttpReply,
    RejectParameters,
    Say,
    ServerRule,
    Think,
    Turn,
    alternating_roles,
    answered_results,
    damaged_images,
    no_images,
    no_system_role,
    rate_limit_exceeded,
    refused_reasoning,
    refused_tool,
    required_message_status,
    system_text_first,
    text_results_only,
    unknown_item_field,
    unknown_items,
    unverified_organization,
)

from tests.support.backends import BackendUnderTest
from tests.support.session import (
    Conversation,
    OpenSession,
    Session,
    assistant,
    items,
    picture,
    result,
    sent_tools,
    system,
    tool,
    user,
)

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE_URL = f"data:image/png;base64,{PNG}"
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
CALL = {"type": "tool_call", "id": "call_1", "name": "look", "input": {}}
USER_IMAGE = picture(type="base64", media_type="image/png", data=PNG)


def called() -> Message:
    return assistant([CALL])


def find_warnings(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelname == "WARNING"]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A rule, a request that breaks it, and what the amended request has.

    Attributes:
        rule: what the service refuses.
        messages: the conversation.
        fields: more fields of the chat request.
        warning: a part of the warning.
        check: what the amended body has to be.
    """

    rule: ServerRule
    messages: tuple[Message | str, ...] = ("hello",)
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    warning: str
    check: Callable[[dict[str, Any]], object]


def has_no_system_text(body: dict[str, Any]) -> bool:
    return all(item.get("role") not in {"system", "developer"} for item in body["input"])


def has_images(body: dict[str, Any]) -> bool:
    return "input_image" in str(body["input"])


LESSONS = {
    "one tool of three": Lesson(
        rule=refused_tool("b"),
        fields={"tools": [tool("a"), tool("b"), tool("c")], "tool_choice": {"type": "function", "name": "b"}},
        warning="the service refused the tool b",
        check=lambda body: [each["name"] for each in sent_tools(body)] == ["a", "c"] and body["tool_choice"] == "auto",
    ),
    "the only tool": Lesson(
        rule=refused_tool("a"),
        fields={"tools": [tool("a")], "tool_choice": "required"},
        warning="the service refused the tool a",
        check=lambda body: not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys(),
    ),
    "more tools than the service accepts": Lesson(
        rule=ServerRule(lambda _body: None),  # the API itself accepts 128
        fields={"tools": [tool(f"t{number}") for number in range(130)], "tool_choice": "t129"},
        warning="accepts only 128 tools; sending the request without t128, t129",
        check=lambda body: len(sent_tools(body)) == 128 and body["tool_choice"] == "auto",
    ),
    "an image in a tool result": Lesson(
        rule=text_results_only(),
        messages=("look", called(), result("call_1", [IMAGE])),
        warning="does not accept images in tool results",
        check=lambda body: "accepts only text" in items(body, "function_call_output")[0]["output"],
    ),
    "an image in a tool result, for a blind model": Lesson(
        rule=no_images(),
        messages=("look", called(), result("call_1", [IMAGE])),
        warning="does not accept images in tool results",
        check=lambda body: not has_images(body),
    ),
    "an image of an earlier turn, for a blind model": Lesson(
        rule=no_images(),
        messages=(user(USER_IMAGE), assistant("A dot."), "thanks"),
        warning="cannot read an image",
        check=lambda body: not has_images(body),
    ),
    "a damaged image of a tool": Lesson(
        rule=damaged_images(IMAGE_URL),
        messages=("look", called(), result("call_1", [IMAGE])),
        warning="cannot read an image",
        check=lambda body: not has_images(body),
    ),
    "a damaged image of an earlier turn": Lesson(
        rule=damaged_images(IMAGE_URL),
        messages=(user(USER_IMAGE), assistant("A dot."), "thanks"),
        warning="cannot read an image",
        check=lambda body: not has_images(body),
    ),
    "system text in mid-conversation": Lesson(
        rule=system_text_first(),
        messages=(system("Be brief."), "hello", system("It is late.")),
        warning="chat template",
        check=lambda body: has_no_system_text(body) and "It is late." in str(body["input"][1]["content"]),
    ),
    "system text in a model without that role": Lesson(
        rule=no_system_role(),
        messages=(system("Be brief."), "hello", system("It is late.")),
        warning="chat template",
        check=lambda body: "instructions" not in body and "Be brief." in str(body["input"][0]),
    ),
    "a reminder right after a tool result": Lesson(
        rule=answered_results(),
        messages=("look", called(), result("call_1", "seen"), system("It is late.")),
        warning="chat template",
        check=lambda body: [item.get("role") for item in body["input"]][-2:] == ["assistant", "user"],
    ),
    "roles that do not alternate": Lesson(
        rule=alternating_roles(),
        messages=(system("Be brief."), "hello", "are you there?", system("It is late.")),
        warning="chat template",
        check=lambda body: [item["role"] for item in body["input"]] == ["user"],
    ),
}


@pytest.mark.promise("one bad tool, image or message ends the conversation", area="hazard")
@pytest.mark.parametrize("name", LESSONS)
async def test_a_refusal_is_answered_once_and_remembered(
    session: Session, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    lesson = LESSONS[name]
    if "instructions" in session.backend.needs and "without that role" in name:
        pytest.skip("the service accepts no request without instructions")
    session.emulator.script(lesson.rule)
    await session.ask(*lesson.messages, **lesson.fields)
    learned = session.sent
    assert 2 <= learned <= 3
    assert lesson.check(session.body), session.body
    warned = find_warnings(caplog)
    assert any(lesson.warning in line for line in warned)
    await session.ask(*lesson.messages, **lesson.fields)
    assert session.sent == learned + 1, "the next call knows"
    assert find_warnings(caplog) == warned
    assert session.recorder.named("llm:request")[-1]["dropped"] or {"system", "roles", "reminder"} & {*name.split()}


async def test_a_server_that_fails_at_images_in_results_gets_text_after_the_retries(open_session: OpenSession) -> None:
    session = await open_session(max_retries=1)
    fails = HttpReply(500, "Internal Server Error")
    session.emulator.script(ServerRule(lambda body: fails if has_images(dict(body)) else None))
    await session.ask("look", called(), result("call_1", [IMAGE]))
    assert session.sent == 3
    assert not has_images(session.body)
    assert len(session.recorder.named("provider:retry")) == 1
    await session.ask("look", called(), result("call_1", [IMAGE]))
    assert session.sent == 4


async def test_a_damaged_image_of_the_newest_message_is_an_error_that_says_so(session: Session) -> None:
    session.emulator.script(damaged_images(IMAGE_URL))
    with pytest.raises(InvalidRequestError, match="attach it again"):
        await session.ask(user(USER_IMAGE))
    assert session.sent == 1


async def test_an_account_that_may_not_stream_gets_whole_responses(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.emulator.script(unverified_organization(), Say("Hello there."))
    if "stream" in session.backend.needs:
        with pytest.raises(InvalidRequestError, match="must be verified"):
            await session.ask("hello")
        return
    response = await session.ask("hello")
    assert response.text == "Hello there."
    assert session.body["stream"] is False
    assert any("does not stream this model" in line for line in find_warnings(caplog))
    await session.ask("again")
    assert session.sent == 3
    assert session.recorder.named("llm:request")[-1]["dropped"] == ["stream: the service refused it"]


async def test_a_server_that_wants_the_status_of_messages_gets_it(session: Session) -> None:
    """Own messages have an id; those of another provider become plain text."""
    session.emulator.script(required_message_status(), Say("One."))
    if not session.backend.takes_message_status:
        pytest.skip("the service refuses what such servers require")
    talk = Conversation(session)
    await talk.say("Count.")
    await talk.say("Go on.")
    replayed = items(session.body, "message")[1]
    assert replayed["status"] == "completed"
    await session.ask("Hi.", assistant("Hello."), "Go on.")
    assert items(session.body, "message")[1] == {"type": "message", "role": "assistant", "content": "Hello."}
    assert session.sent == 4


@pytest.mark.parametrize(
    "text",
    [
        "Encrypted content is not supported. (parameter=input)",
        "item['content'] is empty",
        "Reasoning input items can only be provided to a reasoning or computer use model.",
        "Something that nobody has seen before.",
    ],
)
async def test_reasoning_that_a_model_cannot_read_is_left_out(session: Session, text: str) -> None:
    session.emulator.script(Turn(Think(["Hm."]), Say("One.")))
    talk = Conversation(session)
    await talk.say("Count.")
    session.emulator.script(refused_reasoning(text))
    await talk.say("Go on.")
    assert session.sent == 3
    assert not items(session.body, "reasoning")


async def test_an_item_type_that_a_server_does_not_know_is_left_out(session: Session) -> None:
    session.emulator.script(Turn(Compaction(), Say("One.")))
    talk = Conversation(session)
    await talk.say("Count.")
    session.emulator.script(unknown_items("compaction"))
    await talk.say("Go on.")
    assert session.sent == 3
    assert not items(session.body, "compaction")
    assert [item["role"] for item in session.body["input"]] == ["user", "assistant", "user"], (
        "the turns before it return"
    )


async def test_a_field_of_items_that_a_server_does_not_know_is_left_out(session: Session) -> None:
    session.emulator.script(Turn(Say("Adding.", phase="commentary"), Call("add")), Say("Done."))
    talk = Conversation(session, tools=[tool("add")])
    await talk.say("Add.")
    session.emulator.script(unknown_item_field("phase"))
    await talk.go_on()
    assert session.sent == 3
    assert all("phase" not in item for item in session.body["input"])


def refuse_once(message: str, status: int = 400) -> HttpReply:
    return HttpReply(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}})


async def test_a_net_that_does_not_help_is_taken_back(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.emulator.script(Turn(Think(["Hm."]), Say("One.")))
    talk = Conversation(session)
    await talk.say("Count.")
    session.emulator.script(refuse_once("The first reason."), refuse_once("The second reason."))
    with pytest.raises(InvalidRequestError, match="The first reason"):
        await talk.say("Go on.")
    assert session.sent == 3
    assert not find_warnings(caplog)
    await talk.say("And now?")
    assert session.sent == 4
    assert items(session.body, "reasoning"), "nothing was learned"


async def test_a_net_that_meets_an_outage_is_taken_back(open_session: OpenSession) -> None:
    session = await open_session(max_retries=0)
    session.emulator.script(Turn(Think(["Hm."]), Say("One.")))
    talk = Conversation(session)
    await talk.say("Count.")
    session.emulator.script(refuse_once("The first reason."), rate_limit_exceeded())
    with pytest.raises(InvalidRequestError, match="The first reason"):
        await talk.say("Go on.")
    assert session.sent == 3


@pytest.mark.parametrize("message", ["Unsupported parameter: 'text.format'.", "Invalid 'input[2].content': too long."])
async def test_a_refusal_that_names_something_else_is_not_tried_again(session: Session, message: str) -> None:
    session.emulator.script(Turn(Think(["Hm."]), Say("One.")))
    talk = Conversation(session)
    await talk.say("Count.")
    param = message.split("'")[1].replace("[2]", f"[{len(session.body['input']) + 2}]")
    body = {"error": {"message": message, "type": "invalid_request_error", "code": "invalid_value", "param": param}}
    session.emulator.script(HttpReply(400, body))
    with pytest.raises(InvalidRequestError):
        await talk.say("Go on.")
    assert session.sent == 2


async def test_all_providers_of_an_account_share_what_one_has_learned(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    sessions = [await open_session() for _ in range(3)]
    sessions[0].emulator.script(RejectParameters(["include"]))
    for session in sessions:
        await session.ask("hello")
    assert sessions[0].sent == 4
    await sessions[0].ask("hello", model="gpt-5.6-luna")
    assert sessions[0].sent == 6, "another model may accept it"


async def test_another_account_learns_for_itself(emulator: Emulator, backend: BackendUnderTest) -> None:
    emulator.script(RejectParameters(["include"]))
    for config in (backend.config, backend.other):
        settings = {"default_model": backend.model, **config(emulator.base_url, backend.secret)}
        session = await Session(backend, emulator).mount(settings)
        await session.ask("hello")
        await session.cleanup()
    assert len(emulator.model_requests) == 4


@pytest.mark.promise("a rate limit is answered at once", area="hazard")
async def test_a_rate_limit_waits_whatever_other_calls_learn_meanwhile(open_session: OpenSession) -> None:
    session = await open_session(max_retries=1)
    limited = rate_limit_exceeded(after_s=0.05)
    session.emulator.script(replace(limited, delay_s=1.0), refuse_once("Unknown parameter: 'include'."))
    waiting = asyncio.create_task(session.ask("hello"))
    await asyncio.to_thread(session.emulator.wait_until, lambda: session.sent == 1)
    await session.ask("hello")
    await waiting
    assert session.sent == 4
    assert [event["error_type"] for event in session.recorder.named("provider:retry")] == ["RateLimitError"]


async def test_a_rate_limit_is_final_for_a_request_that_can_never_fit(session: Session) -> None:
    message = "Request too large for m in organization o on tokens per min (TPM): Limit 30000, Requested 36278."
    error = {"message": message, "type": "tokens", "param": None, "code": "rate_limit_exceeded"}
    session.emulator.script(*[HttpReply(429, {"error": error})] * 3)
    with pytest.raises(RateLimitError, match="larger than the limit per minute"):
        await session.ask("hello")
    assert session.sent == 1
