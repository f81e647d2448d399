"""Say, as JSON, what a host sees of modules that cannot be used: a program for a process of its own.

The arguments are pairs: a package, and the class that hosts look up in it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Awaitable
from typing import Any

from amplifier_core.message_models import ChatRequest, Message
from amplifier_core.testing import MockCoordinator
from amplifier_core.validation import ProviderValidator

# What hosts that probe a constructor pass, in their order. Source: amplifier-app-cli f16375f, seen 2026-12-01.
PROBES: tuple[dict[str, Any], ...] = (
    {"api_key": "", "config": {}},
    {"base_url": "http://placeholder", "api_key": "", "config": {}},
    {"base_url": "http://placeholder", "config": {}},
    {"config": {}},
)
SETTINGS = {
    "default_model": "gpt-5.6-sol",
    "max_retries": 0,
    "api_key": "a-key",
    "base_url": "http://127.0.0.1:9/v1",
    "azure_endpoint": "http://127.0.0.1:9",
}


def construct(provider_class: Any) -> Any:
    for arguments in PROBES:
        try:
            return provider_class(**arguments)
        except TypeError:
            pass
    raise SystemExit("no constructor that hosts know")


async def catch(call: Awaitable[Any]) -> str:
    try:
        await call
    except Exception as error:  # noqa: BLE001  (whatever it is, it is reported)
        return f"{type(error).__name__}: {error}"
    return ""


async def load(package: str, class_name: str) -> dict[str, Any]:
    module = importlib.import_module(package)
    coordinator = MockCoordinator()
    cleanup = await module.mount(coordinator, {"priority": "7", **SETTINGS})
    ((name, provider),) = coordinator.get("providers").items()
    if "on_session_ready" in module.__all__:
        await module.on_session_ready(coordinator)
    report = {
        "missing": [name for name in module.__all__ if not hasattr(module, name)],
        "class": type(provider).__name__,
        "defined_in": type(provider).__module__,
        "name": name,
        "priority": provider.priority,
        "info": provider.get_info().id,
        "is_looked_up": isinstance(provider, getattr(module, class_name)),
        "validation": (await ProviderValidator().validate(package, config={})).summary(),
        "list_models": await catch(construct(getattr(module, class_name)).list_models()),
        "complete": await catch(provider.complete(ChatRequest(messages=[Message(role="user", content="hello")]))),
    }
    await cleanup()
    await cleanup()
    return report


async def main(words: list[str]) -> None:
    pairs = zip(words[::2], words[1::2], strict=True)
    print(json.dumps({package: await load(package, class_name) for package, class_name in pairs}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    os._exit(0)  # the threads of amplifier-core 2.0.2 can abort a Python that is shutting down
