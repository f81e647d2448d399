"""The command lines that errors and help texts ask a user to run."""

from __future__ import annotations


def command_line(module: str, command: str) -> str:
    """Return the line that runs a command of a module, such as `python -m PACKAGE login`.

    Args:
        module: the `__name__` of the module's package, or of any of its files.
        command: the name of the command.
    """
    return f"python -m {module.partition('.')[0]} {command}"
