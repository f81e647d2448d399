"""A provider's first moments in a fresh process: `python -m benchmarks.cold NAME URL` prints what they cost, as JSON.

The host has loaded `amplifier_core` by then; what is measured comes on top: importing the module, and `mount()`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from importlib.metadata import entry_points

import amplifier_core
from amplifier_core.testing import MockCoordinator

SETTINGS = {
    "openai-v2": lambda url: {"base_url": f"{url}/v1", "api_key": "sk-benchmark"},
    "azure-openai-v2": lambda url: {"azure_endpoint": url, "api_key": "sk-benchmark"},
    "chatgpt-oauth": lambda url: {"base_url": url, "token_store": "file", "token_file_path": "absent.json"},
}


def measured(name: str, url: str) -> dict[str, float]:
    """Milliseconds of processor and of wall time, modules loaded, and whether the SDK is among them."""
    assert amplifier_core
    coordinator = MockCoordinator()
    found = entry_points(group="amplifier.modules", name=f"provider-{name}" if name in SETTINGS else name)
    before, loaded = (time.process_time(), time.perf_counter()), len(sys.modules)
    if name == "openai":
        from openai import AsyncOpenAI

        AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-benchmark")
    else:
        settings = SETTINGS.get(name, SETTINGS["openai-v2"])(url)
        (module,) = found
        asyncio.run(module.load()(coordinator, settings))
    after = time.process_time(), time.perf_counter()
    return {
        "cpu_ms": (after[0] - before[0]) * 1000,
        "wall_ms": (after[1] - before[1]) * 1000,
        "modules": len(sys.modules) - loaded,
        "sdk": float("openai" in sys.modules),
    }


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], sys.argv[2])))
