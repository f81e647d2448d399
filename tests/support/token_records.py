"""Records to keep, and short words for opening, planting and refusing."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError, TokenRecord

CANARY = "canary-9e41"

posix = pytest.mark.skipif(sys.platform == "win32", reason="looks at modes")


def new(number: int = 1, **tokens: Any) -> TokenRecord:
    """The record number so many."""
    return TokenRecord(
        account="someone@example.org",
        saved_at=1_700_000_000.5 + number,
        expires_at=1_700_003_600.0 + number,
        tokens={"refresh_token": f"{CANARY}-{number}", **tokens},
    )


def opened(path: Path, mode: str = "auto", **options: Any) -> TokenStore:
    return open_store(mode, service="test", path=path, **options)


def refused(store: TokenStore, *words: str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        store.load()
    told = "".join(traceback.format_exception(caught.value))
    assert CANARY not in told
    assert [word for word in words if word not in str(caught.value)] == []
    return caught.value


def plant(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


def names(path: Path) -> set[str]:
    """What is beside the file of a store, by how its name goes on."""
    return {each.name.removeprefix(path.name) for each in path.parent.iterdir()} - {".lock"}
