"""Runs a coroutine as a task that is cancelled at chosen suspensions.

A suspension is an `await` at which the task really waits. Only `Task.cancel()` is used, as a host would: the coroutine
is wrapped to count its suspensions, and is not changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Literal, get_args

Moment = Literal["waiting", "ready"]
"""When in a suspension to cancel: at its beginning, or when its result is ready and the task is about to go on."""
MOMENTS: tuple[Moment, ...] = get_args(Moment)


class CancelledAt:
    """An awaitable that runs a coroutine and cancels its own task at suspensions.

    Args:
        coroutine: the coroutine to run.
        suspensions: the numbers of the suspensions, from 0; without any the coroutine runs to its end.
        moment: see `Moment`; the default is "waiting".

    Attributes:
        waiting_functions: for each cancellation the functions that waited for each other, for messages.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *suspensions: int, moment: Moment = "waiting") -> None:
        self._coroutine = coroutine
        self._suspensions = frozenset(suspensions)
        self._moment: Moment = moment
        self._count = 0
        self.waiting_functions: list[str] = []

    def create_task(self) -> asyncio.Task[Any]:
        """Return a new task that runs the coroutine."""
        return asyncio.create_task(self._run())

    async def _run(self) -> Any:
        return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        running = self._coroutine.__await__()
        thrown: BaseException | None = None
        while True:
            try:
                awaited = running.send(None) if thrown is None else running.throw(thrown)
            except StopIteration as end:
                return end.value
            self._on_suspension(awaited)
            thrown = None
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001  (whatever it is, it is meant for the coroutine)
                thrown = error

    def _on_suspension(self, awaited: Any) -> None:
        number, self._count = self._count, self._count + 1
        if number not in self._suspensions:
            return
        task = asyncio.current_task()
        assert task
        self.waiting_functions.append(_name_waiting_functions(self._coroutine))
        if self._moment == "waiting":
            task.cancel()
        elif awaited is None:
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            # Called before the callback by which the task goes on: that one is added after this.
            awaited.add_done_callback(lambda _: task.cancel())


async def wait_for_end(task: asyncio.Task[Any]) -> None:
    """Wait for the end of a task, and of the generators that the event loop closes some rounds later."""
    await asyncio.wait([task])
    for _ in range(3):
        await asyncio.sleep(0)


def _name_waiting_functions(coroutine: Any) -> str:
    """Return the names of the last seven functions that wait for each other."""
    names: list[str] = []
    while coroutine is not None:
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(coroutine, f"{kind}_code")), None)
        if kind is None:
            break
        names.append(getattr(coroutine, f"{kind}_code").co_name)
        coroutine = getattr(coroutine, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return " > ".join(names[-7:])
