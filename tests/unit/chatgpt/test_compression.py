"""A zstd that cannot be imported counts as absent."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from amplifier_module_provider_chatgpt_oauth.compression import find_compressor


class EndingModule(ModuleType):
    """A package that ends the program."""

    def __getattr__(self, name: str) -> object:
        raise SystemExit(3)


def test_a_package_that_ends_the_program_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports", "compression"):
        monkeypatch.setitem(sys.modules, name, EndingModule(name))
    find_compressor.cache_clear()
    assert find_compressor() is None
    find_compressor.cache_clear()
