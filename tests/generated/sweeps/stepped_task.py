"""Runs a coroutine as a task that is cancelled at suspensions counted beforehand, so that every one has its turn.

Only `Task.cancel()` is used, as a host would: the coroutine is wrapped to see it suspend, and is changed in nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Literal

Moment = Literal["waiting", "woken"]
"""When in a suspension: at its beginning, or when what it waits for is there and the task is about to go on."""


class Stepped:
    """Awaited, it runs a coroutine and cancels its own task at suspensions.

    Args:
        coroutine: what to run.
        at: the numbers of the suspensions, from 0; none runs it to its end.
        moment: see `Moment`.

    Attributes:
        count: suspensions so far.
        where: what was suspended each time that it was cancelled, for messages.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *at: int, moment: Moment = "waiting") -> None:
        self._coroutine = coroutine
        self._at = frozenset(at)
        self._moment: Moment = moment
        self.count = 0
        self.where: list[str] = []

    def task(self) -> asyncio.Task[Any]:
        """The task that runs it."""
        return asyncio.create_task(self._run())

    async def _run(self) -> Any:
        return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        running = self._coroutine.__await__()
        thrown: BaseException | None = None
        while True:
            try:
                waited_for = running.send(None) if thrown is None else running.throw(thrown)
            except StopIteration as end:
                return end.value
            self._suspended(waited_for)
            thrown = None
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  (whatever it is, it is meant for the coroutine)
                thrown = error

    def _suspended(self, waited_for: Any) -> None:
        number, self.count = self.count, self.count + 1
        if number not in self._at:
            return
        task = asyncio.current_task()
        assert task
        self.where.append(innermost(self._coroutine))
        if self._moment == "waiting":
            task.cancel()
        elif waited_for is None:
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            # Called before the callback by which the task goes on: that one is added after this.
            waited_for.add_done_callback(lambda _: task.cancel())


def innermost(coroutine: Any) -> str:
    """The functions that wait for each other, the last seven of them."""
    names: list[str] = []
    while coroutine is not None:
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(coroutine, f"{kind}_code")), None)
        if kind is None:
            break
        names.append(getattr(coroutine, f"{kind}_code").co_name)
        coroutine = getattr(coroutine, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return " > ".join(names[-7:])
