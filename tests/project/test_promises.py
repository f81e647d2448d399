"""The markers `promise`: none is lost, each is written once or shared on purpose, and no module is left out."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.backends import BACKENDS, ROOT
from tests.support.promises import Promise, list_promises

PROMISES = list_promises()
MODULES = {backend.name for backend in BACKENDS}
# The number of different texts in each area. Whoever adds a promise raises it; a lower number means that one was lost.
AT_LEAST = {"hazard": 97, "security": 20}


def texts(area: str) -> dict[str, list[Promise]]:
    """Return the promises of an area by their text."""
    promises: dict[str, list[Promise]] = {}
    for promise in PROMISES:
        if promise.area == area:
            promises.setdefault(promise.text, []).append(promise)
    return promises


def test_every_promise_is_in_an_area() -> None:
    assert {promise.area for promise in PROMISES} == set(AT_LEAST)


@pytest.mark.parametrize("area", AT_LEAST)
def test_no_promise_is_lost(area: str) -> None:
    assert len(texts(area)) >= AT_LEAST[area]


def test_a_hazard_is_ruled_out_by_one_test() -> None:
    count = Counter(promise.text for promise in PROMISES if promise.area == "hazard")
    assert [text for text, number in count.items() if number > 1] == []


@pytest.mark.parametrize("text", texts("security"))
def test_a_security_promise_holds_for_every_module_or_says_why_it_does_not(text: str) -> None:
    promises = texts("security")[text]
    without = {module for promise in promises for module in promise.without}
    assert without < MODULES
    own = {promise.module for promise in promises} - {None}
    assert not own & without, "a module has a test and a reason for having none"
    covered = MODULES if None in {promise.module for promise in promises} else own
    assert covered | without == MODULES


def test_every_file_of_the_security_tests_keeps_a_promise() -> None:
    files = {f"security/{path.name}" for path in (ROOT / "tests/security").glob("test_*.py")}
    assert files - {promise.test.partition("::")[0] for promise in PROMISES if promise.area == "security"} == set()
