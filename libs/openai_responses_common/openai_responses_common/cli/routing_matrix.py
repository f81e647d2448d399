"""The routing matrix that a module carries: printed, or copied to where the host looks for matrices.

Source: amplifier-app-cli reads `~/.amplifier/routing/NAME.yaml`, and prefers it to a stock matrix of the same name
(seen 2026-11-21).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from .commands import Command, Result

_MATRIX_FOLDER = "~/.amplifier/routing"
_MATRIX_FILE = "routing.yaml"


def read_matrix(package: str) -> str:
    """The matrix in a module's package, as it is written there."""
    return resources.files(package).joinpath(_MATRIX_FILE).read_text(encoding="utf-8")


def install_matrix(name: str, text: str, *, force: bool = False) -> Result:
    """Put a matrix where the host looks; one of that name that says something else stays, unless `force`.

    Raises:
        OSError: it cannot be written.
    """
    path = Path(_MATRIX_FOLDER).expanduser() / f"{name}.yaml"
    use = {"use it": f"amplifier routing use {name}"}
    if path.is_file() and not force:
        if path.read_text(encoding="utf-8") != text:
            return Result(summary=f"{path} says something else and was left alone; --force replaces it.", ok=False)
        return Result(summary=f"{path} is there already.", details=use)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return Result(summary=f"Written to {path}.", details=use)


def build_routing_command(
    package: str,
    name: str,
    *,
    build_matrix: Callable[[argparse.Namespace], str] | None = None,
) -> Command:
    """The command `routing` of a module.

    Args:
        package: whose matrix it is.
        name: what the host calls the matrix, and its file.
        text: makes the matrix from the arguments, where it is not simply that of the package.
    """

    def run(arguments: argparse.Namespace) -> Result:
        matrix = build_matrix(arguments) if build_matrix else read_matrix(package)
        if arguments.install:
            return install_matrix(name, matrix, force=arguments.force)
        return Result(summary=matrix.rstrip("\n"))

    def options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--install", action="store_true", help=f"copy it to {_MATRIX_FOLDER}/{name}.yaml instead")
        parser.add_argument("--force", action="store_true", help="also over another file of that name")

    return Command(name="routing", help="print a routing matrix for these models", run=run, add_options=options)
