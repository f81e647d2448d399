"""The page about other servers says what `nox -s servers` checks."""

from __future__ import annotations

from docs import servers
from tests.servers.behaviours import BEHAVIOURS
from tests.servers.rows import SERVERS


def test_the_page_is_current() -> None:
    assert servers.PAGE.read_text(encoding="utf-8") == servers.page(), "run `nox -s docs`"


def test_every_limit_is_one_of_a_behaviour() -> None:
    assert {limit for server in SERVERS for limit in server.limits} <= set(BEHAVIOURS)
