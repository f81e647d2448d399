"""Where the tokens of a sign-in are kept between calls and between processes: keyring, file or memory.

Everything here blocks: run it in a daemon thread (`daemon.start`). A refresh token may be good for a single use, so a
renewal happens under the store's lock, from reading the newest record to having saved the next one::

    with store.lock():
        record = store.load()                # another process may have renewed it meanwhile
        if record is None or stale(record):
            record = renew(record)           # spends the refresh token
            store.save(record)               # before anything uses the new one

Tokens never go to a less safe place silently, no older copy is taken for a newer one that is damaged, and a copy that
cannot be removed is said.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import AbstractContextManager
from pathlib import Path

from ._auto import AutoStore
from .base import TokenStore
from .file import FileStore
from .keyring import KeyringStore
from .lock import hold_file_lock
from .memory import MemoryStore
from .record import ImportRecord, StoreError

STORE_MODES = ("auto", "keyring", "file", "memory")


_LABEL = re.compile(r"[A-Za-z0-9._@-]{1,64}")


_memory_stores: dict[tuple[str, str], MemoryStore] = {}


def open_store(
    mode: str, *, service: str, path: Path, account: str = "default", import_record: ImportRecord | None = None
) -> TokenStore:
    """A store for the tokens of one account; nothing is read, written or asked yet.

    Args:
        mode: `auto` is the keyring, or where it cannot be used the file, with a warning; `keyring` and `file` are that
            alone; `memory` is shared by all stores of the same service and account in this process.
        service: in the names of the keyring's entries.
        path: the file. The lock lies beside it in every mode but memory.
        account: a label, for those who have several; each has a file and entries of its own.
        adopt: takes over the file of another program.

    Raises:
        StoreError: the mode is unknown, or the label has other characters than letters, digits and `.`, `_`, `@`, `-`.
    """
    for name in (service, account):
        if not _LABEL.fullmatch(name):
            raise StoreError(
                f"{name!r} is not a valid name for an account: use at most 64 letters, digits, `.`, `_`, `@`, `-`"
            )
    if mode == "memory":
        memory = _memory_stores.setdefault((service, account), MemoryStore())
        return TokenStore(memory, memory.lock, import_record)
    path = path.expanduser().absolute()
    file = FileStore(path if account == "default" else path.with_name(f"{path.stem}.{account}{path.suffix}"))
    keyring = KeyringStore(f"amplifier-{service}-{_hash_path(path)}/{account}")

    def lock() -> AbstractContextManager[None]:
        return hold_file_lock(file.path.with_name(f"{file.path.name}.lock"))

    match mode:
        case "auto":
            return AutoStore(keyring, file, lock, import_record)
        case "keyring":
            return TokenStore(keyring, lock, import_record)
        case "file":
            return TokenStore(file, lock, import_record)
        case _:
            raise StoreError(f"unknown token store {mode!r}: use one of {', '.join(STORE_MODES)}")


def _hash_path(path: Path) -> str:
    """Keeps apart what several home directories have in one keyring."""
    return hashlib.sha256(str(path.parent.resolve() / path.name).encode(errors="surrogateescape")).hexdigest()[:12]
