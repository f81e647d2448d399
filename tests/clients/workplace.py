"""Where the session has its things."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The folders of one run.

    Attributes:
        environments: where clients are installed.
        homes: where the clients have their files.
    """

    environments: Path
    homes: Path

    def new_home(self) -> Path:
        """Return a new folder for the files of a client."""
        return Path(tempfile.mkdtemp(dir=self.homes))
