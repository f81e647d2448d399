"""What a server tells of its models is used, its only model is the default, and its silence holds up no call."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import (
    AbortError,
    AuthenticationError,
    ConfigurationError,
    LLMError,
    LLMTimeoutError,
    NetworkError,
    ProviderUnavailableError,
)
from responses_emulator import Emulator, Say, TerminalFields, Turn, openai_surface
from responses_emulator.facts.server_model_lists import SERVER_MODEL_LISTS
from responses_emulator.service.surface import Exchange, Surface, json_reply
from responses_emulator.transport.server import Reply

from tests.support.backends import BACKENDS
from tests.support.session import Session, other_tasks, picture, user

BACKEND = next(row for row in BACKENDS if row.name == "openai-v2")
_keys = (f"sk-other-server-{number:06}-{time.monotonic_ns()}" for number in itertools.count())

Open = Callable[..., Awaitable[Session]]


@pytest.fixture
async def open_server() -> AsyncIterator[Open]:
    """Opens sessions at a server with this model list, each with another key, so that none shares what it knows."""
    opened: list[Session] = []

    async def open_one(model_list: object, *, at: Session | None = None, **settings: Any) -> Session:
        key = at.provider.config["api_key"] if at else next(_keys)
        surface = (
            model_list if isinstance(model_list, Surface) else openai_surface(any_model=True, model_list=model_list)
        )
        emulator = at.emulator if at else Emulator(surfaces=(surface,)).start()
        config = {"base_url": emulator.base_url, "api_key": key, "min_retry_delay": 0.01, **settings}
        opened.append(await Session(BACKEND, emulator).mount(config))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.cleanup()
    assert not other_tasks()
    for each in opened:
        each.emulator.stop()


def listing(*replies: Any, delay_s: float = 0.0) -> Surface:
    """A server whose model list gives these replies, and then its usual one; each after a delay."""
    usual = openai_surface(any_model=True, model_list={"data": ["tiny"]})
    route = next(route for route in usual.routes if route.path == "/models")
    queue = list(replies)

    async def reply(exchange: Exchange) -> Any:
        await asyncio.sleep(delay_s)
        return queue.pop(0) if queue else await route.handler(exchange)

    return replace(usual, routes=(replace(route, handler=reply), *usual.routes))


def list_requests(session: Session) -> int:
    return sum(request.path.endswith("/models") for request in session.emulator.requests)


@pytest.mark.parametrize(
    ("server", "model", "window", "output", "vision"),
    [
        ("vllm", "tiny", 2048, 1024, False),
        ("llama.cpp", "models/tiny-chat.gguf", 4096, 2048, False),
        ("litellm", "deepseek-bridged", 131_072, 65_536, False),
        ("openrouter", "maker/thinker", 180_000, 64_000, True),
        ("transformers", "tiny-chat", 128_000, 16_384, False),
    ],
)
async def test_what_the_server_tells_counts_after_the_first_call(
    open_server: Open, server: str, model: str, window: int, output: int, vision: bool
) -> None:
    session = await open_server(SERVER_MODEL_LISTS[server], default_model=model)
    assert session.emulator.requests == [], "mounting asks nobody"
    await session.ask("hello")
    for _ in range(2):
        info, described = session.provider.get_info(), session.provider.get_model_info()
        assert (described.context_window, described.max_output_tokens) == (window, output)
        assert (info.defaults["context_window"], info.defaults["max_output_tokens"]) == (window, output)
        assert ("vision" in info.capabilities) is ("vision" in described.capabilities) is vision
        listed = {each.id: each for each in await session.provider.list_models()}
        assert (listed[model].context_window, listed[model].max_output_tokens) == (window, output)
    await session.ask("hello")
    assert list_requests(session) == 1, "once"


async def test_a_picture_is_not_sent_to_a_model_that_the_server_calls_blind(open_server: Open) -> None:
    session = await open_server(SERVER_MODEL_LISTS["llama.cpp"], default_model="models/tiny-chat.gguf")
    await session.ask(user("What is this?", picture()))
    assert "input_image" not in str(session.body), "already in the first call"
    assert any("image" in line for line in session.recorder.one("llm:request")["dropped"])
    sighted = await open_server(SERVER_MODEL_LISTS["openrouter"], default_model="maker/thinker")
    await sighted.ask(user("What is this?", picture()))
    assert "input_image" in str(sighted.body)


async def test_the_list_is_shared_with_the_session_of_a_sub_agent(open_server: Open) -> None:
    first = await open_server(SERVER_MODEL_LISTS["vllm"], default_model="tiny")
    await first.ask("hello")
    second = await open_server(None, at=first, default_model="tiny")
    assert second.provider.get_model_info().context_window == 2048
    await second.ask("hello")
    assert list_requests(second) == 1


async def test_the_user_knows_better_than_the_server(open_server: Open) -> None:
    info = {"tiny": {"context_window": 1500, "vision": True}}
    session = await open_server(SERVER_MODEL_LISTS["vllm"], default_model="tiny", model_info=info)
    await session.ask("hello")
    assert list_requests(session) == 0, "nothing is left to ask"
    listed = (await session.provider.list_models())[0]
    for model in (session.provider.get_model_info(), listed):
        assert (model.context_window, model.max_output_tokens) == (1500, 1024)
        assert "vision" in model.capabilities


async def test_a_server_knows_better_than_our_tables(open_server: Open) -> None:
    rows = [{"id": "gpt-oss-20b", "max_model_len": 8192}, {"id": "openai/gpt-5.6-sol", "max_input_tokens": 50_000}]
    session = await open_server({"data": rows}, default_model="gpt-oss-20b")
    assert session.provider.get_model_info().context_window == 98_304
    models = {model.id: model for model in await session.provider.list_models()}
    assert session.provider.get_model_info().context_window == 8192
    assert models["openai/gpt-5.6-sol"].context_window == 50_000
    assert "high" in models["openai/gpt-5.6-sol"].defaults["reasoning_efforts"], "the rest is that of our tables"


@pytest.mark.promise("a local model is taken for a model of OpenAI", area="hazard")
async def test_the_only_model_of_a_server_is_its_default(open_server: Open) -> None:
    session = await open_server(SERVER_MODEL_LISTS["llama.cpp"])
    assert session.provider.default_model == ""
    assert session.provider.get_model_info().pricing is None
    session.emulator.script(Turn(Say("ok")))
    response = await session.ask("hello")
    assert session.body["model"] == session.provider.default_model == "models/tiny-chat.gguf"
    assert response.usage.cost_usd is None
    assert session.provider.spent_usd == 0
    assert session.provider.get_model_info().context_window == 4096


async def test_a_server_with_several_models_names_them(open_server: Open) -> None:
    session = await open_server(SERVER_MODEL_LISTS["litellm"])
    with pytest.raises(ConfigurationError, match=r"set default_model.*bridged, deepseek-bridged") as caught:
        await session.ask("hello")
    assert "embedder" not in str(caught.value)
    assert session.recorder.one("llm:response")["error_type"] == "ConfigurationError"
    assert session.sent == 0
    await session.ask("hello", model="bridged")
    assert session.body["model"] == "bridged"


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (json_reply({"detail": "Not Found"}, status=404), ConfigurationError, "set default_model"),
        (json_reply({"hello": "world"}), ConfigurationError, "set default_model"),
        (json_reply({"data": []}), ConfigurationError, "set default_model; the service lists none"),
        (json_reply({"error": {"message": "no"}}, status=401), AuthenticationError, "no"),
        (json_reply({"error": {"message": "down"}}, status=503), ProviderUnavailableError, "down"),
    ],
    ids=["no such page", "not a list", "an empty list", "wrong key", "down"],
)
async def test_without_a_list_the_error_says_what_to_do(
    open_server: Open, caplog: pytest.LogCaptureFixture, reply: Reply, kind: type[LLMError], says: str
) -> None:
    session = await open_server(listing(*[reply] * (2 if reply.status == 503 else 1)))
    with pytest.raises(kind, match=says) as caught:
        await session.ask("hello")
    assert caught.value.provider == "openai-v2"
    assert "agent work" not in caplog.text, "the error says it"
    await session.ask("and now?")  # a call that needs the list asks again at once
    assert session.body["model"] == "tiny"


async def test_a_server_that_is_down_is_named_and_not_the_setting(open_server: Open) -> None:
    session = await open_server({"data": ["tiny"]})
    session.emulator.stop()
    with pytest.raises(NetworkError, match="cannot reach"):
        await session.ask("hello")


async def test_a_list_that_hangs_holds_up_no_call(open_server: Open) -> None:
    session = await open_server(listing(delay_s=600), default_model="tiny")
    for _ in range(3):
        assert (await session.ask("hello")).text
    assert list_requests(session) <= 2, "not for every call"
    assert not other_tasks(), "the call takes the request for the list with it"


@pytest.mark.parametrize("status", [404, 500, 401])
async def test_a_missing_list_costs_no_call(open_server: Open, status: int) -> None:
    replies = [json_reply({"error": {"message": "no"}}, status=status)] * 8
    session = await open_server(listing(*replies), default_model="tiny")
    for _ in range(3):
        assert (await session.ask("hello")).text
    assert list_requests(session) <= 2


async def test_a_call_that_needs_the_list_keeps_its_time_limit(open_server: Open) -> None:
    session = await open_server(listing(delay_s=600))
    with pytest.raises(LLMTimeoutError, match=r"0\.2 s"):
        await session.ask("hello", timeout=0.2)


async def test_a_cancelled_call_takes_the_request_for_the_list_with_it(open_server: Open) -> None:
    session = await open_server(listing(delay_s=600), default_model="tiny")
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: list_requests(session))
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    assert not other_tasks()


async def test_a_call_that_waits_for_the_list_ends_with_its_session(open_server: Open) -> None:
    session = await open_server(listing(delay_s=600))
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: list_requests(session))
    session.coordinator.cancellation.request_immediate()
    with pytest.raises(AbortError):
        await call
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    assert not other_tasks()


async def test_the_models_of_openai_need_no_list(open_server: Open) -> None:
    session = await open_server({"data": []}, default_model="gpt-5.6-sol")
    await session.ask("hello")
    await session.ask("hello", model="openai/gpt-6-luna")
    assert list_requests(session) == 0


@pytest.mark.promise("a gateway's cost is ignored", area="hazard")
@pytest.mark.parametrize(
    ("reported", "cost"), [({"cost": 0.002916}, "0.002916"), ({"cost": "0.25"}, "0.25"), ({}, None)]
)
async def test_the_cost_that_a_gateway_reports_is_the_cost(
    open_server: Open, reported: dict[str, Any], cost: str | None
) -> None:
    session = await open_server(SERVER_MODEL_LISTS["litellm"], default_model="deepseek-bridged")
    usage = {"input_tokens": 299, "output_tokens": 86, "total_tokens": 385, **reported}
    session.emulator.script(Turn(Say("ok"), TerminalFields({"usage": usage, "model": "deepseek-reasoner"})))
    response = await session.ask("hello")
    assert response.usage.cost_usd == (None if cost is None else Decimal(cost))
    assert session.provider.spent_usd == Decimal(cost or 0)


async def test_a_model_that_the_server_ends_is_announced_once(
    open_server: Open, caplog: pytest.LogCaptureFixture
) -> None:
    today = datetime.now(UTC).date()
    days = {"soon": today + timedelta(days=10), "gone": today - timedelta(days=3), "later": today + timedelta(days=90)}
    rows = [{"id": name, "shutdown_date": day.isoformat()} for name, day in days.items()]
    session = await open_server({"data": [*rows, {"id": "stays", "shutdown_date": None}]}, default_model="soon")
    with caplog.at_level(logging.WARNING):
        for model in (*days, "stays", *days):
            await session.ask("hello", model=model)
    warnings = [record.getMessage() for record in caplog.records if "says that the model" in record.getMessage()]
    assert len(warnings) == 2
    assert f"soon ends on {days['soon']}" in warnings[0]
    assert f"gone ended on {days['gone']}" in warnings[1]
    names = {model.id: model.display_name for model in await session.provider.list_models()}
    assert names["soon"] == f"soon (ends on {days['soon']})"
    assert names["gone"] == f"gone (ended on {days['gone']})"
    assert (names["later"], names["stays"]) == ("later", "stays")
    assert session.provider.describe_shutdown() == f"ends on {days['soon']}"
