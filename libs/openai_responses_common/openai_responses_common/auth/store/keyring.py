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

from ..background import within
from .record import StoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

ASK_S = 3.0
# During a sign-in somebody sits there, and may be typing the password of the keyring.
ASK_PATIENTLY_S = 45.0
WRITE_S = 15.0

CHUNK = 1200
_MOST_CHUNKS = 64
_USER = "tokens"
_SLOTS = ("a", "b")

_WORDS = {"keyring.backends.macOS": "the macOS Keychain", "keyring.backends.Windows": "the Windows Credential Manager"}

_log = logging.getLogger(__name__)
_was_late = threading.Event()


class KeyringUnusable(StoreError):
    """There is no keyring that can be used here and now."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Unlock or set up a keyring, or let the tokens be kept in a file")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    slot: str
    n: int
    sha256: str


class KeyringStore:
    """A secret under names that begin with `name`; see `TokenStore` for what the methods are for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def place(self) -> str:
        """The keyring in words.

        Raises:
            KeyringUnusable: there is none.
        """
        return self._ask(lambda entries: _words(entries.backend), ASK_S)

    def probe(self, *, patient: bool = False) -> None:
        """Read something, for only that shows whether the keyring answers.

        Raises:
            KeyringUnusable: it does not.
        """
        self._ask(lambda entries: entries.get("manifest"), ASK_PATIENTLY_S if patient else ASK_S)

    def load(self) -> str | None:
        """The secret, or None.

        Raises:
            KeyringUnusable: the keyring cannot be asked.
            StoreError: it holds something, but not a whole secret.
        """
        return self._ask(_load, ASK_S)

    def save(self, text: str) -> None:
        """Keep a secret, which must be ASCII, instead of the one that was there.

        Raises:
            KeyringUnusable: the keyring does not keep it; what was there still counts.
        """
        self.probe()
        self._ask(lambda entries: _save(entries, text), WRITE_S)

    def delete(self) -> bool:
        """Remove the secret and every rest of earlier ones; whether there was anything.

        Raises:
            KeyringUnusable: something may be left.
        """
        self.probe()
        return self._ask(_delete, WRITE_S)

    def _ask(self, function: Callable[[_Entries], T], deadline_s: float) -> T:
        if _was_late.is_set():
            raise KeyringUnusable("the system keyring did not answer in time and is not asked again by this process")
        try:
            return within(lambda: function(_Entries(_backend(), self.name)), deadline_s)
        except TimeoutError:
            _was_late.set()
        raise KeyringUnusable(
            f"the system keyring did not answer within {deadline_s:g} s; it may be locked, with a dialog waiting for "
            f"its password"
        )


class _Entries:
    """The entries of one secret in a backend; whatever a backend raises leaves as `KeyringUnusable`."""

    def __init__(self, backend: KeyringBackend, name: str) -> None:
        self.backend = backend
        self._name = name

    def get(self, entry: str) -> str | None:
        return self._call(lambda: self.backend.get_password(f"{self._name}/{entry}", _USER), "be read", telling=True)

    def put(self, entry: str, text: str) -> None:
        backend: Any = self.backend  # keyring wraps this method without its types
        self._call(lambda: backend.set_password(f"{self._name}/{entry}", _USER, text), "be written to")
        if self.get(entry) != text:
            raise KeyringUnusable(f"{_words(self.backend)} does not give back what was written to it")

    def drop(self, entry: str) -> None:
        self._call(lambda: self.backend.delete_password(f"{self._name}/{entry}", _USER), "remove an entry")
        if self.get(entry) is not None:
            raise KeyringUnusable(f"{_words(self.backend)} does not remove what it was told to")

    def empty(self, slot: str, start: int = 0) -> bool:
        """Remove a slot's chunks from `start` on, the last one first, so that a crash leaves no gap to stop at."""
        end = start
        while self.get(f"{slot}/{end}") is not None:
            end += 1
        for index in reversed(range(start, end)):
            self.drop(f"{slot}/{index}")
        return end > start

    def _call(self, function: Callable[[], T], what: str, *, telling: bool = False) -> T:
        if _was_late.is_set():
            # Its caller has left, and may have put the secret elsewhere since.
            raise KeyringUnusable("too late")
        try:
            return function()
        except Exception as error:  # noqa: BLE001  (backends raise what they like: Windows no KeyringError at all)
            # What is said about reading holds no secret; of a failed write even the words of the error might.
            reason = _told(error) if telling else type(error).__name__
        raise KeyringUnusable(f"{_words(self.backend)} cannot {what} ({reason})")


def _load(entries: _Entries) -> str | None:
    # A second look: another process may have saved between our reading the manifest and the chunks.
    for _ in range(2):
        written = entries.get("manifest")
        if written is None:
            return None
        manifest = _manifest(written)
        if manifest is not None:
            text = "".join(entries.get(f"{manifest.slot}/{index}") or "" for index in range(manifest.n))
            if _sha256(text) == manifest.sha256:
                return text
    raise StoreError(f"the tokens in {_words(entries.backend)} are damaged: sign in again")


def _save(entries: _Entries, text: str) -> None:
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    if len(chunks) > _MOST_CHUNKS:
        raise KeyringUnusable(f"{len(text):,} characters are too many for {_words(entries.backend)}")
    counts = _manifest(entries.get("manifest") or "")
    idle, used = ("b", "a") if counts is not None and counts.slot == "a" else ("a", "b")
    try:
        for index, chunk in enumerate(chunks):
            entries.put(f"{idle}/{index}", chunk)
        manifest = {"slot": idle, "n": len(chunks), "sha256": _sha256(text)}
        entries.put("manifest", json.dumps(manifest))
    except KeyringUnusable as error:
        failed = error.reason
    else:
        _tidy(entries, used, idle, len(chunks))
        return
    _take_back(entries, idle)
    raise KeyringUnusable(failed)


def _tidy(entries: _Entries, used: str, idle: str, n: int) -> None:
    try:
        entries.empty(used)
        entries.empty(idle, n)
    except KeyringUnusable as error:
        # The new tokens stand. The next save writes over the old ones; a sign-out removes them or says that it cannot.
        _log.warning("old tokens are left in the keyring until the next save: %s", error.reason)


def _take_back(entries: _Entries, slot: str) -> None:
    """Empty a slot after a failed save, unless its manifest was written in spite of the error.

    What cannot be removed now is removed by the next save or deletion.
    """
    with suppress(KeyringUnusable):
        counts = _manifest(entries.get("manifest") or "")
        if counts is None or counts.slot != slot:
            entries.empty(slot)


def _delete(entries: _Entries) -> bool:
    written = entries.get("manifest")
    counts = _manifest(written or "")
    if written is not None:
        entries.drop("manifest")
    removed = [entries.empty(slot) for slot in _SLOTS]
    if counts is not None:
        # Beyond a gap, should somebody have removed a chunk by hand.
        removed += [entries.empty(counts.slot, index) for index in range(counts.n)]
    return written is not None or any(removed)


def _manifest(text: str) -> _Manifest | None:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"slot": "a" | "b" as slot, "n": int(n), "sha256": str(sha256)} if 0 < n <= _MOST_CHUNKS:
            return _Manifest(slot=slot, n=n, sha256=sha256)
        case _:
            return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _backend() -> KeyringBackend:
    try:
        import keyring

        backend = keyring.get_keyring()
        objection = _objection(backend)
    except Exception as error:  # noqa: BLE001  (a bad setting raises ValueError, ImportError, AttributeError and others)
        reason = _told(error)
    else:
        if not objection:
            return backend
        raise KeyringUnusable(objection)
    raise KeyringUnusable(f"no keyring can be loaded ({reason}); PYTHON_KEYRING_BACKEND or keyringrc.cfg may be wrong")


def _objection(backend: KeyringBackend) -> str:
    """Why a backend is not good enough; empty if it is."""
    from keyring.backends.chainer import ChainerBackend
    from keyring.backends.fail import Keyring as FailKeyring
    from keyring.backends.null import Keyring as NullKeyring

    if isinstance(backend, FailKeyring):
        return "there is no system keyring here"
    if isinstance(backend, NullKeyring):
        return "the keyring that is set up keeps nothing"
    if isinstance(backend, ChainerBackend):
        objections = [_objection(each) for each in backend.backends] or ["there is no system keyring here"]
        return next((each for each in objections if each), "")
    if backend.priority < 1:
        return f"{_words(backend)} is not a recommended one and may keep plain text"
    return ""


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _words(backend: KeyringBackend) -> str:
    first = next(iter(getattr(backend, "backends", ())), backend)
    module = type(first).__module__
    return _WORDS.get(module) or f"the system keyring ({module.rpartition('.')[2]})"
