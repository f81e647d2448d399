"""The command line of a module: `SCRIPT status | login | logout | routing`.

A module supplies its functions. This file parses the arguments, and prints results and errors, the same for every
module. The result of a command goes to standard output and everything else to standard error, as plain text without
colours. Exit codes: 0; 1 if the result is negative and for errors; 2 for wrong arguments; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from amplifier_core.llm_errors import LLMError

from ..auth.store.record import StoreError
from ..wire.plain_text import join_lines, remove_controls
from .settings import add_setting_options

_EXIT_USAGE = 2  # as argparse
_EXIT_INTERRUPTED = 130
_library_logger = logging.getLogger(__name__.partition(".")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a command.

    Attributes:
        summary: the result in one sentence, or a document.
        details: the rows below it, each with its name and one line or several. Empty by default.
        ok: False if the result is negative, which is exit code 1. True by default.
    """

    summary: str
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    ok: bool = True


def _add_no_options(parser: argparse.ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a module.

    Attributes:
        name: what the user types.
        help: what the command does, in one line.
        run: runs the command, blocking. It raises an error of the kernel, a `StoreError`, an `OSError` or a
            `ValueError` with a text for the user.
        add_options: adds the command's own options to its parser. The default adds none.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], Result]
    add_options: Callable[[argparse.ArgumentParser], None] = _add_no_options


def sign_out_result(locations: Sequence[str]) -> Result:
    """Return the result of `logout`.

    Args:
        locations: where tokens were deleted; empty if there were none.
    """
    if not locations:
        return Result(summary="There was no sign-in to delete.")
    return Result(summary=f"Signed out. The tokens were deleted from {' and '.join(locations)}.")


def run_command(
    commands: Sequence[Command],
    *,
    program: str,
    description: str,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the command that the arguments name, and return the exit code.

    Args:
        commands: the commands of the module; each also gets the options of `add_setting_options`.
        program: the line that starts the program, for its help; see `command_line`.
        description: what the command line is for, in one sentence.
        arguments: the arguments of the command line; None, by default, for those of the process.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parsers = parser.add_subparsers(metavar="command")
    for command in commands:
        command_parser = parsers.add_parser(command.name, help=command.help, description=command.help)
        add_setting_options(command_parser)
        command.add_options(command_parser)
        command_parser.set_defaults(run=command.run)
    parsed_arguments = parser.parse_args(arguments)
    if not hasattr(parsed_arguments, "run"):
        parser.print_help(sys.stderr)
        sys.exit(_EXIT_USAGE)
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(_LogFormatter())
    log.setLevel(logging.WARNING)
    _library_logger.addHandler(log)
    try:
        result: Result = parsed_arguments.run(parsed_arguments)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return _EXIT_INTERRUPTED
    except (LLMError, StoreError, OSError, ValueError) as error:
        _print_line(sys.stderr, f"error: {_join_lines(str(error))}")
        return 1
    finally:
        _library_logger.removeHandler(log)
    _print_line(sys.stdout, "\n".join(_format_result(result)))
    return 0 if result.ok else 1


def _print_line(stream: TextIO, text: str) -> None:
    """Print a text without controls. A character that the console cannot show becomes an escape."""
    encoding = stream.encoding or "utf-8"
    stream.write(remove_controls(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def _join_lines(text: str) -> str:
    """Return an error in one line, but keep the entries of a list, which two spaces begin."""
    lines = re.split(r"\n(?=  )", text.strip())
    return "\n  ".join(join_lines(line) for line in lines)


class _LogFormatter(logging.Formatter):
    """Writes a log record as a line that begins with its level, such as "warning: "."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {remove_controls(super().format(record))}"


def _format_result(result: Result) -> list[str]:
    width = max(map(len, result.details), default=0)
    lines = [result.summary]
    for name, text in result.details.items():
        first, *more = text.split("\n")
        lines += [f"  {name.ljust(width)}  {first}", *(f"  {' ' * width}  {line}" for line in more)]
    return lines
