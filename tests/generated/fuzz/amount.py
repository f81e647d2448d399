"""How many examples a property gets: few in a default run, `FUZZ_EXAMPLES` over all properties in a long one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

_WANTED = int(os.environ.get("FUZZ_EXAMPLES") or 0)
_MARK = re.compile(r"^ *@examples\((\d+)\)", re.M)


def short_total() -> int:
    """All examples of a default run."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    return sum(int(count) for file in files for count in _MARK.findall(file.read_text(encoding="utf-8")))


def examples(count: int) -> Callable[[Any], Any]:
    """The settings of one property: `count` examples in a default run, and the same share of a long one.

    A default run tries the same examples every time. Nothing is written beside the code: what a long run finds is
    printed, and belongs into a test of its own.
    """
    return settings(
        max_examples=max(count, count * _WANTED // short_total()) if _WANTED else count,
        derandomize=not _WANTED,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
