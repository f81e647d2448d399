"""One secret in the keyring of the operating system, through the package `keyring`.

Which backend `keyring` has chosen says nothing about whether it works: it may keep nothing, keep plain text, or wait
for ever behind a dialog that nobody sees. So a backend must be a recommended one, is asked under a deadline, must give
back what was written, and is not asked again by this process once it was late.

Windows takes 1,280 characters an entry. A secret is therefore cut up into one of two slots, and a manifest says which
slot counts: the idle slot is written, then the manifest, then the other slot is emptied. Whatever step a crash hits,
the manifest leads to a whole secret. Each entry has a service name of its own, because under one name Windows moves
earlier entries about.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...wire.json_values import loads_or_none
from ..background import run_with_deadline
from .record import StoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

READ_DEADLINE_S = 3.0
# During a sign-in somebody sits there, and may be typing the password of the keyring.
UNLOCK_DEADLINE_S = 45.0
WRITE_DEADLINE_S = 15.0

CHUNK_CHARACTERS = 1200
_MAX_CHUNKS = 64
_USER_NAME = "tokens"
_BANKS = ("a", "b")

_BACKEND_NAMES = {
    "keyring.backends.macOS": "the macOS Keychain",
    "keyring.backends.Windows": "the Windows Credential Manager",
}

logger = logging.getLogger(__name__)
_keyring_timed_out = threading.Event()


class KeyringUnusable(StoreError):
    """There is no keyring that can be used here and now."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Unlock or set up a keyring, or let the tokens be kept in a file")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    bank: str
    chunk_count: int
    sha256: str


class KeyringStore:
    """A secret under names that begin with `name`; see `TokenStore` for what the methods are for."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def location(self) -> str:
        """The keyring in words.

        Raises:
            KeyringUnusable: there is none.
        """
        return self._run_on_entries(lambda entries: _describe_backend(entries.backend), READ_DEADLINE_S)

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Read something, for only that shows whether the keyring answers.

        Raises:
            KeyringUnusable: it does not.
        """
        self._run_on_entries(
            lambda entries: entries.read("manifest"), UNLOCK_DEADLINE_S if wait_for_unlock else READ_DEADLINE_S
        )

    def load(self) -> str | None:
        """The secret, or None.

        Raises:
            KeyringUnusable: the keyring cannot be asked.
            StoreError: it holds something, but not a whole secret.
        """
        return self._run_on_entries(_load_secret, READ_DEADLINE_S)

    def save(self, text: str) -> None:
        """Keep a secret, which must be ASCII, instead of the one that was there.

        Raises:
            KeyringUnusable: the keyring does not keep it; what was there still counts.
        """
        self.probe()
        self._run_on_entries(lambda entries: _save_secret(entries, text), WRITE_DEADLINE_S)

    def delete(self) -> bool:
        """Remove the secret and every rest of earlier ones; whether there was anything.

        Raises:
            KeyringUnusable: something may be left.
        """
        self.probe()
        return self._run_on_entries(_delete_secret, WRITE_DEADLINE_S)

    def _run_on_entries(self, function: Callable[[_Entries], T], deadline_s: float) -> T:
        if _keyring_timed_out.is_set():
            raise KeyringUnusable("the system keyring did not answer in time and is not asked again by this process")
        try:
            return run_with_deadline(lambda: function(_Entries(_load_backend(), self.prefix)), deadline_s)
        except TimeoutError:
            _keyring_timed_out.set()
        raise KeyringUnusable(
            f"the system keyring did not answer within {deadline_s:g} s; it may be locked, with a dialog waiting for "
            f"its password"
        )


class _Entries:
    """The entries of one secret in a backend; whatever a backend raises leaves as `KeyringUnusable`."""

    def __init__(self, backend: KeyringBackend, prefix: str) -> None:
        self.backend = backend
        self._prefix = prefix

    def read(self, entry: str) -> str | None:
        return self._call_backend(
            lambda: self.backend.get_password(f"{self._prefix}/{entry}", _USER_NAME), "be read", quote_error=True
        )

    def write(self, entry: str, text: str) -> None:
        backend: Any = self.backend  # keyring wraps this method without its types
        self._call_backend(lambda: backend.set_password(f"{self._prefix}/{entry}", _USER_NAME, text), "be written to")
        if self.read(entry) != text:
            raise KeyringUnusable(f"{_describe_backend(self.backend)} does not give back what was written to it")

    def delete(self, entry: str) -> None:
        self._call_backend(
            lambda: self.backend.delete_password(f"{self._prefix}/{entry}", _USER_NAME), "remove an entry"
        )
        if self.read(entry) is not None:
            raise KeyringUnusable(f"{_describe_backend(self.backend)} does not remove what it was told to")

    def delete_chunks(self, bank: str, start: int = 0) -> bool:
        """Remove a slot's chunks from `start` on, the last one first, so that a crash leaves no gap to stop at."""
        end = start
        while self.read(f"{bank}/{end}") is not None:
            end += 1
        for index in reversed(range(start, end)):
            self.delete(f"{bank}/{index}")
        return end > start

    def _call_backend(self, function: Callable[[], T], action: str, *, quote_error: bool = False) -> T:
        if _keyring_timed_out.is_set():
            # Its caller has left, and may have put the secret elsewhere since.
            raise KeyringUnusable("too late")
        try:
            return function()
        except Exception as error:  # noqa: BLE001  (backends raise what they like: Windows no KeyringError at all)
            # What is said about reading holds no secret; of a failed write even the words of the error might.
            reason = _format_error(error) if quote_error else type(error).__name__
        raise KeyringUnusable(f"{_describe_backend(self.backend)} cannot {action} ({reason})")


def _load_secret(entries: _Entries) -> str | None:
    # A second look: another process may have saved between our reading the manifest and the chunks.
    for _ in range(2):
        written = entries.read("manifest")
        if written is None:
            return None
        manifest = _parse_manifest(written)
        if manifest is not None:
            text = "".join(entries.read(f"{manifest.bank}/{index}") or "" for index in range(manifest.chunk_count))
            if _hash_text(text) == manifest.sha256:
                return text
    raise StoreError(f"the tokens in {_describe_backend(entries.backend)} are damaged: sign in again")


def _save_secret(entries: _Entries, text: str) -> None:
    chunks = [text[start : start + CHUNK_CHARACTERS] for start in range(0, len(text), CHUNK_CHARACTERS)]
    if len(chunks) > _MAX_CHUNKS:
        raise KeyringUnusable(f"{len(text):,} characters are too many for {_describe_backend(entries.backend)}")
    counts = _parse_manifest(entries.read("manifest") or "")
    idle, used = ("b", "a") if counts is not None and counts.bank == "a" else ("a", "b")
    try:
        for index, chunk in enumerate(chunks):
            entries.write(f"{idle}/{index}", chunk)
        manifest = {"slot": idle, "n": len(chunks), "sha256": _hash_text(text)}
        entries.write("manifest", json.dumps(manifest))
    except KeyringUnusable as error:
        failed = error.reason
    else:
        _delete_old_chunks(entries, used, idle, len(chunks))
        return
    _undo_save(entries, idle)
    raise KeyringUnusable(failed)


def _delete_old_chunks(entries: _Entries, old_bank: str, new_bank: str, chunk_count: int) -> None:
    try:
        entries.delete_chunks(old_bank)
        entries.delete_chunks(new_bank, chunk_count)
    except KeyringUnusable as error:
        # The new tokens stand. The next save writes over the old ones; a sign-out removes them or says that it cannot.
        logger.warning("old tokens are left in the keyring until the next save: %s", error.reason)


def _undo_save(entries: _Entries, bank: str) -> None:
    """Empty a slot after a failed save, unless its manifest was written in spite of the error.

    What cannot be removed now is removed by the next save or deletion.
    """
    with suppress(KeyringUnusable):
        counts = _parse_manifest(entries.read("manifest") or "")
        if counts is None or counts.bank != bank:
            entries.delete_chunks(bank)


def _delete_secret(entries: _Entries) -> bool:
    written = entries.read("manifest")
    counts = _parse_manifest(written or "")
    if written is not None:
        entries.delete("manifest")
    removed = [entries.delete_chunks(slot) for slot in _BANKS]
    if counts is not None:
        # Beyond a gap, should somebody have removed a chunk by hand.
        removed += [entries.delete_chunks(counts.bank, index) for index in range(counts.chunk_count)]
    return written is not None or any(removed)


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
    except Exception as error:  # noqa: BLE001  (a bad setting raises ValueError, ImportError, AttributeError and others)
        reason = _format_error(error)
    else:
        if not objection:
            return backend
        raise KeyringUnusable(objection)
    raise KeyringUnusable(f"no keyring can be loaded ({reason}); PYTHON_KEYRING_BACKEND or keyringrc.cfg may be wrong")


def _find_objection(backend: KeyringBackend) -> str:
    """Why a backend is not good enough; empty if it is."""
    from keyring.backends.chainer import ChainerBackend
    from keyring.backends.fail import Keyring as FailKeyring
    from keyring.backends.null import Keyring as NullKeyring

    if isinstance(backend, FailKeyring):
        return "there is no system keyring here"
    if isinstance(backend, NullKeyring):
        return "the keyring that is set up keeps nothing"
    if isinstance(backend, ChainerBackend):
        objections = [_find_objection(each) for each in backend.backends] or ["there is no system keyring here"]
        return next((each for each in objections if each), "")
    if backend.priority < 1:
        return f"{_describe_backend(backend)} is not a recommended one and may keep plain text"
    return ""


def _format_error(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _describe_backend(backend: KeyringBackend) -> str:
    first = next(iter(getattr(backend, "backends", ())), backend)
    module = type(first).__module__
    return _BACKEND_NAMES.get(module) or f"the system keyring ({module.rpartition('.')[2]})"
