"""Sessions of the real kernel with its loader, on the modules of this checkout and the orchestrator of `examples/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from amplifier_core import AmplifierSession, module_sources
from amplifier_core.module_sources import ModuleSource

from tests.support.backends import ROOT
from tests.support.session import Recorder

EXAMPLES = ROOT / "examples" / "modules"


class Folder(ModuleSource):
    """A source that loads a module from a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resolve(self) -> Path:
        return self.path


class Checkout:
    """Loads modules from this checkout. With `by_path` that includes those under test, else entry points load them."""

    def __init__(self, *, by_path: bool) -> None:
        self.by_path = by_path

    def resolve(self, module_id: str, source_hint: object = None, profile_hint: object = None) -> ModuleSource:
        if (EXAMPLES / f"amplifier_module_{module_id.replace('-', '_')}").is_dir():
            return Folder(EXAMPLES)
        if self.by_path:
            return Folder(ROOT / "modules" / module_id)
        raise module_sources.ModuleNotFoundError(module_id)


class Kernel:
    """A session of the real kernel, with a recorder on it.

    Args:
        providers: rows of the mount plan.
        by_path: whether to load the providers from their folders, which validates them, instead of by entry points.
            The default is yes.
        parent: the session that this one is a child of. By default there is none.
    """

    def __init__(self, providers: list[dict[str, Any]], *, by_path: bool = True, parent: Kernel | None = None) -> None:
        self.by_path = by_path
        plan = {
            "session": {
                "orchestrator": {"module": "loop-chat"},
                "context": {"module": "context-chat", "config": {"system": "Use your tools."}},
            },
            "providers": providers,
            "tools": [{"module": "tool-calculate"}],
        }
        self.session: Any = AmplifierSession(plan, parent_id=parent.session.session_id if parent else None)
        self.coordinator: Any = self.session.coordinator
        self.recorder = Recorder(self.coordinator.hooks)

    async def start(self) -> Kernel:
        """Load and mount everything."""
        await self.coordinator.mount("module-source-resolver", Checkout(by_path=self.by_path))
        await self.session.initialize()
        return self

    @property
    def providers(self) -> dict[str, Any]:
        """The mounted providers by name."""
        return self.coordinator.get("providers")

    async def cost(self) -> Decimal:
        """Return the cost that the session reports, in US dollars."""
        reports = await self.coordinator.collect_contributions("session.cost")
        return sum((Decimal(str(each["cost_usd"])) for each in reports if each), Decimal(0))


Start = Callable[..., Awaitable[Kernel]]
"""Starts a session on rows of a mount plan; by default on one provider of the backend under test."""
