"""The command line of the chat: one question, or a conversation."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from amplifier_core.llm_errors import LLMError

from .accounts import KINDS, Account, an_account
from .commands import EFFORTS
from .conversation import converse, one_turn, stopped
from .ctrl_c import INTERRUPTED, CtrlC, leave_at_once
from .remedies import find_remedies
from .screen import Screen
from .session import CannotStart, Choice, close_session, open_session, sign_in
from .terminal import LogLines, Terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chat and return its exit code: 0, 1 after an error, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    terminal = Terminal(sys.stdout)
    logging.basicConfig(level=logging.WARNING, handlers=[LogLines()])
    # This logger repeats what the loader has logged.
    logging.getLogger("amplifier_core._session_init").setLevel(logging.ERROR)
    ctrl_c = CtrlC()
    try:
        with an_account(os.environ, base_url=options.base_url, kind=options.account) as account:
            return _chat(account, terminal, options, ctrl_c)
    except (KeyboardInterrupt, asyncio.CancelledError):
        with ctrl_c.does(leave_at_once):
            stopped(Screen(terminal))
        return INTERRUPTED


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
    service = parser.add_mutually_exclusive_group()
    service.add_argument(
        "--account",
        choices=KINDS,
        help="offline: the offline service, although an account is set up; chatgpt: sign in to a ChatGPT plan; "
        "chatgpt-demo and chatgpt-plan-demo: try that with the offline service, with a code or with a browser",
    )
    service.add_argument("--base-url", metavar="URL", help="a server that speaks the Responses API")
    return parser


def _chat(account: Account, terminal: Terminal, options: argparse.Namespace, ctrl_c: CtrlC) -> int:
    question = _text(" ".join(options.question)).strip()
    remedies = find_remedies(address_name=account.address_name, in_conversation=not question)
    screen = Screen(terminal, emulated=account.emulated, plan=account.is_plan, remedies=remedies)
    settings = {"default_model": options.model, "reasoning_effort": options.effort}
    overrides = {key: value for key, value in settings.items() if value}
    if account.preface:
        terminal.say(f"{account.preface}\n", "dim")
    with asyncio.Runner() as runner:
        try:
            if account.needs_sign_in and not sign_in(account):
                return 1
            session = runner.run(ctrl_c.stops(open_session(account, screen, overrides)))
        except (CannotStart, LLMError) as error:
            screen.error_note(str(error))
            return 1
        try:
            if account.needs_sign_in:
                terminal.say("")
            terminal.say(account.introduction(Choice(session).model), "dim")
            if question:
                return 0 if runner.run(ctrl_c.stops(one_turn(session, screen, question))) else 1
            terminal.say(
                "Ask a question. /help lists the commands, Ctrl-C stops a response, Ctrl-D ends the chat.", "dim"
            )
            converse(runner, session, screen, ctrl_c)
            return 0
        finally:
            with ctrl_c.does(leave_at_once):
                runner.run(close_session(session))


def _text(argument: str) -> str:
    """Return an argument without surrogates, which stand for invalid bytes and which JSON cannot carry."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
