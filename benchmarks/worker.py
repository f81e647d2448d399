"""One contender in a separate process: `python -m benchmarks.worker NAME`, JSON lines in and out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .contenders import (
    SETTINGS,
    Aiohttp,
    Contender,
    Httpx2,
    Provider,
    WebSockets,
    key_settings,
)
from .others import LangChain, PydanticAi, Sdk
from .runs import RUNS
from .service import allow_many_connections

CONTENDERS: Mapping[str, Callable[[], Contender]] = {
    "limit": Httpx2,
    "aiohttp": Aiohttp,
    "websockets": WebSockets,
    **{name.removeprefix("provider-"): partial(Provider, name, settings) for name, settings in SETTINGS.items()},
    "openai": Sdk,
    "langchain-openai": LangChain,
    "pydantic-ai": PydanticAi,
}


async def work(name: str) -> None:
    """Do what standard input says until it ends."""
    made = CONTENDERS.get(name)
    contender = made() if made else Provider(name, key_settings)
    opened: Any = None
    allow_many_connections()
    while line := sys.stdin.readline():
        command = json.loads(line)
        wanted = {key: command[key] for key in ("url", "hooks", "settings")}
        if wanted != opened:
            opened = wanted
            await contender.open(command["url"], hooks=command["hooks"], settings=command["settings"])
        print(json.dumps(await RUNS[command["run"]](contender, command["url"])), flush=True)
    await contender.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
