"""docs/events.md lists every event and every field of it: what calls emit is documented, and the other way round."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import Message, ToolCallBlock
from openai_responses_common.engine.event_names import OWN_EVENTS
from responses_emulator import (
    Call,
    CutStream,
    Emulator,
    HttpReply,
    OnUpgrade,
    ResponseFields,
    ResponseIncomplete,
    Say,
    SignInService,
    Silence,
    Think,
    Turn,
    chatgpt_surfaces,
    insufficient_quota,
    rate_limit_exceeded,
)

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.chatgpt_machine import ROW, Machine
from tests.support.kernels import Kernel
from tests.support.pages import names, page, rows
from tests.support.session import Recorder, Session, asking, tool, user

PAGE = page("docs/events.md")
COMMON = {"provider", "model", "request_id"}
# What the kernel's hooks add by themselves.
KERNELS = {"timestamp", "session_id"}
WEATHER = tool("get_weather", "city")


def documented() -> dict[str, set[str]]:
    """Event → its fields, but for the common ones."""
    found: dict[str, set[str]] = {}
    for title, text in PAGE.sections.items():
        fields = {name for row in rows(text) for name in names(row[0])}
        found.update(dict.fromkeys(re.findall(r"`([\w:]+)`", title), fields))
    return found


Fields = Mapping[str, set[str]]


def emitted(*recorders: Recorder) -> Fields:
    """The same of what was emitted."""
    found: dict[str, set[str]] = defaultdict(set)
    for recorder in recorders:
        for event in recorder.events:
            if event.name.startswith(("llm:", "provider:")):
                found[event.name] |= event.data.keys() - KERNELS
    return found


async def everything(backend: BackendUnderTest, emulator: Emulator) -> Recorder:
    """Calls in which all happens that can happen in a call."""
    config = backend.settings(emulator, raw=True, debug=True, raw_debug=True, max_retries=2, reasoning_effort="low")
    session = await Session(backend, emulator).mount(config)
    extras = ResponseFields({"input_transformations": [{"type": "x"}], "prompt_cache_diagnostics": {"type": "y"}})
    emulator.script(
        rate_limit_exceeded(after_s=0),
        Turn(Say("gone"), CutStream(6)),
        Turn(Think(["**Plan**"]), Say("half an answer", chunks=4), ResponseIncomplete()),
        Turn(Say("and the rest"), Call("get_weather", {"city": "Oslo"}), extras),
        insufficient_quota(),
    )
    lost = Message(
        role="assistant", content=[ToolCallBlock(id="call_lost", name="get_weather", input={"city": "Oslo"})]
    )
    await session.ask(user("hello"), lost, user("go on"), tools=[WEATHER])
    with pytest.raises(LLMError):
        await session.ask("hello")
    for tools in ([WEATHER], []):  # the second call misses the cache
        await session.ask("long " * 2000, tools=tools, conversation_id="c")
    emulator.script(Turn(Silence(30)))
    sent = session.sent
    waiting = asyncio.create_task(session.ask("hello"))
    assert await emulator.wait_until_async(lambda: session.sent > sent)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    emulator.script(OnUpgrade(HttpReply(404)), Say("over HTTP"))
    await session.provider.complete(asking("hello"), transport="websocket")
    await session.cleanup()
    return session.recorder


async def a_long_conversation(backend: BackendUnderTest, emulator: Emulator) -> Recorder:
    """A conversation that is too long, is shortened, and is compacted."""
    session = await Session(backend, emulator).mount(backend.settings(emulator, native_compaction=True))
    if session.provider.supports_native_compaction():
        await session.provider.compact_context(asking("hello", metadata={"purpose": "context-compaction"}))
    too_long = {"type": "invalid_request_error", "code": "context_length_exceeded", "message": "It is too long."}
    emulator.script(HttpReply(400, {"error": too_long}))
    request = asking("hello", "read it " * 4000)
    with pytest.raises(LLMError) as caught:
        await session.provider.complete(request)
    assert session.provider.recover_context_overflow(request, caught.value, context_estimate=8000)
    await session.ask("hello", "read it")
    await session.cleanup()
    return session.recorder


async def a_sign_in(home: Path) -> Recorder:
    """A session that starts where nobody is signed in."""
    service = SignInService(interval="0.01")
    with Emulator(surfaces=chatgpt_surfaces(service)) as emulator:
        config = Machine(home, emulator, service).settings(login_on_mount="true")
        kernel = Kernel([{"module": ROW.module, "config": config}])
        starting = asyncio.create_task(kernel.start())
        assert await emulator.wait_until_async(lambda: bool(service.user_codes))
        service.approve()
        await starting
        await kernel.session.cleanup()
    return kernel.recorder


async def test_every_event_of_a_call_is_documented_field_by_field(
    backend: BackendUnderTest, emulator: Emulator
) -> None:
    told = documented()
    recorders = await everything(backend, emulator), await a_long_conversation(backend, emulator)
    for name, fields in emitted(*recorders).items():
        assert name in told, f"{name} is not documented"
        assert fields >= COMMON, f"{name} lacks what all events of a call have"
        assert fields - COMMON - told[name] == set(), f"fields of {name} that are not documented"


async def test_everything_that_is_documented_is_emitted(tmp_path: Path) -> None:
    (row, *_) = BACKENDS
    with row.emulator() as emulator:
        recorders = await everything(row, emulator), await a_long_conversation(row, emulator)
        seen = emitted(*recorders, await a_sign_in(tmp_path))
    told = documented()
    assert set(told) == set(seen)
    assert set(OWN_EVENTS) <= set(told)
    # The fields of three kinds of block event stand in one table.
    blocks = "llm:stream_block_"
    together = set[str]().union(*(fields for name, fields in seen.items() if name.startswith(blocks)))
    for name, fields in told.items():
        assert fields - (together if name.startswith(blocks) else seen[name]) == set(), (
            f"fields of {name} that never come"
        )


def test_the_parts_of_a_payload_are_those_of_the_code() -> None:
    """Names inside a field: of usage, limits and repairs."""
    from openai_responses_common.facts.backend_profile import API_LIMITS
    from openai_responses_common.translate.repair import Repair

    table = {
        names(row[0])[0]: names(row[1]) for section in PAGE.sections.values() for row in rows(section) if len(row) == 2
    }
    told = set(table["rate_limits"])
    assert {key for key in API_LIMITS.headers if key.startswith("requests_")} <= told
    assert {"primary_used_percent", "primary_window_minutes", "primary_resets_at"} <= told
    kinds = get_args(get_type_hints(Repair)["kind"])
    assert kinds
    assert set(kinds) <= set(table["repairs"])
