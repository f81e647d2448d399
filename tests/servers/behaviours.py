"""What is played on each server. A behaviour that is not there raises `NotThere`, which says what happened instead.

Every behaviour is what a user of the module sees; none of them looks at the server.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, LLMError, NotFoundError
from amplifier_core.message_models import Message, TextBlock, ToolSpec

from tests.servers.replies import CALCULATION, HELLO, ONE_CALL, REMINDER, STORY, TEXTS, TWO_CALLS, WORD
from tests.support.backends import ROOT
from tests.support.foreign.table import NotThere, check
from tests.support.mounted_provider import MountedProvider, mount_at
from tests.support.session import asking, picture, result, stored, system, user

GET_WEATHER = ToolSpec(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
_CHAT_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that answers.

    Attributes:
        version: the installed version.
        base_url: the setting `base_url`.
        model: the setting `default_model`.
        api_key: the key that it takes; None, the default, if it asks for none.
        window: the input tokens that its list of models states; None, the default, if it states none.
        output_limit: tokens that allow a thought and the beginning of the story; 40 is the default.
        history: the conversation that the servers before this one made; it grows.
    """

    version: str
    base_url: str
    model: str
    api_key: str | None = None
    window: int | None = None
    output_limit: int = 40
    history: list[Message] = field(default_factory=list[Message])

    def mount(self, **settings: Any) -> AbstractAsyncContextManager[MountedProvider]:
        key = {"api_key": self.api_key or "none"}
        return mount_at(self.base_url, **{**key, "default_model": self.model, **settings})


Play = Callable[[RunningServer], Coroutine[Any, Any, None]]


async def show_text(server: RunningServer) -> None:
    async with server.mount() as mounted:
        response = await mounted.ask(asking(HELLO))
    _check_shown(mounted, response)
    check("Hello from" in response.text, f"text {response.text!r}")
    check(response.finish_reason == "stop", f"finish reason {response.finish_reason}")
    check(response.usage.input_tokens > 0 and response.usage.output_tokens > 0, f"usage {response.usage}")


async def replay_reasoning(server: RunningServer) -> None:
    async with server.mount(raw=True) as mounted:
        first = await mounted.ask(asking(HELLO))
        thoughts = [block.thinking for block in first.content if block.type == "thinking"]
        check(len(thoughts) == 1 and thoughts[0].strip(), f"thoughts {thoughts}")
        _check_shown(mounted, first)
        await mounted.ask(asking(user(HELLO), stored(first), user(HELLO)))
    sent = mounted.recorder.named("llm:request")[-1]["raw"]["input"]
    check([item["type"] for item in sent].count("reasoning") == 1, "the next request lacks the reasoning")


async def call_once(server: RunningServer) -> None:
    await _use_tools(server, ONE_CALL, [{"city": "Oslo"}], "rain, 7 degrees")


async def call_twice(server: RunningServer) -> None:
    await _use_tools(server, TWO_CALLS, [{"city": "Oslo"}, {"city": "Rome"}], "rain, 7 degrees")


async def return_picture(server: RunningServer) -> None:
    await _use_tools(server, ONE_CALL, [{"city": "Oslo"}], [TextBlock(text="see picture"), picture()])


async def _use_tools(server: RunningServer, question: str, expected: list[Any], content: Any) -> None:
    """Let the model call a tool, check the calls, and return a result for each of them."""
    async with server.mount() as mounted:
        first = await mounted.ask(asking(question, tools=[GET_WEATHER]))
        calls = first.tool_calls or []
        check([call.name for call in calls] == ["get_weather"] * len(expected), f"calls {calls}, text {first.text!r}")
        check([call.arguments for call in calls] == expected, f"arguments {[call.arguments for call in calls]}")
        check(len({call.id for call in calls}) == len(calls), "two calls have one id")
        check(first.finish_reason == "tool_calls", first.finish_reason)
        _check_shown(mounted, first)
        mounted.recorder.events.clear()
        results = [result(call, content) for call in calls]
        answer = await mounted.ask(asking(user(question), stored(first), *results, tools=[GET_WEATHER]))
    _check_shown(mounted, answer)
    check(answer.text.strip(), f"no text after the results, but {answer.tool_calls}")


async def name_the_limit(server: RunningServer) -> None:
    async with server.mount(max_continuations=0) as mounted:
        response = await mounted.ask(asking(STORY, max_output_tokens=server.output_limit))
    _check_shown(mounted, response)
    check(response.finish_reason == "length", f"finish reason {response.finish_reason}")
    _check_beginning(response.text)


async def continue_at_the_limit(server: RunningServer) -> None:
    """The configured limit bounds a request, so the provider asks for the rest. Not every server goes on from there."""
    async with server.mount(max_output_tokens=server.output_limit) as mounted:
        response = await mounted.ask(asking(STORY))
    _check_shown(mounted, response)
    check(response.finish_reason in ("length", "stop"), f"finish reason {response.finish_reason}")
    check(response.text.count("Once there") == 1, f"the story begins anew: {response.text!r}")
    _check_beginning(response.text)


def _check_beginning(text: str) -> None:
    """Check that a text begins as the story does. A tiny model forgets the end of it."""
    check(text.strip().startswith(TEXTS[STORY][1][:22]), f"text {text!r}")


async def heed_reminder(server: RunningServer) -> None:
    """A system message in the middle of a conversation reaches the model."""
    async with server.mount() as mounted:
        first = await mounted.ask(asking(HELLO))
        history = [user(HELLO), stored(first), system(REMINDER), user(WORD)]
        answer = await mounted.ask(asking(*history))
    check("blue" in answer.text, f"text {answer.text!r}")


async def read_window(server: RunningServer) -> None:
    async with server.mount() as mounted:
        (info,) = [each for each in await mounted.provider.list_models() if each.id == server.model]
        known = mounted.provider.get_model_info().context_window
    check(known == info.context_window, f"the list says {info.context_window}, and get_model_info {known}")
    check(server.window, f"the server states no window, {info.context_window} is assumed")
    check(info.context_window == server.window, f"{info.context_window} instead of {server.window}")


async def refuse_key(server: RunningServer) -> None:
    async with server.mount(api_key="sk-wrong") as mounted:
        await _expect_error(mounted, AuthenticationError)


async def refuse_model(server: RunningServer) -> None:
    async with server.mount(default_model="no-such-model") as mounted:
        await _expect_error(mounted, NotFoundError)


async def _expect_error(mounted: MountedProvider, expected: type[LLMError]) -> None:
    try:
        response = await mounted.ask(asking(HELLO))
    except LLMError as error:
        check(isinstance(error, expected), f"{type(error).__name__}: {error}")
    else:
        raise NotThere(f"it answered {response.text!r}")
    check(not mounted.recorder.named("provider:retry"), "the call was made again")


async def find_model(server: RunningServer) -> None:
    """Without `default_model` the only model of the server serves, or an error lists its models."""
    async with server.mount(default_model="") as mounted:
        try:
            response = await mounted.ask(asking(HELLO))
        except LLMError as error:
            check(server.model in str(error), f"{type(error).__name__}: {error}")
        else:
            check(response.text.strip(), "no text")


async def take_conversation(server: RunningServer) -> None:
    """The conversation that other servers made goes on here."""
    history = [*server.history, user(ONE_CALL)]
    async with server.mount() as mounted:
        first = await mounted.ask(asking(*history, tools=[GET_WEATHER]))
        history.append(stored(first))
        history += [result(call, "rain, 7 degrees") for call in first.tool_calls or []]
        answer = await mounted.ask(asking(*history, user(HELLO), tools=[GET_WEATHER]))
    server.history[:] = [*history, user(HELLO), stored(answer)]


async def chat(server: RunningServer) -> None:
    """`examples.chat` answers a question with a tool."""
    command = ["-m", "examples.chat", "--base-url", server.base_url, "--model", server.model, CALCULATION]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=ROOT,
        env={**os.environ, "OPENAI_API_KEY": server.api_key or "none"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_CHAT_S):
            output = (await process.communicate())[0].decode("utf-8", "replace")
    finally:
        if process.returncode is None:
            process.kill()
    check(process.returncode == 0, f"exit code {process.returncode}: {output[-600:]}")
    check("391" in output, f"no calculation: {output[-600:]}")
    check(output.count("The tools have answered.") == 1, f"no text, or twice: {output[-600:]}")


def _check_shown(mounted: MountedProvider, response: Any) -> None:
    """Check that a user saw each block of the response once, and nothing else."""
    recorder = mounted.recorder
    for kind in ("text", "thinking"):
        whole = "".join(getattr(block, kind) for block in response.content if block.type == kind)
        shown = recorder.shown(kind)
        check(shown.split() == whole.split(), f"shown {kind} {shown!r}, returned {whole!r}")
    started = [event["block_index"] for event in recorder.named("llm:stream_block_start")]
    ended = [event["block_index"] for event in recorder.named("llm:stream_block_end")]
    if not recorder.named("llm:stream_aborted", "provider:incomplete_continuation"):
        check(sorted(started) == sorted(ended) == sorted(set(started)), f"blocks {started} ended {ended}")


# What a row of the table is called, and what plays it.
BEHAVIOURS: dict[str, Play] = {
    "text, shown once and returned": show_text,
    "reasoning, shown and sent again": replay_reasoning,
    "one call, its result, an answer": call_once,
    "two calls at once": call_twice,
    "a picture in a tool result": return_picture,
    "a response at its limit ends with `length`": name_the_limit,
    "after a limit of a response, no text comes twice": continue_at_the_limit,
    "a system message in mid-conversation": heed_reminder,
    "the context window from the list of models": read_window,
    "a wrong key is an `AuthenticationError`": refuse_key,
    "an unknown model is a `NotFoundError`": refuse_model,
    "without `default_model`: the only model, or a list of them": find_model,
    "a conversation that began on other servers": take_conversation,
    "`examples.chat` with a tool": chat,
}
