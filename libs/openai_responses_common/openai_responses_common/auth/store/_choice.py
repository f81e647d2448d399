"""What a store that may use keyring or file has to remember between runs, in a small file beside the tokens' own.

Without it each run would wait for a keyring that does not answer, and nobody could tell an account that never signed in
from one whose tokens are behind a lock.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ...wire.json_values import loads_or_none
from .file import FileStore


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreChoice:
    """`reason`: why the file was chosen, empty if it was not. `keyring_used`: the keyring may hold a copy."""

    reason: str = ""
    keyring_used: bool = False


class StoreChoiceFile:
    """The choice for the tokens' file at `path`; written and removed under the lock of the store."""

    def __init__(self, path: Path) -> None:
        self._file = FileStore(path.with_name(f"{path.name}.choice"))

    def load(self) -> StoreChoice:
        """The choice; one that nobody can read is none."""
        content = self._file.load()
        match loads_or_none(content or b"{}"):
            case {"reason": str(reason), "keyring_used": bool(keyring_used)}:
                return StoreChoice(reason=reason, keyring_used=keyring_used)
            case _:
                return StoreChoice()

    def save(self, choice: StoreChoice) -> None:
        """Remember a choice; one that is remembered already costs no write."""
        if choice != self.load():
            self._file.save(json.dumps(asdict(choice)))

    def delete(self) -> None:
        """Forget it."""
        self._file.delete()
