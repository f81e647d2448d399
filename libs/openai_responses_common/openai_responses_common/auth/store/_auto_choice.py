"""The choice between keyring and file, which a store saves for the next run in a small file beside that of the tokens.

Without it each run would wait for a keyring that does not respond. An account that never signed in would look like one
whose keyring is locked.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ...wire.json_values import loads_or_none
from .file import FileStore


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreChoice:
    """Where the tokens are stored.

    Attributes:
        reason: why the file was chosen. Empty, the default, if it was not.
        keyring_used: whether the keyring may hold a copy. The default is False.
    """

    reason: str = ""
    keyring_used: bool = False


class StoreChoiceFile:
    """The file of the choice for the tokens at `path`; written and removed under the lock of the store."""

    def __init__(self, path: Path) -> None:
        self._file = FileStore(path.with_name(f"{path.name}.choice"))

    def load(self) -> StoreChoice:
        """Return the choice. A file that cannot be parsed counts as no choice."""
        content = self._file.load()
        match loads_or_none(content or b"{}"):
            case {"reason": str(reason), "keyring_used": bool(keyring_used)}:
                return StoreChoice(reason=reason, keyring_used=keyring_used)
            case _:
                return StoreChoice()

    def save(self, choice: StoreChoice) -> None:
        """Save a choice. A choice that is saved already costs no write."""
        if choice != self.load():
            self._file.save(json.dumps(asdict(choice)))

    def delete(self) -> None:
        """Remove the choice."""
        self._file.delete()
