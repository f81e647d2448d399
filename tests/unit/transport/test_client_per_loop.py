"""One client per event loop, in as many threads as there are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from openai_responses_common.transport._client_per_loop import ClientPerLoop

from tests.support.session import PATIENCE_S


class _Loop(asyncio.SelectorEventLoop):
    """A loop that calls a function when it is asked whether it is closed."""

    on_question: Callable[[], object] | None = None

    def is_closed(self) -> bool:
        if (call := self.on_question) is not None:
            self.on_question = None
            call()
        return super().is_closed()


async def _close(_: object) -> None: ...


def test_loop_of_another_thread_may_come_while_the_closed_ones_are_removed() -> None:
    clients = ClientPerLoop(lambda: object, _close, lambda _: None)
    first, built = _Loop(), list[object]()

    def get_in_thread() -> None:
        thread = threading.Thread(target=lambda: built.append(asyncio.run(clients.get())))
        thread.start()
        thread.join(PATIENCE_S)

    try:
        built.append(first.run_until_complete(clients.get()))
        first.on_question = get_in_thread
        built.append(asyncio.run(clients.get()))
    finally:
        first.close()
    assert len({id(client) for client in built}) == 3
