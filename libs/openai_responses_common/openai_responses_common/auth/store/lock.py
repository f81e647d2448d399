"""A lock between processes, on a separate file.

The operating system releases it when its holder dies. The file is never removed: a process that waited for a removed
file would hold a lock that no other process can see. The file is opened for each lock, so two holders in one process
exclude each other too, and a child process neither inherits the lock nor can release it.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .file import check_private_file, make_private_directory, open_safely, quote_for_shell
from .record import StoreBusy, StoreError

LOCK_DEADLINE_S = 30.0

# The first is about as long as a save takes; the second keeps many waiting processes from trying all the time.
_MIN_DELAY_S = 0.005
_MAX_DELAY_S = 0.2


@contextmanager
def hold_file_lock(path: Path, *, deadline_s: float = LOCK_DEADLINE_S) -> Generator[None, None, None]:
    """Hold the lock at a path. The holder must not take it twice.

    Args:
        path: the file of the lock.
        deadline_s: the longest time, in seconds, to wait for the lock. The default is 30.

    Raises:
        StoreBusy: others held the lock until the deadline.
        StoreError: the file is not safe to use.
    """
    make_private_directory(path.parent)
    descriptor, owner = _open_lock_file(path), os.getpid()
    try:
        _wait_for_lock(descriptor, path, deadline_s)
        try:
            yield
        finally:
            # Unlocking through an inherited descriptor would take the lock from the parent.
            if os.getpid() == owner:
                _unlock(descriptor)
    finally:
        os.close(descriptor)


def _open_lock_file(path: Path) -> int:
    try:
        descriptor = open_safely(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StoreError(f"cannot open the lock {path}: {error.strerror}") from error
    try:
        check_private_file(os.fstat(descriptor), path)
    except StoreError:
        os.close(descriptor)
        raise
    return descriptor


def _wait_for_lock(descriptor: int, path: Path, deadline_s: float) -> None:
    deadline, delay_s = time.monotonic() + deadline_s, _MIN_DELAY_S
    while not _try_lock(descriptor, path):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            hint = "" if sys.platform == "win32" else f" (`fuser {quote_for_shell(path)}` names it)"
            raise StoreBusy(
                f"another process has held the lock {path} for more than {deadline_s:g} s: wait for it or end it{hint}"
            )
        # Without the jitter, processes that began together would try at the same moments.
        time.sleep(min(left_s, delay_s * random.uniform(0.5, 1.5)))
        delay_s = min(delay_s * 1.5, _MAX_DELAY_S)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, path: Path) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:  # EACCES or EDEADLOCK for a lock that is held, and little else can go wrong
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int, path: Path) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a network file system without locks
            raise StoreError(f"cannot lock {path}: {error.strerror}; keep the tokens on a local disk") from error
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
