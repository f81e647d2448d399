"""The recordings' home: one source distribution, downloaded by name and kept in the user's cache.

Nothing of it is committed. A file in the cache is used only if it is the very one that this check was written for.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NAME = "langchain_openai-1.7.4.tar.gz"
SHA256 = "8fd90e41588526d990f32262447adf8e130d7ce28ed66cefa315e64cc9dd12ce"

# pip hands out a source distribution as it is; uv only gives what it built from one. To learn what it downloaded pip
# runs the package's build backend, and fetches that by itself as long as only this one package is barred from coming as
# a wheel.
_DOWNLOAD = ("download", "--quiet", "--no-deps", "--no-binary", "langchain-openai", "langchain-openai==1.7.4")


class FetchFailed(Exception):
    """The recordings cannot be had; says why and what to do."""


def fetch() -> Path:
    """The verified source distribution, downloaded if the cache does not hold it.

    Raises:
        FetchFailed: pip is missing or failed, or the file is not the one expected.
    """
    kept = _cache() / NAME
    if kept.is_file() and _digest(kept) == SHA256:
        return kept
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="download-") as folder:
        downloaded = _download(Path(folder))
        digest = _digest(downloaded)
        if digest != SHA256:
            raise FetchFailed(f"{NAME} has SHA-256 {digest}, not {SHA256}: it is not the file that was published")
        downloaded.replace(kept)
    return kept


def _download(folder: Path) -> Path:
    run = subprocess.run(
        [sys.executable, "-m", "pip", *_DOWNLOAD, "--dest", str(folder)], capture_output=True, text=True, check=False
    )
    downloaded = folder / NAME
    if run.returncode or not downloaded.is_file():
        cause = run.stderr.strip() or f"pip left no {NAME}"
        raise FetchFailed(f"cannot download the recordings with pip (`nox -s corpus` installs it): {cause}")
    return downloaded


def _cache() -> Path:
    """A folder of our own in the user's cache, or in the system's temporary folder where there is none to write to."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path("~/.cache").expanduser()
    for parent in (Path(home), Path(tempfile.gettempdir())):
        folder = parent / "openai-responses-corpus"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise FetchFailed("neither the user's cache folder nor the temporary folder can be written to")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
