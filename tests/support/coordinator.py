"""The kernel's test coordinator, made at a fraction of its cost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

from amplifier_core import ModuleCoordinator
from amplifier_core.testing import MockCoordinator

# The kernel makes two of these for each coordinator, which takes a tenth of the time of a test, and none is called.
_APPROVAL = AsyncMock(return_value={"approved": True})
_DISPLAY = AsyncMock()


class Coordinator(MockCoordinator):
    """A `MockCoordinator`; all of them share one approval system and one display."""

    def __new__(cls) -> Coordinator:
        session = SimpleNamespace(
            session_id="test-session",
            parent_id=None,
            config={"session": {"orchestrator": "test-orchestrator", "context": "test-context"}},
        )
        return cast(Any, ModuleCoordinator).__new__(cls, session, _APPROVAL, _DISPLAY)
