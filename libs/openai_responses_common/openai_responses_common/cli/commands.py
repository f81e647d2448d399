"""The command line of a module: `SCRIPT status | login | logout | routing`.

A module supplies its functions. This file parses the arguments, reads the settings, and prints results and errors, the
same for every module. The result of a command goes to standard output and everything else to standard error, as plain
text without colours. Exit codes: 0; 1 if the result is negative and for errors; 2 for wrong arguments; 130 after
Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TextIO

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest, Message

from ..auth.store.record import StoreError
from ..provider.provider import ResponsesProvider
from .host_settings import find_foreign_address, load_host_keys, read_host_config

_EXIT_INTERRUPTED = 130
_library_logger = logging.getLogger(__name__.partition(".")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a command.

    Attributes:
        summary: the result in one sentence, or a document.
        details: the lines below it, each with its name. Empty by default.
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


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the settings; see `read_settings`."""
    parser.add_argument(
        "--instance", metavar="ID", help="use the settings of this instance; its id, or the module if it has none"
    )
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="use this setting; may be repeated"
    )


def add_check_option(parser: argparse.ArgumentParser) -> None:
    """Add the option with which `status` also makes a call; see `make_short_call`."""
    parser.add_argument("--check", action="store_true", help="also make one short call, which costs a few tokens")


def make_short_call(provider: ResponsesProvider) -> str:
    """Make one short call, blocking, and return a sentence that names the model that responded.

    Tries a failure once more at most, because a user waits in front of a silent terminal. Closes the provider.

    Raises:
        LLMError: the call failed.
    """
    request = ChatRequest(messages=[Message(role="user", content="Answer with the word ok.")], max_output_tokens=200)

    async def call() -> str:
        try:
            response = await provider.complete(request, reasoning_effort="low", max_continuations=0, max_retries=1)
        finally:
            await provider.close()
        return str((response.metadata or {}).get("openai:model"))

    response_model = asyncio.run(call())
    return f"{provider.default_model} responds, served by {response_model}"


def describe_default_model(provider: ResponsesProvider) -> str:
    """Return the default model, and when the service ends it if that is near; sends nothing."""
    ending = provider.describe_shutdown()
    model = provider.default_model or "the only one that the server lists"
    return f"{model} ({ending})" if ending else model


def sign_out_result(locations: Sequence[str]) -> Result:
    """Return the result of `logout`.

    Args:
        locations: where tokens were deleted; empty if there were none.
    """
    if not locations:
        return Result(summary="There was no sign-in to delete.")
    return Result(summary=f"Signed out. The tokens were deleted from {' and '.join(locations)}.")


def read_settings(
    arguments: argparse.Namespace, module: str, *, service_hosts: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Any]:
    """Return the settings of a module: those of the host's files, replaced by those of `--set`.

    Args:
        arguments: the parsed command line.
        module: the module's id, such as `provider-openai-v2`.
        service_hosts: for a command that sends credentials, the service's own hosts by setting; see
            `find_foreign_address`. None, by default, for a command that sends none.

    Raises:
        ValueError: see `read_host_config`, or a project's file sends credentials to another host.
    """
    load_host_keys()
    host_config = read_host_config(module, arguments.instance)
    overrides = dict(argument.partition("=")[::2] for argument in arguments.set)
    remaining = {key: value for key, value in host_config.config.items() if key not in overrides}
    if service_hosts is not None and (
        problem := find_foreign_address(replace(host_config, config=remaining), service_hosts)
    ):
        raise ValueError(f"{problem}; if you trust that address, repeat the setting with --set")
    return {**remaining, **overrides}


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
    parsers = parser.add_subparsers(metavar="command", required=True)
    for command in commands:
        command_parser = parsers.add_parser(command.name, help=command.help, description=command.help)
        add_setting_options(command_parser)
        command.add_options(command_parser)
        command_parser.set_defaults(run=command.run)
    parsed_arguments = parser.parse_args(arguments)
    log = logging.StreamHandler(sys.stderr)
    log.addFilter(lambda record: record.levelno < logging.ERROR)  # the error that ends a command is printed below
    log.setLevel(logging.WARNING)
    _library_logger.addHandler(log)
    try:
        result: Result = parsed_arguments.run(parsed_arguments)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return _EXIT_INTERRUPTED
    except (LLMError, StoreError, OSError, ValueError) as error:
        _print_line(sys.stderr, f"error: {' '.join(str(error).split())}")
        return 1
    finally:
        _library_logger.removeHandler(log)
    _print_line(sys.stdout, "\n".join(_format_result(result)))
    return 0 if result.ok else 1


def _print_line(stream: TextIO, text: str) -> None:
    """Print a text. A character that the console cannot show becomes an escape."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def _format_result(result: Result) -> list[str]:
    width = max(map(len, result.details), default=0)
    return [result.summary, *(f"  {name.ljust(width)}  {text}" for name, text in result.details.items())]
