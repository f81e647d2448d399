"""Loading by the kernel's own loader: from folders and by entry points, several times, and taking it all down again."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
from importlib.metadata import entry_points
from typing import Any

import pytest
from responses_emulator import Emulator, EventDelay, Say, Turn

from tests.support.backends import BackendUnderTest
from tests.support.kernels import Start

pytestmark = [
    pytest.mark.one_transport("loading makes no request"),
    pytest.mark.one_sign_in("a module is loaded in one way"),
]

SLOW = Turn(Say("word " * 400), EventDelay(0.02))


@pytest.fixture(params=["from its folder", "by its entry point"])
def by_path(request: pytest.FixtureRequest, backend: BackendUnderTest) -> bool:
    """Both ways that hosts load a module: from a source, which validates it, or as it is installed."""
    installed = {point.name for point in entry_points(group="amplifier.modules")}
    if request.param == "by its entry point" and backend.module not in installed:
        pytest.skip("the module is on the path here, not installed; `nox -s tests` installs it")
    return request.param == "from its folder"


def row(backend: BackendUnderTest, emulator: Emulator, instance: str | None = None, **settings: Any) -> dict[str, Any]:
    """A row of a mount plan."""
    named = {"instance_id": instance} if instance else {}
    return {"module": backend.module, "config": backend.settings(emulator, **settings), **named}


async def test_loading_is_validated_and_logs_no_warning(
    start: Start, by_path: bool, backend: BackendUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        kernel = await start(by_path=by_path)
        assert "84" in await kernel.session.execute("What is 12 * 7?")
        await kernel.session.cleanup()
        del kernel
        gc.collect()
    validated = [each.message for each in caplog.records if f"[module:validated] {backend.module}" in each.message]
    assert len(validated) == by_path
    assert all("9/9 checks passed" in message or "PASSED" in message for message in validated), validated
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert [str(each.message) for each in warned] == []


async def test_three_instances_of_one_module(
    start: Start, by_path: bool, backend: BackendUnderTest, emulator: Emulator
) -> None:
    rows = [
        row(backend, emulator, priority=30),
        row(backend, emulator, "work", default_model="gpt-5.6-terra", priority="20"),
        row(backend, emulator, "quick", default_model="gpt-5.6-luna", priority="10", reasoning_effort="low"),
    ]
    kernel = await start(*rows, by_path=by_path)
    assert not kernel.recorder.named("module:load_failed")
    assert set(kernel.providers) == {backend.name, "work", "quick"}
    models = {name: provider.default_model for name, provider in kernel.providers.items()}
    assert models == {backend.name: backend.model, "work": "gpt-5.6-terra", "quick": "gpt-5.6-luna"}
    assert {provider.name for provider in kernel.providers.values()} == {backend.name}
    await kernel.session.execute("hello")
    assert (emulator.request_bodies[-1]["model"], emulator.request_bodies[-1]["reasoning"]["effort"]) == (
        "gpt-5.6-luna",
        "low",
    )
    assert await kernel.cost() == kernel.providers["quick"].spent_usd
    assert kernel.providers[backend.name].spent_usd == kernel.providers["work"].spent_usd == 0


async def test_an_instance_may_stand_alone_under_its_own_name(
    start: Start, by_path: bool, backend: BackendUnderTest, emulator: Emulator
) -> None:
    """The way by which stock routing matrices find a module: an instance that is called as they call it."""
    kernel = await start(row(backend, emulator, "openai"), by_path=by_path)
    assert set(kernel.providers) == {"openai"}
    assert "84" in await kernel.session.execute("What is 12 * 7?")


async def test_a_child_session_has_a_provider_of_its_own(
    start: Start, by_path: bool, backend: BackendUnderTest, emulator: Emulator
) -> None:
    parent = await start(by_path=by_path)
    await parent.session.execute("hello")
    spent = await parent.cost()
    # As hosts spawn agents: the parent's config, with what a role asks for laid over it.
    child = await start(
        row(backend, emulator, default_model="gpt-5.6-luna", reasoning_effort="high", priority=0),
        by_path=by_path,
        parent=parent,
    )
    assert child.recorder.one("session:fork")["parent"] == parent.session.session_id
    assert "84" in await child.session.execute("What is 12 * 7?")

    mine, its = parent.providers[backend.name], child.providers[backend.name]
    assert mine is not its
    assert (mine.default_model, its.default_model) == (backend.model, "gpt-5.6-luna")
    assert (emulator.request_bodies[-1]["model"], emulator.request_bodies[-1]["reasoning"]["effort"]) == (
        "gpt-5.6-luna",
        "high",
    )
    keys = [body["prompt_cache_key"] for body in emulator.request_bodies]
    assert keys == [parent.session.session_id, child.session.session_id, child.session.session_id]
    seen = child.recorder.named("llm:request", "llm:response", "llm:stream_block_delta")
    assert {(event["session_id"], event["parent_id"]) for event in seen} == {
        (child.session.session_id, parent.session.session_id)
    }
    assert await parent.cost() == spent
    assert await child.cost() == its.spent_usd


async def test_the_end_of_a_child_session_leaves_the_parent_working(start: Start, by_path: bool) -> None:
    parent = await start(by_path=by_path)
    child = await start(by_path=by_path, parent=parent)
    await asyncio.gather(parent.session.execute("hello"), child.session.execute("hello"))
    await child.session.cleanup()
    assert "84" in await parent.session.execute("What is 12 * 7?")


async def test_the_end_of_the_parent_leaves_its_child_working(start: Start, by_path: bool) -> None:
    parent = await start(by_path=by_path)
    child = await start(by_path=by_path, parent=parent)
    await parent.session.execute("hello")
    await parent.session.cleanup()
    assert "84" in await child.session.execute("What is 12 * 7?")


async def test_cancelling_a_child_leaves_the_parents_call_alone(start: Start, emulator: Emulator) -> None:
    parent = await start()
    child = await start(parent=parent)
    parent.coordinator.cancellation.register_child(child.coordinator.cancellation)
    emulator.script(SLOW)
    turn = asyncio.ensure_future(child.session.execute("tell me a story"))
    assert await emulator.wait_until_async(child.recorder.shown)
    await child.coordinator.request_cancel(immediate=True)
    await child.coordinator.cancellation.trigger_callbacks()
    await asyncio.gather(turn, return_exceptions=True)
    assert child.recorder.one("llm:response")["status"] == "cancelled"
    assert "84" in await parent.session.execute("What is 12 * 7?")


@pytest.mark.parametrize("config", [{}, None, {"api_key": "", "base_url": ""}], ids=["empty", "null", "blank"])
async def test_without_credentials_it_loads_and_the_first_call_says_why(
    start: Start, by_path: bool, backend: BackendUnderTest, config: dict[str, Any] | None
) -> None:
    kernel = await start({"module": backend.module, "config": config}, by_path=by_path)
    assert not kernel.recorder.named("module:load_failed")
    assert set(kernel.providers) == {backend.name}
    with pytest.raises(RuntimeError, match="AuthenticationError"):  # as the kernel passes it on
        await kernel.session.execute("hello")


MALFORMED: list[tuple[str, Any]] = [
    ("timeout", "soon"),
    ("max_retries", -1),
    ("model_info", "x"),
    ("raw", "perhaps"),
    ("hosted_tools", [{"no": "type"}]),
]


@pytest.mark.parametrize(("key", "value"), MALFORMED)
async def test_a_malformed_setting_is_told_by_name_and_stops_nothing_else(
    start: Start, by_path: bool, backend: BackendUnderTest, emulator: Emulator, key: str, value: Any
) -> None:
    rows = [row(backend, emulator, priority=1, **{key: value}), row(backend, emulator, "whole", priority=2)]
    kernel = await start(*rows, by_path=by_path)
    assert not kernel.recorder.named("module:load_failed")
    with pytest.raises(RuntimeError, match=f"ConfigurationError.*{key}"):
        await kernel.session.execute("hello")
    assert not emulator.requests
    assert await kernel.providers["whole"].list_models()


async def test_an_unknown_setting_is_a_warning_with_the_nearest_known_one(
    start: Start, by_path: bool, backend: BackendUnderTest, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    kernel = await start(row(backend, emulator, reasoning_efort="low"), by_path=by_path)
    told = [each.message for each in caplog.records if "reasoning_efort" in each.message]
    assert told
    assert all("did you mean 'reasoning_effort'?" in message for message in told)
    assert "84" in await kernel.session.execute("What is 12 * 7?")


async def test_what_was_mounted_last_is_cleaned_up_first(start: Start, backend: BackendUnderTest) -> None:
    """So that a provider still has its loop's hooks when it closes; and what comes after it finds it closed."""
    kernel = await start()
    order: list[str] = []
    provider = kernel.providers[backend.name]
    close = provider.close

    async def closing() -> None:
        order.append("provider")
        await close()

    provider.close = closing
    kernel.coordinator.register_cleanup(lambda: order.append("registered later"))
    await kernel.session.execute("hello")
    await kernel.session.cleanup()
    assert order == ["registered later", "provider"]


async def test_cleaning_up_is_safe_at_any_time_and_twice(
    start: Start, by_path: bool, backend: BackendUnderTest, emulator: Emulator
) -> None:
    unused = await start(by_path=by_path)
    await unused.session.cleanup()
    await unused.session.cleanup()

    used = await start(by_path=by_path)
    await used.session.execute("hello")
    await used.providers[backend.name].close()  # as a host does after it listed models
    await used.session.cleanup()
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0)
    await used.session.cleanup()


async def test_cleaning_up_during_a_call_ends_it(
    start: Start, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """And it is not tried again: that would open what the session has just closed."""
    kernel = await start()
    emulator.script(SLOW)
    turn = asyncio.ensure_future(kernel.session.execute("tell me a story"))
    assert await emulator.wait_until_async(kernel.recorder.shown)
    await kernel.session.cleanup()
    with pytest.raises(RuntimeError, match="AbortError: the provider was closed during this call"):
        async with asyncio.timeout(60):
            await turn
    assert len(emulator.model_requests) == 1
    assert not kernel.recorder.shown()
    assert kernel.recorder.one("llm:response")["status"] == "cancelled"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR], "the host did it"
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0)
