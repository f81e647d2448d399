"""The command line of the chat: one question, or a conversation."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from .accounts import KINDS, Account, an_account
from .commands import EFFORTS
from .conversation import converse, one_turn, stopped
from .screen import Screen
from .session import CannotStart, Choice, close_session, open_session
from .terminal import LogLines, Terminal

_INTERRUPTED = 130
_INSTALL = "`nox -s chat` installs what it needs, and so does `pip install -e modules/NAME`."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chat and return its exit code: 0, 1 after an error, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    terminal = Terminal(sys.stdout)
    logging.basicConfig(level=logging.WARNING, handlers=[LogLines()])
    # This logger repeats what the loader has logged.
    logging.getLogger("amplifier_core._session_init").setLevel(logging.ERROR)
    try:
        with an_account(os.environ, base_url=options.base_url, kind=options.account) as account:
            return _chat(account, terminal, options)
    except KeyboardInterrupt:
        stopped(Screen(terminal))
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.chat",
        description="Ask a question, or have a conversation, with tools that see the current folder.",
    )
    parser.add_argument("question", nargs="*", help="one question; without it a conversation starts")
    parser.add_argument("--model", help="the model; the default is that of the provider")
    parser.add_argument(
        "--effort", choices=EFFORTS, help="how much the model reasons; the default is that of the model"
    )
    parser.add_argument("--account", choices=KINDS, help="sign in to a ChatGPT plan, or try that with the emulator")
    parser.add_argument("--base-url", metavar="URL", help="a server that speaks the Responses API")
    return parser


def _chat(account: Account, terminal: Terminal, options: argparse.Namespace) -> int:
    screen = Screen(terminal, emulated=account.emulated)
    settings = {"default_model": options.model, "reasoning_effort": options.effort}
    question = _text(" ".join(options.question)).strip()
    with asyncio.Runner() as runner:
        overrides = {key: value for key, value in settings.items() if value}
        try:
            session = runner.run(open_session(account, screen, overrides))
        except CannotStart as error:
            screen.note(f"Error: {error}. {_INSTALL}", "red")
            return 1
        try:
            terminal.say(account.introduction(Choice(session).model), "dim")
            if question:
                return 0 if runner.run(one_turn(session, screen, question)) else 1
            terminal.say(
                "Ask a question. /help lists the commands, Ctrl-C stops a response, Ctrl-D ends the chat.", "dim"
            )
            converse(runner, session, screen)
            return 0
        finally:
            runner.run(close_session(session))


def _text(argument: str) -> str:
    """Return an argument without surrogates, which stand for invalid bytes and which JSON cannot carry."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The threads of amplifier-core 2.0.2 can abort a Python that is shutting down: seen in 9 of 40 runs of a script
    # that only mounts something. Everything is closed by now, so there is nothing left to shut down.
    os._exit(code)
