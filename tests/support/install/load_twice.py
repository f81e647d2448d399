"""Load modules from their folders with the kernel's loader, twice in one process, and say what was mounted."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from amplifier_core.loader import ModuleLoader
from amplifier_core.testing import MockCoordinator


class Folder:
    """A module source, and the resolver of every module to it."""

    def __init__(self, modules: Path) -> None:
        self.modules = modules
        self.path = modules

    def resolve(self, module_id: str | None = None, **hints: Any) -> Any:
        if module_id is None:
            return self.path
        source = Folder(self.modules)
        source.path = self.modules / module_id
        return source


async def session(modules: Path, names: list[str]) -> list[str]:
    coordinator = MockCoordinator()
    await coordinator.mount("module-source-resolver", Folder(modules))
    loader = ModuleLoader(coordinator)
    for name in names:
        mount = await loader.load(name, {})
        cleanup = await mount(coordinator)
        assert cleanup is not None
    mounted = sorted(coordinator.get("providers"))
    loader.cleanup()
    return mounted


async def main(modules: Path, names: list[str]) -> None:
    mounted = [await session(modules, names), await session(modules, names)]
    files = sorted(str(module.__file__) for name, module in sys.modules.items() if name.startswith("amplifier_module_"))
    print(json.dumps({"mounted": mounted, "files": files}))


asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
sys.stdout.flush()
os._exit(0)  # the threads of amplifier-core 2.0.2 can abort a Python that is shutting down
