"""A session that is ready prepares the first call of the provider that it asks first, and sends nothing meanwhile."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import subprocess
import sys
import threading
from typing import Any, ClassVar

import pytest
from amplifier_core.llm_errors import NetworkError
from responses_emulator import Authority, Emulator

from tests.support.backends import BackendUnderTest
from tests.support.kernels import Start
from tests.support.relay_proxy import RelayProxy, remote_settings
from tests.support.session import OpenSession, Session, other_tasks

pytestmark = pytest.mark.one_transport("the preparation is that of HTTP")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def make_ready(session: Session) -> None:
    """Do what the kernel does when everything is mounted."""
    await importlib.import_module(session.backend.package).on_session_ready(session.coordinator)


def row(backend: BackendUnderTest, emulator: Emulator, instance: str | None = None, **settings: Any) -> dict[str, Any]:
    """A row of a mount plan."""
    named = {"instance_id": instance} if instance else {}
    return {"module": backend.module, "config": backend.settings(emulator, **settings), **named}


def prepared(*providers: Any) -> list[bool]:
    """Whether each provider has loaded what its calls need."""
    return [provider._engine is not None for provider in providers]


async def test_a_ready_session_loads_what_calls_need_and_sends_nothing(
    backend: BackendUnderTest, emulator: Emulator
) -> None:
    command = [sys.executable, "-m", "tests.support.first_moments", backend.package]
    done = await asyncio.to_thread(
        subprocess.run, [*command, json.dumps(backend.settings(emulator))], capture_output=True, text=True, check=True
    )
    steps = json.loads(done.stdout)
    assert steps["mounted"] == steps["ready"] == []
    assert steps["prepared"] == ["aiohttp", "openai_responses_common.engine.engine"]
    paths = [request.path for request in emulator.requests]
    assert len(paths) == 2, "the list and the call, which come after it"
    for step in ("listed", "called"):
        assert not {"openai", "httpx", "httpx2"} & set(steps[step]), f"{step}: their import is slower than an answer"


async def test_the_kernel_prepares_a_session_and_the_call_is_the_same(start: Start, emulator: Emulator) -> None:
    kernel = await start()
    (provider,) = kernel.providers.values()
    await asyncio.gather(*other_tasks())
    assert prepared(provider) == [True]
    assert emulator.requests == []
    assert "84" in await kernel.session.execute("What is 12 * 7?")


async def test_a_connection_over_tls_is_opened_ahead_and_the_first_call_takes_it(
    backend: BackendUnderTest, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    with backend.emulator(tls=authority.context()) as emulator:
        session = await Session(backend, emulator).mount(backend.settings(emulator))
        await make_ready(session)
        await asyncio.gather(*other_tasks())
        assert await emulator.wait_until_async(lambda: emulator.open_connections == 1)
        assert emulator.requests == []
        assert (await session.ask("hello")).text
        assert emulator.open_connections == 1
        await session.cleanup()
        assert await emulator.wait_until_async(lambda: emulator.open_connections == 0)


async def test_no_connection_is_opened_ahead_without_tls(session: Session) -> None:
    await make_ready(session)
    await asyncio.gather(*other_tasks())
    assert session.emulator.open_connections == 0


async def test_a_proxy_gets_no_request_ahead(
    backend: BackendUnderTest, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    with backend.emulator(tls=authority.context(backend.remote_host)) as emulator, RelayProxy(emulator.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        session = await Session(backend, emulator).mount(remote_settings(backend, emulator))
        await make_ready(session)
        await asyncio.gather(*other_tasks())
        assert proxy.requests == []
        await session.cleanup()


async def test_a_certificate_that_is_not_trusted_is_left_to_the_first_call(
    backend: BackendUnderTest, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    with backend.emulator(tls=authority.context()) as emulator, caplog.at_level(logging.INFO):
        session = await Session(backend, emulator).mount(backend.settings(emulator, max_retries=0))
        await make_ready(session)
        await asyncio.gather(*other_tasks())
        assert not caplog.records
        with pytest.raises(NetworkError, match="certificate"):
            await session.ask("hello")
        await session.cleanup()


async def test_a_call_does_not_wait_for_the_preparation_to_end(session: Session) -> None:
    await make_ready(session)
    assert (await session.ask("hello")).text
    assert session.emulator.open_connections <= 2


@pytest.mark.parametrize("first", [0, 1])
async def test_only_the_provider_that_is_asked_first_is_prepared(
    start: Start, backend: BackendUnderTest, emulator: Emulator, first: int
) -> None:
    priorities = ["20", "20"] if first == 0 else ["20", "10"]
    kernel = await start(
        row(backend, emulator, priority=priorities[0]), row(backend, emulator, "second", priority=priorities[1])
    )
    await asyncio.gather(*other_tasks())
    assert prepared(*kernel.providers.values()) == [first == 0, first == 1]


async def test_a_provider_of_somebody_else_that_is_asked_first_leaves_ours_alone(session: Session) -> None:
    class Other:
        name = "other"
        config: ClassVar = {"priority": 1}

    await session.coordinator.mount("providers", Other(), name="other")
    await make_ready(session)
    assert not other_tasks()


async def test_a_priority_that_cannot_be_compared_prepares_nothing(session: Session) -> None:
    class Other:
        name = "other"
        priority = "high"

    await session.coordinator.mount("providers", Other(), name="other")
    await make_ready(session)
    assert not other_tasks()


async def test_a_sub_agent_is_not_prepared(start: Start) -> None:
    parent = await start()
    await asyncio.gather(*other_tasks())
    child = await start(parent=parent)
    assert not other_tasks()
    assert prepared(*child.providers.values()) == [False]


async def test_a_process_prepares_one_session_at_a_time(open_session: OpenSession) -> None:
    sessions = [await open_session() for _ in range(5)]
    for session in sessions:
        await make_ready(session)
    await asyncio.gather(*other_tasks())
    assert prepared(*(session.provider for session in sessions)) == [True, False, False, False, False]
    await make_ready(sessions[1])
    await asyncio.gather(*other_tasks())
    assert prepared(sessions[1].provider) == [True]


async def test_a_session_that_is_ready_twice_is_prepared_once(session: Session) -> None:
    await make_ready(session)
    await asyncio.gather(*other_tasks())
    await make_ready(session)
    assert not other_tasks()


@pytest.mark.parametrize("value", [False, "false", "off"])
async def test_the_setting_turns_it_off(open_session: OpenSession, value: object) -> None:
    session = await open_session(prepare=value)
    await make_ready(session)
    assert not other_tasks()
    assert (await session.ask("hello")).text


async def test_a_setting_that_is_not_valid_prepares_nothing(open_session: OpenSession) -> None:
    session = await open_session(max_retries="many")
    await make_ready(session)
    assert not other_tasks()


async def test_a_preparation_that_fails_costs_nothing_and_logs_no_warning(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch, caplog.at_level(logging.INFO):
        patch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
        patch.setenv("HTTPS_PROXY", "gopher://nowhere")
        patch.setenv("HTTP_PROXY", "gopher://nowhere")
        patch.setenv("NO_PROXY", "")
        await make_ready(session)
        await asyncio.gather(*other_tasks())
    assert not caplog.records
    assert (await session.ask("hello")).text


async def test_a_session_that_closes_meanwhile_leaves_nothing_behind(session: Session) -> None:
    await make_ready(session)
    assert len(other_tasks()) == 1
    await session.cleanup()
    assert not other_tasks()
    await session.cleanup()


async def test_a_closed_provider_can_be_prepared_again(session: Session) -> None:
    await make_ready(session)
    await session.cleanup()
    await make_ready(session)
    await asyncio.gather(*other_tasks())
    assert prepared(session.provider) == [True]


def test_a_loop_that_ends_meanwhile_leaves_nothing_behind_for_the_next(
    backend: BackendUnderTest, emulator: Emulator
) -> None:
    """A host that runs one loop per step."""
    session = Session(backend, emulator)

    async def begin() -> None:
        await session.mount(backend.settings(emulator))
        await make_ready(session)

    async def go_on() -> None:
        assert not other_tasks()
        assert (await session.ask("hello")).text
        await session.cleanup()

    asyncio.run(begin())
    asyncio.run(go_on())


def test_a_provider_may_be_closed_by_another_loop_than_the_one_that_prepares_it(
    backend: BackendUnderTest, emulator: Emulator
) -> None:
    session, is_ready, is_closed = Session(backend, emulator), threading.Event(), threading.Event()

    async def begin() -> None:
        await session.mount(backend.settings(emulator))
        await make_ready(session)
        is_ready.set()
        await asyncio.to_thread(is_closed.wait)
        await asyncio.gather(*other_tasks(), return_exceptions=True)

    async def close() -> None:
        await session.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(begin()))
    thread.start()
    is_ready.wait()
    asyncio.run(close())
    is_closed.set()
    thread.join()
