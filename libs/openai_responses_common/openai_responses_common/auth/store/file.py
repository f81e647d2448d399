"""The store of one secret in a file that only its owner can read.

The file is written completely or not at all: we write and sync a temporary file in the same directory and rename it
over the old one. The file is read only if it is a plain file of ours that no other user can open under any name. We
never wait for something else at its path (a pipe, a link, a device).

On Windows the access lists of the profile protect the file, and we do not check owner and mode. That part is written
from documentation and is untested.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .record import StoreError

MAX_FILE_BYTES = 1 << 20

# Windows does not have the first three, and would change line ends without the fourth.
SAFE_OPEN_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)

# On Windows a virus scanner or an indexer that has the file open makes a rename fail for a moment.
_REPLACE_ATTEMPTS = 10
_REPLACE_DELAY_S = 0.05


class FileStore:
    """Stores a secret at a path; see `SecretStore`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def location(self) -> str:
        return f"{self.path} (mode 0600)"

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Create the directory, and check that a file can be created in it; `wait_for_unlock` has no effect.

        Raises:
            StoreError: it cannot, or other users could replace the file.
        """
        make_private_directory(self.path.parent)
        with _raise_store_error("write", self.path):
            descriptor, temporary = self._create_temporary_file()
            os.close(descriptor)
            Path(temporary).unlink(missing_ok=True)

    def load(self) -> bytes | None:
        """Return the content of the file. None if there is no file.

        Raises:
            StoreError: the file is not safe to use, or cannot be read.
        """
        with _raise_store_error("read", self.path):
            try:
                check_directory(self.path.parent)
                descriptor = open_safely(self.path, os.O_RDONLY)
            except FileNotFoundError:
                return None
            try:
                check_private_file(os.fstat(descriptor), self.path)
                with open(descriptor, "rb", closefd=False) as file:
                    content = file.read(MAX_FILE_BYTES + 1)
            finally:
                os.close(descriptor)
        if len(content) > MAX_FILE_BYTES:
            raise StoreError(f"{self.path} is larger than 1 MiB, which no tokens are: remove it and sign in again")
        return content

    def save(self, text: str) -> None:
        """Replace the content of the file; to be called under the lock of the store.

        Raises:
            StoreError: nothing was written, and the file is unchanged.
        """
        content = text.encode()
        if len(content) > MAX_FILE_BYTES:
            raise StoreError(f"more than 1 MiB of tokens is not written to {self.path}")
        make_private_directory(self.path.parent)
        with _raise_store_error("write", self.path):
            self._replace_content(content)
        # The new tokens are saved. Files that a killed process left are not a failure of this save.
        with suppress(OSError):
            self._delete_temporary_files()

    def delete(self) -> bool:
        """Remove the file and the temporary files of killed processes, and return whether there was any.

        Raises:
            StoreError: one of them could not be removed.
        """
        with _raise_store_error("remove", self.path):
            removed = self._delete_temporary_files()
            try:
                self.path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return removed
            _sync_directory(self.path.parent)
        return True

    def _create_temporary_file(self) -> tuple[int, str]:
        return tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp")

    def _replace_content(self, content: bytes) -> None:
        descriptor, temporary = self._create_temporary_file()
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _rename_over(temporary, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_directory(self.path.parent)

    def _delete_temporary_files(self) -> bool:
        has_deleted = False
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.path.parent) as entries:
            for entry in entries:
                if entry.name.startswith(f".{self.path.name}.") and entry.name.endswith(".tmp"):
                    os.unlink(entry.path)
                    has_deleted = True
        return has_deleted


def make_private_directory(directory: Path) -> None:
    """Create a directory and its missing parents for our user only, or check that an existing one is safe.

    Raises:
        StoreError: it is not ours, others may write in it, or it cannot be created.
    """
    with _raise_store_error("make", directory):
        missing = [each for each in (directory, *directory.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
        check_directory(directory)


def check_directory(directory: Path) -> None:
    """Check that no other user can replace the files of a directory.

    Raises:
        StoreError: another user can.
        OSError: the directory cannot be checked.
    """
    status, itself = os.stat(directory), os.lstat(directory)
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"{directory} is not a directory: move it away")
    if sys.platform == "win32":
        return
    owners = {os.geteuid(), 0} if stat.S_ISLNK(itself.st_mode) else {os.geteuid()}
    if status.st_uid != os.geteuid() or itself.st_uid not in owners:
        raise StoreError(f"{directory} belongs to another user: store the tokens in a directory that you own")
    if status.st_mode & 0o022:
        raise StoreError(f"others may write in {directory}: run `chmod go-w {quote_for_shell(directory)}`")


def check_private_file(status: os.stat_result, path: Path) -> None:
    """Check that an open file is a plain file that only our user can open, and only under this name.

    Raises:
        StoreError: it is not.
    """
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a plain file: remove it")
    if status.st_nlink > 1:
        raise StoreError(f"{path} has a second name (a hard link): remove it and sign in again")
    if sys.platform == "win32":
        return
    if status.st_uid != os.geteuid():
        raise StoreError(f"{path} belongs to another user: remove it and sign in again")
    if status.st_mode & 0o077:
        raise StoreError(f"others may read or write {path}: run `chmod 600 {quote_for_shell(path)}`")


def open_safely(path: Path, flags: int) -> int:
    """Open a file without following a link and without waiting. No child inherits it, and only our user can open it.

    Raises:
        StoreError: the path is a link.
        OSError: it cannot be opened.
    """
    if sys.platform == "win32" and path.is_symlink():
        raise StoreError(f"{path} is a symbolic link: remove it")
    try:
        return os.open(path, flags | SAFE_OPEN_FLAGS, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    raise StoreError(f"{path} is a symbolic link: remove it")


def quote_for_shell(path: Path) -> str:
    """Return a path quoted for a shell command."""
    return shlex.quote(str(path))


@contextmanager
def _raise_store_error(action: str, path: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {action} {path}: {error.strerror or type(error).__name__}") from error


def _rename_over(temporary: str, path: Path) -> None:
    for _ in range(_REPLACE_ATTEMPTS if sys.platform == "win32" else 0):
        try:
            os.replace(temporary, path)
        except PermissionError:
            time.sleep(_REPLACE_DELAY_S)
        else:
            return
    os.replace(temporary, path)


def _sync_directory(directory: Path) -> None:
    """Sync a directory, so that a rename outlasts a power failure if the system supports that."""
    # Windows cannot open a directory, and some network file systems cannot sync one: the file itself is written.
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
