"""A provider's first moments in a fresh process: `python -m benchmarks.cold RUN NAME URL SETTINGS` prints them as JSON.

The host has loaded `amplifier_core` by then; what is measured comes on top. So nothing here may import more.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, float]
Settings: TypeAlias = dict[str, Any]

PAUSE_S = 0.5
"""What passes in a quick host between a session that is ready and its first call."""


def mounting(name: str, url: str, settings: Settings) -> Record:
    """Milliseconds of processor and of wall time, modules loaded, and whether the SDK is among them."""
    from amplifier_core.testing import MockCoordinator

    coordinator = MockCoordinator()
    before, loaded = (time.process_time(), time.perf_counter()), len(sys.modules)
    if name == "openai":
        from openai import AsyncOpenAI

        AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-benchmark")
    else:
        asyncio.run(_mount(name, coordinator, settings))
    after = time.process_time(), time.perf_counter()
    return {
        "cpu_ms": (after[0] - before[0]) * 1000,
        "wall_ms": (after[1] - before[1]) * 1000,
        "modules": len(sys.modules) - loaded,
        "sdk": float("openai" in sys.modules),
    }


def first_delta(name: str, url: str, settings: Settings) -> Record:
    """A call right after mounting, until its first delta."""
    return asyncio.run(_first_delta(name, url, settings, is_ready=False))


def prepared_delta(name: str, url: str, settings: Settings) -> Record:
    """The same where the host has said that the session is ready, and the user has taken a moment to write."""
    return asyncio.run(_first_delta(name, url, settings, is_ready=True))


def model_list(name: str, url: str, settings: Settings) -> Record:
    """The first model list right after mounting; of the SDK its client's."""
    return asyncio.run(_model_list(name, url, settings))


RUNS: Mapping[str, Callable[[str, str, Settings], Record]] = {
    "cold": mounting,
    "first delta": first_delta,
    "prepared delta": prepared_delta,
    "model list": model_list,
}


async def _mount(name: str, coordinator: Any, settings: Settings) -> Any:
    """Do what a host does; gives the module."""
    ours = entry_points(group="amplifier.modules", name=f"provider-{name}")
    (found,) = ours or entry_points(group="amplifier.modules", name=name)
    await found.load()(coordinator, settings)
    return importlib.import_module(found.module)


async def _first_delta(name: str, url: str, settings: Settings, *, is_ready: bool) -> Record:
    from amplifier_core.testing import MockCoordinator

    from .contenders import Aiohttp, Httpx2, Listener, request
    from .conversation import Asked
    from .others import Sdk

    if bare := {"limit": Httpx2, "aiohttp": Aiohttp, "openai": Sdk}.get(name):
        return await _bare_delta(bare, url)
    asked, listener = request([Asked("talk")]), Listener(MockCoordinator())
    module = await _mount(name, listener, settings)
    if is_ready:
        if hasattr(module, "on_session_ready"):
            await module.on_session_ready(listener)
        await asyncio.sleep(PAUSE_S)
    (provider,) = listener.get("providers").values()
    return await _time_delta(listener, lambda: provider.complete(asked))


async def _bare_delta(build: Callable[[], Any], url: str) -> Record:
    from .contenders import Bare
    from .conversation import Asked

    asked, heard = Bare().history([Asked("talk")]), _Heard()

    async def call() -> None:
        contender = build()
        contender.hear = heard.hear
        await contender.open(url, hooks="none", settings={})
        await contender.ask(asked)
        await contender.close()

    return await _time_delta(heard, call)


class _Heard:
    hear: Callable[[str], None]


async def _time_delta(contender: Any, call: Callable[[], Awaitable[object]]) -> Record:
    arrived: list[float] = []
    contender.hear = lambda _: arrived.append(time.perf_counter())
    before = time.perf_counter(), time.process_time()
    await call()
    return {
        "delta_ms": (arrived[0] - before[0]) * 1000,
        "cpu_ms": (time.process_time() - before[1]) * 1000,
        "sdk": float("openai" in sys.modules),
    }


async def _model_list(name: str, url: str, settings: Settings) -> Record:
    from amplifier_core.testing import MockCoordinator

    coordinator = MockCoordinator()
    if name == "openai":
        before = time.perf_counter()
        from openai import AsyncOpenAI

        await AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-benchmark").models.list()
    else:
        await _mount(name, coordinator, settings)
        (provider,) = coordinator.get("providers").values()
        before = time.perf_counter()
        await provider.list_models()
    return {"wall_ms": (time.perf_counter() - before) * 1000, "sdk": float("openai" in sys.modules)}


if __name__ == "__main__":
    import amplifier_core

    assert amplifier_core
    print(json.dumps(RUNS[sys.argv[1]](sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))))
