"""The OpenAI module mounted on any address, as a user configures it, with the events that it emits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from amplifier_core.message_models import ChatRequest

from tests.support.backends import BACKENDS
from tests.support.coordinator import Coordinator
from tests.support.session import PATIENCE_S, Recorder


@dataclass(slots=True)
class MountedProvider:
    """A mounted provider and the recorder of its events."""

    provider: Any
    recorder: Recorder

    async def ask(self, request: ChatRequest) -> Any:
        """Make a call. A call that hangs fails."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.provider.complete(request)


@asynccontextmanager
async def mount_at(base_url: str, **settings: Any) -> AsyncIterator[MountedProvider]:
    """Mount the module at an address, with short waits."""
    backend = next(row for row in BACKENDS if row.name == "openai-v2")
    coordinator: Any = Coordinator()
    recorder = Recorder(coordinator.hooks)
    waits = {"min_retry_delay": 0.01, "max_retry_delay": 0.02}
    cleanup = await backend.mount(coordinator, {"base_url": base_url, **waits, **settings})
    try:
        yield MountedProvider(coordinator.get("providers")[backend.name], recorder)
    finally:
        await cleanup()
