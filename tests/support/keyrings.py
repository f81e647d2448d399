"""Backends for the package `keyring` that behave like those of real systems, the bad ones included."""

from __future__ import annotations

import sys
import threading

from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

# What Windows takes of one entry, in bytes of UTF-16.
BLOB = 2560


class StubReceivedBadData(Exception):
    """As Windows says it: no KeyringError."""


class Crash(BaseException):
    """The process ends here."""


class DictKeyring(KeyringBackend):
    """Entries in a dict, of the size that the system at hand takes.

    `limit` is the number of bytes of an entry, as UTF-16; None is any number. `crash_at` is the number of the call
    during which the process ends; `after` says whether the call had its effect.
    """

    priority = 5  # type: ignore[assignment]

    def __init__(self, entries: dict[tuple[str, str], str] | None = None) -> None:
        super().__init__()
        self.entries = {} if entries is None else entries
        self.calls: list[str] = []
        self.limit: int | None = BLOB if sys.platform == "win32" else None
        self.crash_at = 0
        self.after = False

    def get_password(self, service: str, username: str) -> str | None:
        self._begin("get")
        value = self.entries.get((service, username))
        self._end()
        return value

    def set_password(self, service: str, username: str, password: str) -> None:
        self._begin("set")
        if self.limit is not None and len(password.encode("utf-16-le")) > self.limit:
            raise StubReceivedBadData(1783, "CredWrite", "The stub received bad data")
        self.entries[service, username] = password
        self._end()

    def delete_password(self, service: str, username: str) -> None:
        self._begin("delete")
        if (service, username) not in self.entries:
            raise PasswordDeleteError("No such password!")
        del self.entries[service, username]
        self._end()

    def _begin(self, what: str) -> None:
        self.calls.append(what)
        if len(self.calls) == self.crash_at and not self.after:
            raise Crash

    def _end(self) -> None:
        if len(self.calls) == self.crash_at and self.after:
            raise Crash


class LockedKeyring(DictKeyring):
    """Nobody has unlocked it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("Failed to unlock the collection!")


class ReadOnlyKeyring(DictKeyring):
    """Refuses to write, and says what it refused."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(f"cannot store {password!r}")


class ForgetfulKeyring(DictKeyring):
    """Takes everything and keeps nothing, as the null backend does, under a good priority."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append("set")


class StubbornKeyring(DictKeyring):
    """Removes nothing."""

    def delete_password(self, service: str, username: str) -> None:
        raise PasswordDeleteError("not now")


class PlaintextKeyring(DictKeyring):
    """As the one of the package `keyrings.alt`."""

    priority = 0.5  # type: ignore[assignment]


class HangingKeyring(DictKeyring):
    """Waits behind a dialog until `answered`."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.calls.append("get")
        self.answered.wait(60)
        return self.entries.get((service, username))


def chain(*links: KeyringBackend) -> ChainerBackend:
    """A chainer over these."""

    class Chain(ChainerBackend):
        priority = 10  # type: ignore[assignment]

    Chain.backends = list(links)  # type: ignore[assignment]
    KeyringBackend._classes.discard(Chain)  # type: ignore[attr-defined]
    return Chain()


# Else `keyring` would find them by itself, and choose one.
KeyringBackend._classes.difference_update(  # type: ignore[attr-defined]
    {
        *(DictKeyring, ForgetfulKeyring, HangingKeyring, LockedKeyring),
        *(PlaintextKeyring, ReadOnlyKeyring, StubbornKeyring),
    }
)
