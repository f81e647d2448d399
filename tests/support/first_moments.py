"""Print, as JSON, what a process has imported after each step of a session's start: a program for a fresh process.

The arguments are the package of a module and its settings as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys

from amplifier_core.message_models import ChatRequest, Message
from amplifier_core.testing import MockCoordinator

PACKAGES = ("aiohttp", "openai", "httpx", "httpx2", "keyring", "msal", "openai_responses_common.engine.engine")


def list_imported() -> list[str]:
    return [name for name in PACKAGES if name in sys.modules]


async def main(package: str, settings: str) -> None:
    module = importlib.import_module(package)
    coordinator = MockCoordinator()
    await module.mount(coordinator, json.loads(settings))
    steps = {"mounted": list_imported()}
    await module.on_session_ready(coordinator)
    steps["ready"] = list_imported()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    steps["prepared"] = list_imported()
    (provider,) = coordinator.get("providers").values()
    await provider.list_models()
    steps["listed"] = list_imported()
    await provider.complete(ChatRequest(messages=[Message(role="user", content="hello")]))
    steps["called"] = list_imported()
    print(json.dumps(steps), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    os._exit(0)  # the threads of amplifier-core 2.0.2 can abort a Python that is shutting down
