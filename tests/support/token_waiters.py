"""Count the calls that wait for a token, so that a test can release a held token reply when all of them wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from openai_responses_common import Token, TokenSource


class TokenWaiters:
    """The calls of this process that are inside a token source.

    Attributes:
        count: how many there are now, in all event loops and threads.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._lock = threading.Lock()
        monkeypatch.setattr(TokenSource, "get", self._counting(TokenSource.get))
        monkeypatch.setattr(TokenSource, "refresh", self._counting(TokenSource.refresh))

    def _counting(self, method: Callable[..., Coroutine[Any, Any, Token]]) -> Any:
        async def counted(*arguments: Any) -> Token:
            with self._lock:
                self.count += 1
            try:
                return await method(*arguments)
            finally:
                with self._lock:
                    self.count -= 1

        return counted
