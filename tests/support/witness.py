"""Looks for a secret in all that a process says about itself: logs, events, errors and what hangs on them, reprs."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

from tests.security.test_call_secrets import chain, leaks

OURS = ("openai_responses_common", "amplifier_module")
CHATTY = dict.fromkeys(["raw", "debug", "raw_debug"], True)


class Witness(logging.Handler):
    """Hears every logger at its most talkative, and looks for secrets in that and in what a test shows it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[str, int, str]] = []
        self._levels: dict[str, int] = {}

    def listen(self) -> None:
        """Begin, also with loggers that nobody has used yet."""
        names = ["", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "msal", "asyncio", "keyring", *OURS]
        for name in dict.fromkeys([*names, *logging.root.manager.loggerDict]):
            self._levels[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.root.addHandler(self)

    def leave(self) -> None:
        """Put every level back."""
        logging.root.removeHandler(self)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {record.getMessage()} {record.args!r}"
        if record.exc_info:
            text += "".join(traceback.format_exception(*record.exc_info))
        self.heard.append((record.name, record.levelno, text))

    def lines(self, level: int = logging.DEBUG, *, ours: bool = False) -> list[str]:
        """What was logged at a level or above; by our own loggers alone, if that is asked."""
        return [text for name, at, text in self.heard if at >= level and (not ours or name.startswith(OURS))]

    def finds(self, secret: str, *things: Any, level: int = logging.DEBUG) -> list[str]:
        """Where the secret can be read: in a log line, or in one of these things."""
        found = [line[:300] for line in self.lines(level) if secret in line]
        return found + [place for thing in things for place in places(secret, thing)]


def places(secret: str, thing: Any) -> list[str]:
    """Where a secret stands in a thing: an exception with its chain, recorded events, a text, or a repr."""
    if isinstance(thing, BaseException):
        holders = [f"{type(each).__name__}: {each}"[:300] for each in chain(thing) if leaks(secret, each)]
        printed = "".join(traceback.format_exception(thing))
        return [*holders, *(["its traceback"] if secret in printed else [])]
    if isinstance(thing, list):
        events = [(each.name, json.dumps(each.data)) for each in thing]
        return [f"event {name}: {text[:200]}" for name, text in events if secret in text]
    return [f"{type(thing).__name__}: {str(thing)[:200]}"] if secret in str(thing) or secret in repr(thing) else []
