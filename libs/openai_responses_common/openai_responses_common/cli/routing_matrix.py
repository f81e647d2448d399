"""Prints the routing matrix of a module, or copies it to the folder in which the host looks for matrices.

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
    """Return the text of the matrix in a module's package."""
    return resources.files(package).joinpath(_MATRIX_FILE).read_text(encoding="utf-8")


def install_matrix(name: str, text: str, *, force: bool = False) -> Result:
    """Write a matrix to the host's folder; leaves a different matrix of that name alone.

    Args:
        name: the name of the matrix, which is also that of the file.
        text: the matrix.
        force: True to replace a different matrix. False by default.

    Raises:
        OSError: the file cannot be written.
        ValueError: there is no home directory.
    """
    try:
        path = Path(_MATRIX_FOLDER).expanduser() / f"{name}.yaml"
    except RuntimeError:
        raise ValueError(f"there is no home directory for {_MATRIX_FOLDER}: redirect the output to a file") from None
    use = {"use it": f"amplifier routing use {name}"}
    if path.is_file() and not force:
        if path.read_text(encoding="utf-8") != text:
            return Result(summary=f"{path} differs and was not changed. Use --force to replace it.", ok=False)
        return Result(summary=f"{path} is already up to date.", details=use)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Result(summary=f"Written to {path}.", details=use)


def build_routing_command(
    package: str,
    name: str,
    *,
    build_matrix: Callable[[argparse.Namespace], str] | None = None,
) -> Command:
    """Return the command `routing` of a module.

    Args:
        package: the module's package, which holds the matrix.
        name: the host's name for the matrix.
        build_matrix: builds the matrix from the arguments. None, by default, uses the matrix of the package unchanged.
    """

    def run(arguments: argparse.Namespace) -> Result:
        matrix = build_matrix(arguments) if build_matrix else read_matrix(package)
        if arguments.install:
            return install_matrix(name, matrix, force=arguments.force)
        return Result(summary=matrix.rstrip("\n"))

    def add_options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--install", action="store_true", help=f"write it to {_MATRIX_FOLDER}/{name}.yaml instead")
        parser.add_argument("--force", action="store_true", help="replace a different file of that name")

    return Command(name="routing", help="print a routing matrix for these models", run=run, add_options=add_options)
