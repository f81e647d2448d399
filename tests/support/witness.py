"""Looks for a secret in everything that a process shows of itself: log lines, output, hook events, errors and reprs.

The fixture `witness` records all loggers at DEBUG and what is printed. A test makes its calls and then calls
`witness.check(secret, ...)` with the errors, events and objects that it holds.
"""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.session import RecordedEvent

OURS = ("openai_responses_common", "amplifier_module")
# Loggers that exist only after their package was first used.
LATER = (
    *("aiohttp.client", "aiohttp.internal", "asyncio", "h11", "httpcore2", "httpx2", "keyring", "msal", "openai"),
    *("urllib3", *OURS),
)
CHATTY = dict.fromkeys(["raw", "debug", "raw_debug"], True)
"""The settings with which hook events hold the most."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log record as text, with its arguments and the traceback, and the exception that was logged."""

    logger: str
    level: int
    text: str
    error: BaseException | None


class Witness(logging.Handler):
    """Records every log record and all output from `start()` to `stop()`.

    Args:
        capture: pytest's fixture `capfd`.
    """

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        super().__init__(logging.DEBUG)
        self._capture = capture
        self._lines: list[LogLine] = []
        self._levels: dict[str, int] = {}
        self._stdout = self._stderr = ""

    def start(self) -> None:
        """Record all loggers at DEBUG, also those that are not created yet."""
        for name in dict.fromkeys(["", *LATER, *logging.root.manager.loggerDict]):
            self._levels[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.root.addHandler(self)

    def stop(self) -> None:
        """Restore the level of every logger."""
        logging.root.removeHandler(self)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {record.getMessage()} {record.args!r}"
        if record.exc_info:
            text += "".join(traceback.format_exception(*record.exc_info))
        error = record.exc_info[1] if record.exc_info else None
        self._lines.append(LogLine(record.name, record.levelno, text, error))

    def lines(self, level: int = logging.DEBUG, *, ours: bool = False) -> list[str]:
        """Return the log lines of at least `level`; with `ours` only those of the library and the modules."""
        return [line.text for line in self._lines if line.level >= level and (not ours or line.logger.startswith(OURS))]

    @property
    def stdout(self) -> str:
        """Everything that was printed to the standard output so far."""
        self._read_output()
        return self._stdout

    @property
    def stderr(self) -> str:
        """Everything that was printed to the standard error output so far."""
        self._read_output()
        return self._stderr

    def _read_output(self) -> None:
        out, err = self._capture.readouterr()
        self._stdout += out
        self._stderr += err

    def check(self, secret: str, *things: Any) -> None:
        """Assert that no log line, no output and none of `things` shows the secret. `leaks` says what is examined."""
        logged = [line.text[:300] for line in self._lines if secret in line.text]
        logged += [leak for line in self._lines if line.error for leak in leaks(secret, line.error)]
        assert logged == [], logged[:3]
        assert secret not in self.stdout
        assert secret not in self.stderr
        found = [leak for thing in things for leak in leaks(secret, thing)]
        assert found == [], found[:3]


def leaks(secret: str, thing: Any) -> list[str]:
    """Return where a secret can be read in a thing.

    An exception is searched with its chain, its attributes and its traceback, a list of recorded events as JSON, and
    anything else as text and as repr.
    """
    if isinstance(thing, BaseException):
        holders = [f"{type(each).__name__}: {each}"[:300] for each in chain(thing) if shows(secret, each)]
        printed = "".join(traceback.format_exception(thing))
        return [*holders, *(["its traceback"] if secret in printed else [])]
    if isinstance(thing, list) and thing and isinstance(thing[0], RecordedEvent):
        events = [(event.name, json.dumps(event.data)) for event in thing]
        return [f"event {name}: {text[:200]}" for name, text in events if secret in text]
    return [f"{type(thing).__name__}: {str(thing)[:200]}"] if secret in str(thing) or secret in repr(thing) else []


def chain(error: BaseException) -> list[BaseException]:
    """Return an exception with all its causes and contexts, suppressed contexts too."""
    errors: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in errors:
            errors.append(each)
            waiting += [each.__cause__, each.__context__]
    return errors


def shows(secret: str, value: Any, depth: int = 0) -> bool:
    """Return whether the text or the repr of a value holds the secret, or the attributes or headers of an exception."""
    if secret in repr(value) or secret in str(value):
        return True
    if depth < 4 and isinstance(value, BaseException):
        return any(shows(secret, each, depth + 1) for each in [*value.args, *vars(value).values()])
    if depth < 4 and hasattr(value, "headers"):
        return secret in str(dict(value.headers))
    return False
