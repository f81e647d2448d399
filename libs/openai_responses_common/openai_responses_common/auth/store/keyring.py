"""The store of one secret in the keyring of the operating system, through the package `keyring`.

A backend that `keyring` has chosen may still not work: it may store nothing, store plain text, or wait for ever for a
dialog that nobody sees. So we accept only a recommended backend, call it with a deadline, read back what we have
written, and leave it alone for a minute after it was late.

A secret is one entry, because macOS may ask the user for a password once per entry. Only Windows needs more: it accepts
1,280 characters per entry. There we cut a secret into chunks in one of two banks, and the entry holds a manifest that
names the valid bank. We write the idle bank, then the manifest, then empty the other bank. If a crash interrupts any of
these steps, the manifest still leads to a complete secret. Each entry has a separate service name, because Windows
renames earlier entries of the same name. Version 0.1.0 wrote chunks everywhere: they are read, and the next save
removes them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...installation import describe_failure
from ...wire.json_values import as_object, loads_or_none
from ..background import run_with_deadline
from .record import StoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

READ_DEADLINE_S = 3.0
# During a sign-in the user may have to enter the password of the keyring first.
UNLOCK_DEADLINE_S = 45.0
WRITE_DEADLINE_S = 15.0
PAUSE_S = 60.0
"""How long, in seconds, no process of ours asks a keyring that was late, unless the user signs in."""

CHUNK_CHARACTERS = 1200
_MAX_CHUNKS = 64
_MAIN_ENTRY = "manifest"
"""The entry that holds the secret, or the manifest of its chunks."""
_USER_NAME = "tokens"
_BANKS = ("a", "b")

_BACKEND_NAMES = {
    "keyring.backends.macOS": "the macOS Keychain",
    "keyring.backends.Windows": "the Windows Credential Manager",
}

logger = logging.getLogger(__name__)


class _Pause:
    """The time until which this process does not ask the keyring, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.until_s = -math.inf


_pause = _Pause()


class KeyringUnusable(StoreError):
    """There is no usable keyring at present."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Unlock or set up a keyring, or store the tokens in a file")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    bank: str
    chunk_count: int
    sha256: str


class KeyringStore:
    """Stores a secret in entries whose names begin with `prefix`; see `SecretStore`.

    Args:
        prefix: of the names.
        in_chunks: whether a save cuts the secret into chunks. The default is True on Windows and False elsewhere.
    """

    def __init__(self, prefix: str, *, in_chunks: bool = sys.platform == "win32") -> None:
        self.prefix = prefix
        self._save_secret = _save_chunks if in_chunks else _save_entry

    def location(self) -> str:
        """Return the name of the keyring, for the user.

        Raises:
            KeyringUnusable: there is no usable keyring.
        """
        return self._run_on_entries(lambda entries: _describe_backend(entries.backend), READ_DEADLINE_S)

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Read an entry, because only that shows whether the keyring responds.

        Raises:
            KeyringUnusable: it does not respond.
        """
        if wait_for_unlock:
            _pause.until_s = -math.inf
        self._read_main_entry(UNLOCK_DEADLINE_S if wait_for_unlock else READ_DEADLINE_S)

    def load(self) -> str | None:
        """Return the secret. None if there is none.

        Raises:
            KeyringUnusable: the keyring cannot be read.
            StoreError: it does not hold the complete secret.
        """
        return self._run_on_entries(_load_secret, READ_DEADLINE_S)

    def save(self, text: str) -> None:
        """Replace the secret, which must be ASCII.

        Raises:
            KeyringUnusable: the keyring does not store it; the old secret is still valid.
        """
        previous = self._read_main_entry(READ_DEADLINE_S) or ""
        self._run_on_entries(lambda entries: self._save_secret(entries, text, previous), WRITE_DEADLINE_S)

    def delete(self) -> bool:
        """Remove the secret and all chunks of earlier secrets, and return whether there was any.

        Raises:
            KeyringUnusable: an entry may be left.
        """
        self.probe()
        return self._run_on_entries(_delete_secret, WRITE_DEADLINE_S)

    def _read_main_entry(self, deadline_s: float) -> str | None:
        return self._run_on_entries(lambda entries: entries.read(_MAIN_ENTRY), deadline_s)

    def _run_on_entries(self, function: Callable[[_Entries], T], deadline_s: float) -> T:
        if time.monotonic() < _pause.until_s:
            raise KeyringUnusable("the system keyring did not respond in time and is asked again after a minute")
        is_abandoned = threading.Event()
        try:
            return run_with_deadline(lambda: function(_Entries(_load_backend(), self.prefix, is_abandoned)), deadline_s)
        except TimeoutError:
            is_abandoned.set()
            _pause.until_s = time.monotonic() + PAUSE_S
        raise KeyringUnusable(
            f"the system keyring did not respond within {deadline_s:g} s; it may be locked, with a dialog waiting for "
            f"its password"
        )


class _Entries:
    """The entries of one secret in a backend. Every exception of a backend becomes `KeyringUnusable`."""

    def __init__(self, backend: KeyringBackend, prefix: str, is_abandoned: threading.Event) -> None:
        self.backend = backend
        self._prefix = prefix
        self._is_abandoned = is_abandoned

    def read(self, entry: str) -> str | None:
        return self._call_backend(
            lambda: self.backend.get_password(f"{self._prefix}/{entry}", _USER_NAME), "be read", quote_error=True
        )

    def write(self, entry: str, text: str) -> None:
        backend: Any = self.backend  # keyring wraps this method without its types
        self._call_backend(lambda: backend.set_password(f"{self._prefix}/{entry}", _USER_NAME, text), "be written to")
        if self.read(entry) != text:
            raise KeyringUnusable(f"{_describe_backend(self.backend)} does not return what was written to it")

    def delete(self, entry: str) -> None:
        self._call_backend(
            lambda: self.backend.delete_password(f"{self._prefix}/{entry}", _USER_NAME), "remove an entry"
        )
        if self.read(entry) is not None:
            raise KeyringUnusable(f"{_describe_backend(self.backend)} does not remove an entry")

    def delete_chunks(self, bank: str, start: int = 0) -> bool:
        """Remove the chunks of a bank from `start` on, the last one first, so that a crash leaves no gap."""
        end = start
        while self.read(f"{bank}/{end}") is not None:
            end += 1
        for index in reversed(range(start, end)):
            self.delete(f"{bank}/{index}")
        return end > start

    def _call_backend(self, function: Callable[[], T], action: str, *, quote_error: bool = False) -> T:
        if self._is_abandoned.is_set():
            # The caller has left, and may have stored the secret elsewhere since.
            raise KeyringUnusable("too late")
        try:
            return function()
        except (Exception, SystemExit) as error:  # noqa: BLE001  (backends raise what they like, on Windows no KeyringError)
            # The error of a read holds no secret; the error of a failed write may quote it.
            reason = _format_error(error) if quote_error else type(error).__name__
        raise KeyringUnusable(f"{_describe_backend(self.backend)} cannot {action} ({reason})")


def _load_secret(entries: _Entries) -> str | None:
    # Read twice: another process may have saved after we had read the manifest.
    for _ in range(2):
        text = entries.read(_MAIN_ENTRY)
        if text is None or not _is_manifest(text):
            return text
        manifest = _parse_manifest(text)
        if manifest is not None:
            text = "".join(entries.read(f"{manifest.bank}/{index}") or "" for index in range(manifest.chunk_count))
            if _hash_text(text) == manifest.sha256:
                return text
    raise StoreError(f"the tokens in {_describe_backend(entries.backend)} are damaged: sign in again")


def _save_entry(entries: _Entries, text: str, previous: str) -> None:
    entries.write(_MAIN_ENTRY, text)
    if _is_manifest(previous):
        _delete_old_chunks(entries, {"a": 0, "b": 0})


def _save_chunks(entries: _Entries, text: str, previous: str) -> None:
    chunks = [text[start : start + CHUNK_CHARACTERS] for start in range(0, len(text), CHUNK_CHARACTERS)]
    if len(chunks) > _MAX_CHUNKS:
        raise KeyringUnusable(f"{len(text):,} characters are too many for {_describe_backend(entries.backend)}")
    old_manifest = _parse_manifest(previous)
    idle, used = ("b", "a") if old_manifest is not None and old_manifest.bank == "a" else ("a", "b")
    try:
        for index, chunk in enumerate(chunks):
            entries.write(f"{idle}/{index}", chunk)
        manifest = {"slot": idle, "n": len(chunks), "sha256": _hash_text(text)}
        entries.write(_MAIN_ENTRY, json.dumps(manifest))
    except KeyringUnusable as error:
        failed = error.reason
    else:
        _delete_old_chunks(entries, {used: 0, idle: len(chunks)})
        return
    _undo_save(entries, idle)
    raise KeyringUnusable(failed)


def _delete_old_chunks(entries: _Entries, starts: Mapping[str, int]) -> None:
    """Remove the chunks of each bank from a number on."""
    try:
        for bank, start in starts.items():
            entries.delete_chunks(bank, start)
    except KeyringUnusable as error:
        # The new tokens are saved. The next save overwrites the old ones; a sign-out removes them or reports that.
        logger.warning("old tokens are left in the keyring until the next save: %s", error.reason)


def _undo_save(entries: _Entries, bank: str) -> None:
    """Empty a bank after a failed save, unless its manifest was written in spite of the error.

    The next save or deletion removes what cannot be removed now.
    """
    with suppress(KeyringUnusable):
        manifest = _parse_manifest(entries.read(_MAIN_ENTRY) or "")
        if manifest is None or manifest.bank != bank:
            entries.delete_chunks(bank)


def _delete_secret(entries: _Entries) -> bool:
    text = entries.read(_MAIN_ENTRY)
    manifest = _parse_manifest(text or "")
    if text is not None:
        entries.delete(_MAIN_ENTRY)
    removed = [entries.delete_chunks(bank) for bank in _BANKS]
    if manifest is not None:
        # Beyond a gap, in case a user has removed a chunk by hand.
        removed += [entries.delete_chunks(manifest.bank, index) for index in range(manifest.chunk_count)]
    return text is not None or any(removed)


def _is_manifest(text: str) -> bool:
    """Return whether a text is the manifest of chunks, valid or not, and not a secret."""
    return "slot" in as_object(loads_or_none(text))


def _parse_manifest(text: str) -> _Manifest | None:
    document: Any = loads_or_none(text)
    match document:
        case {"slot": "a" | "b" as slot, "n": int(n), "sha256": str(sha256)} if 0 < n <= _MAX_CHUNKS:
            return _Manifest(bank=slot, chunk_count=n, sha256=sha256)
        case _:
            return None


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _load_backend() -> KeyringBackend:
    try:
        import keyring

        backend = keyring.get_keyring()
        objection = _find_objection(backend)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (a bad setting raises ValueError, ImportError and others)
        if isinstance(error, ModuleNotFoundError) and error.name == "keyring":
            objection = describe_failure(error)
        else:
            reason = _format_error(error)
            objection = f"no keyring can be loaded ({reason}); PYTHON_KEYRING_BACKEND or keyringrc.cfg may be wrong"
    else:
        if not objection:
            return backend
    raise KeyringUnusable(objection)


def _find_objection(backend: KeyringBackend) -> str:
    """Return why a backend cannot be used; empty if it can."""
    from keyring.backends.chainer import ChainerBackend
    from keyring.backends.fail import Keyring as FailKeyring
    from keyring.backends.null import Keyring as NullKeyring

    if isinstance(backend, FailKeyring):
        return "there is no system keyring here"
    if isinstance(backend, NullKeyring):
        return "the configured keyring stores nothing"
    if isinstance(backend, ChainerBackend):
        objections = [_find_objection(each) for each in backend.backends] or ["there is no system keyring here"]
        return next((each for each in objections if each), "")
    if backend.priority < 1:
        return f"{_describe_backend(backend)} is not a recommended keyring and may store plain text"
    return ""


def _format_error(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _describe_backend(backend: KeyringBackend) -> str:
    first = next(iter(getattr(backend, "backends", ())), backend)
    module = type(first).__module__
    return _BACKEND_NAMES.get(module) or f"the system keyring ({module.rpartition('.')[2]})"
