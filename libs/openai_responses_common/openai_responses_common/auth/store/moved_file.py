"""The file of a secret that was in another folder in an earlier version, or that another program keeps there."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from .file import FileStore
from .record import StoreError

logger = logging.getLogger(__name__)


class MovedFileStore(FileStore):
    """Reads the old file as long as there is no new one; a save or a removal removes the old file, too.

    Args:
        path: the new file.
        old_path: the old file. If it is not safe to use, it counts as absent.
    """

    def __init__(self, path: Path, old_path: Path) -> None:
        super().__init__(path)
        self._old_file = FileStore(old_path)

    def load(self) -> bytes | None:
        """Return the content of the new file, else of the old one. None if there is neither."""
        content = super().load()
        if content is not None:
            return content
        try:
            return self._old_file.load()
        except StoreError as error:
            logger.info("an older file with tokens is not used: %s", error)
            return None

    def save(self, text: str) -> None:
        """Replace the content of the new file; see `FileStore.save`."""
        super().save(text)
        # A refresh has made its tokens worthless. The new ones are saved, so this is not a failure of the save.
        with suppress(StoreError):
            self._old_file.delete()

    def delete(self) -> bool:
        """Remove both files, and return whether there was any; see `FileStore.delete`."""
        was_old, was_new = self._old_file.delete(), super().delete()
        return was_old or was_new
