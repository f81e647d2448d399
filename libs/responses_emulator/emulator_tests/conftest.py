"""The client of the SDK on the emulator of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI
from responses_emulator import Emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncOpenAI]:
    """The asynchronous client of the `openai` package, without retries."""
    async with AsyncOpenAI(base_url=emulator.base_url, api_key="sk-test", max_retries=0) as made:
        yield made
