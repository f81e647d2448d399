"""The page about the emulator's rules says what the emulator does."""

from __future__ import annotations

from docs import contract


def test_the_page_is_current() -> None:
    assert contract.PAGE.read_text(encoding="utf-8") == contract.page(), "run `nox -s docs`"
