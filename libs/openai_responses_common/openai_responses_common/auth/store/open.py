"""Opens the store of the tokens of a sign-in: the keyring, a file or memory.

All methods of a store block: call them with `background.run_in_thread`. A refresh token may be valid for one use only,
so a refresh holds the lock of the store from reading the newest record until the next one is saved::

    with store.lock():
        record = store.load()                # another process may have refreshed it meanwhile
        if record is None or expired(record):
            record = refresh(record)         # uses the refresh token up
            store.save(record)               # before anything uses the new tokens

A store never moves tokens to a less safe location without a warning, never replaces a damaged record with an older
copy, and reports a copy that it cannot remove.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ._auto import AutoStore
from .base import TokenStore
from .file import FileStore
from .keyring import KeyringStore
from .lock import hold_file_lock
from .memory import MemoryStore
from .moved_file import MovedFileStore
from .record import ImportRecord, StoreBusy, StoreError

logger = logging.getLogger(__name__)

STORE_MODES = ("auto", "keyring", "file", "memory")

_LABEL = re.compile(r"[A-Za-z0-9._@-]{1,64}")

_memory_stores: dict[tuple[str, str], MemoryStore] = {}


def open_store(
    mode: str,
    *,
    service: str,
    path: Path,
    old_path: Path | None = None,
    account: str = "default",
    import_record: ImportRecord | None = None,
) -> TokenStore:
    """Return a store for the tokens of one account, without reading or writing anything.

    Args:
        mode: `auto` is the keyring, or with a warning the file if there is no usable keyring. `keyring` and `file` are
            that one only. `memory` is shared by all stores of the same service and account in this process.
        service: a part of the names of the keyring's entries.
        path: the file. The lock is a file beside it in every mode but `memory`. If their folder cannot be used, mode
            `keyring` does without a lock between processes, with a warning.
        old_path: the file of an earlier version, which is read until the first save. None, by default, if the file was
            never moved.
        account: a label for users with several accounts; each has its own file and entries. The default is "default".
        import_record: converts the file of another program. The default is no conversion.

    Raises:
        StoreError: the mode is unknown, there is no home directory for the file, or the label has other characters than
            letters, digits and `.`, `_`, `@`, `-`.
    """
    for name in (service, account):
        if not _LABEL.fullmatch(name):
            raise StoreError(
                f"{name!r} is not a valid name for an account: use at most 64 letters, digits, `.`, `_`, `@`, `-`"
            )
    if mode == "memory":
        memory = _memory_stores.setdefault((service, account), MemoryStore())
        return TokenStore(memory, memory.lock, import_record)
    path = _resolve_path(path)
    old_path = old_path and _resolve_path(old_path)
    files = [_add_label(each, account) for each in (path, old_path) if each]
    file = MovedFileStore(*files) if old_path else FileStore(*files)
    # The names of the entries stay those of the old file, so that a sign-in is found again.
    keyring = KeyringStore(f"amplifier-{service}-{_hash_path(old_path or path)}/{account}")
    lock_path = file.path.with_name(f"{file.path.name}.lock")
    match mode:
        case "auto":
            return AutoStore(keyring, file, lambda: hold_file_lock(lock_path), import_record, files)
        case "keyring":
            memory = _memory_stores.setdefault((service, account), MemoryStore())
            return TokenStore(keyring, lambda: _hold_best_lock(lock_path, memory), import_record, files)
        case "file":
            return TokenStore(file, lambda: hold_file_lock(lock_path), import_record, files)
        case _:
            raise StoreError(f"unknown token store {mode!r}: use one of {', '.join(STORE_MODES)}")


@contextmanager
def _hold_best_lock(path: Path, memory: MemoryStore) -> Generator[None, None, None]:
    """Hold the lock at a path, or that of this process with a warning if the file cannot be used."""
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_file_lock(path))
        except StoreBusy:
            raise
        except StoreError as error:
            logger.warning("tokens in the keyring are not locked against other processes: %s", error)
            stack.enter_context(memory.lock())
        yield


def _resolve_path(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise StoreError(f"there is no home directory for {path}: set the path of the token file") from None


def _add_label(path: Path, account: str) -> Path:
    return path if account == "default" else path.with_name(f"{path.stem}.{account}{path.suffix}")


def _hash_path(path: Path) -> str:
    """Return a digest that separates the entries of several home directories in one keyring."""
    return hashlib.sha256(str(path.parent.resolve() / path.name).encode(errors="surrogateescape")).hexdigest()[:12]
