"""The command line of a module: `python -m PACKAGE status | login | logout | routing`.

A module gives its functions; how they are called, and how they fail, is the same everywhere. What a command answers
goes to standard output, everything on the way to standard error, in plain text without colour. Exit codes: 0, 1 for
"no" and for errors, 2 for wrong arguments, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest, Message

from ..auth.store.record import StoreError
from ..provider.provider import ResponsesProvider
from .host_settings import find_foreign_address, load_host_keys, read_host_config

_EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command found.

    Attributes:
        line: the whole of it in one line, or a document.
        rows: what there is to it, each with its name.
        ok: False where the answer is "no", which is exit code 1.
    """

    summary: str
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    ok: bool = True


def _add_no_options(parser: argparse.ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        name: the word for it.
        help: what it does, in one line.
        run: does it, blocking; raises kernel errors, `StoreError`, `OSError` or `ValueError` in words for a person.
        options: adds its options to a parser.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], Result]
    add_options: Callable[[argparse.ArgumentParser], None] = _add_no_options


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """The options by which every module finds its settings."""
    parser.add_argument("--instance", metavar="ID", help="which instance of the provider, where several are configured")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="a setting; may be repeated")


def add_check_option(parser: argparse.ArgumentParser) -> None:
    """The option by which `status` also makes a call; see `short_call`."""
    parser.add_argument("--check", action="store_true", help="also make one short call, which costs a few tokens")


def make_short_call(provider: ResponsesProvider) -> str:
    """Make one cheap call, blocking, and say who answered it; closes the provider.

    Raises:
        LLMError: nobody did.
    """
    question = ChatRequest(messages=[Message(role="user", content="Answer with the word ok.")], max_output_tokens=200)

    async def call() -> str:
        try:
            answer = await provider.complete(question, reasoning_effort="low", max_continuations=0)
        finally:
            await provider.close()
        return str((answer.metadata or {}).get("openai:model"))

    return f"{provider.default_model} answers, served by {asyncio.run(call())}"


def read_settings(
    arguments: argparse.Namespace, module: str, *, service_hosts: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Any]:
    """The settings of a module: those of the host's files, and over them those of `--set`.

    Args:
        chosen: the command line.
        module: the module's id.
        own_hosts: for a command that sends credentials, which a project's file must lead to no stranger: see
            `leads_away`.

    Raises:
        ValueError: a file is no YAML, or a project's file sends credentials to a stranger.
    """
    load_host_keys()
    config, file = read_host_config(module, arguments.instance)
    given = dict(word.partition("=")[::2] for word in arguments.set)
    left = {key: value for key, value in config.items() if key not in given}
    if service_hosts is not None and (problem := find_foreign_address(left, file, service_hosts)):
        raise ValueError(f"{problem}; if it is yours, say it again with --set")
    return {**config, **given}


def run_command(
    commands: Sequence[Command],
    *,
    package: str,
    description: str,
    add_options: Callable[[argparse.ArgumentParser], None] = _add_no_options,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the command that the arguments name.

    Args:
        commands: what there is.
        package: what stands behind `python -m`.
        description: what it is about, in one line.
        options: adds the options that all commands have.
        arguments: those of the process by default.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    below = parser.add_subparsers(metavar="command", required=True)
    for command in commands:
        one = below.add_parser(command.name, help=command.help, description=command.help)
        add_options(one)
        command.add_options(one)
        one.set_defaults(run=command.run)
    chosen = parser.parse_args(arguments)
    try:
        answer: Result = chosen.run(chosen)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return _EXIT_INTERRUPTED
    except (LLMError, StoreError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 1
    sys.stdout.write("\n".join(_format_result(answer)) + "\n")
    sys.stdout.flush()
    return 0 if answer.ok else 1


def _format_result(result: Result) -> list[str]:
    width = max(map(len, result.details), default=0)
    return [result.summary, *(f"  {name.ljust(width)}  {text}" for name, text in result.details.items())]
