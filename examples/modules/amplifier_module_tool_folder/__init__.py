"""Two tools for an Amplifier session: list a folder, and read a text file, both below one folder only.

Invariant: nothing outside of that folder is looked at, also not through `..` or a symbolic link. Hidden files stay
hidden: that is where keys and tokens are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from amplifier_core.models import ToolResult

__amplifier_module_type__ = "tool"
__all__ = ["ListFolder", "ReadFile", "Refused", "inside", "mount"]

MAX_ENTRIES = 200
MAX_LINES = 400
MAX_CHARACTERS = 32_000
MAX_FILE_BYTES = 4_000_000

_DULL = frozenset({"__pycache__", "node_modules"})


class Refused(Exception):
    """Why a path cannot be had, in words for the model."""


def inside(root: Path, path: str) -> Path:
    """The real place of a path that a model gave.

    Raises:
        Refused: it is not below `root`, hidden, or not there.
    """
    shown = path or "."
    try:
        real = (root / shown).resolve(strict=True)
    except FileNotFoundError:
        # Whether something exists outside is nobody's business either.
        real = (root / shown).resolve()
        if real.is_relative_to(root.resolve()):
            raise Refused(f"{shown} does not exist") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused(f"{shown!r} is not a usable path: {error}") from None
    if not real.is_relative_to(root.resolve()):
        raise Refused(f"{shown} is outside of the current folder, which is all that may be looked at")
    if any(part.startswith(".") for part in real.relative_to(root.resolve()).parts):
        raise Refused(f"{shown} is hidden, and hidden files are not shown")
    return real


class _FolderTool:
    """What both tools share: a path in, text or a reason out, and no blocking of the event loop."""

    name: ClassVar[str]
    description: ClassVar[str]
    input_schema: ClassVar[dict[str, Any]]

    def __init__(self, root: Path) -> None:
        self._root = root

    async def execute(self, input: dict[str, Any]) -> ToolResult:  # noqa: A002 - the kernel's name for it
        """Run the tool; every failure is a result."""
        try:
            return ToolResult(output=await asyncio.to_thread(self._run, input))
        except (Refused, OSError) as error:
            return ToolResult(success=False, error={"message": str(error)})

    def _run(self, arguments: Mapping[str, Any]) -> str:
        raise NotImplementedError


class ListFolder(_FolderTool):
    """Names of files and folders, folders with a slash."""

    name = "list_folder"
    description = "List the files and folders in a folder below the current one. Folders end with a slash."
    input_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"path": {"type": "string", "description": "folder, relative to the current one; default ."}},
        "additionalProperties": False,
    }

    def _run(self, arguments: Mapping[str, Any]) -> str:
        path = str(arguments.get("path") or ".")
        folder = inside(self._root, path)
        if not folder.is_dir():
            raise Refused(f"{path} is a file: use read_file")
        shown = [each for each in folder.iterdir() if not each.name.startswith(".") and each.name not in _DULL]
        shown.sort(key=lambda each: (not each.is_dir(), each.name.lower()))
        lines = [each.name + ("/" if each.is_dir() else "") for each in shown[:MAX_ENTRIES]]
        if len(shown) > MAX_ENTRIES:
            lines.append(f"(and {len(shown) - MAX_ENTRIES} more)")
        return "\n".join(lines) or "(an empty folder)"


class ReadFile(_FolderTool):
    """The text of a file, a page at a time."""

    name = "read_file"
    description = (
        f"Read a text file below the current folder, at most {MAX_LINES} lines at a time. "
        "Where more follows the last line says so: call again with a later starting_line."
    )
    input_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "file, relative to the current folder"},
            "starting_line": {"type": "integer", "minimum": 1, "description": "first line to read; default 1"},
        },
        "required": ["path"],
        "additionalProperties": False,
    }

    def _run(self, arguments: Mapping[str, Any]) -> str:
        path = str(arguments.get("path") or "")
        if not path:
            raise Refused("path is missing")
        lines = _lines_of(inside(self._root, path), path)
        first = arguments.get("starting_line") or 1
        if not isinstance(first, int) or not 1 <= first <= max(1, len(lines)):
            raise Refused(f"starting_line must be a number from 1 to {max(1, len(lines))}")
        return _page(lines, first) or "(an empty file)"


def _lines_of(file: Path, path: str) -> list[str]:
    if file.is_dir():
        raise Refused(f"{path} is a folder: use list_folder")
    # Pipes and devices are not regular files: reading one might never end.
    if not file.is_file():
        raise Refused(f"{path} is not a regular file")
    if (size := file.stat().st_size) > MAX_FILE_BYTES:
        raise Refused(f"{path} is too large: {size:,} bytes, and {MAX_FILE_BYTES:,} is the limit")
    content = file.read_bytes()
    if b"\0" in content:
        raise Refused(f"{path} is not a text file")
    return content.decode("utf-8", errors="replace").splitlines()


def _page(lines: list[str], first: int) -> str:
    page: list[str] = []
    left = MAX_CHARACTERS
    for line in lines[first - 1 : first - 1 + MAX_LINES]:
        left -= len(line) + 1
        if left < 0 and page:
            break
        page.append(line[:MAX_CHARACTERS])
    after = first + len(page)
    if after <= len(lines):
        page.append(f"(lines {first} to {after - 1} of {len(lines)}; go on with starting_line {after})")
    return "\n".join(page)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> None:
    """Mount both tools. Config: `root`, the folder (default: the current one)."""
    root = Path((config or {}).get("root") or Path.cwd())
    for tool in (ListFolder(root), ReadFile(root)):
        await coordinator.mount("tools", tool, name=tool.name)
