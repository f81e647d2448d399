"""One contender in a separate process: `python -m benchmarks.worker NAME`, JSON lines in and out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping

from .contenders import Contender, Limit, Provider, azure_settings, chatgpt_settings, key_settings
from .others import LangChain, PydanticAi, Sdk
from .runs import RUNS

CONTENDERS: Mapping[str, Callable[[], Contender]] = {
    "limit": Limit,
    "openai-v2": lambda: Provider("provider-openai-v2", key_settings),
    "azure-openai-v2": lambda: Provider("provider-azure-openai-v2", azure_settings),
    "chatgpt-oauth": lambda: Provider("provider-chatgpt-oauth", chatgpt_settings),
    "openai": Sdk,
    "langchain-openai": LangChain,
    "pydantic-ai": PydanticAi,
}


async def work(name: str) -> None:
    """Do what standard input says until it ends."""
    made = CONTENDERS.get(name)
    contender = made() if made else Provider(name, key_settings)
    opened = ("", "")
    while line := sys.stdin.readline():
        command = json.loads(line)
        if (command["url"], command["hooks"]) != opened:
            opened = command["url"], command["hooks"]
            await contender.open(command["url"], hooks=command["hooks"])
        print(json.dumps(await RUNS[command["run"]](contender, command["url"])), flush=True)
    await contender.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
