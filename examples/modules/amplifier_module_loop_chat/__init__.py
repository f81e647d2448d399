"""A small Amplifier orchestrator: ask the model, run the tools that it calls, and so on until it answers.

Invariants: the history stays whole whatever happens (a call that was interrupted gets a result that says so), and every
event of a turn is emitted also when the turn fails. The model's words reach the screen through the provider's own
events; this loop passes none of them on.

The application may choose, for the turns to come, what `session_state["loop-chat"]` holds: `request`, fields of every
request such as `model` and `reasoning_effort`, and `token_budget`, how much of the history that model takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .turn import Turn

__amplifier_module_type__ = "orchestrator"
__all__ = ["ChatLoop", "mount"]

DEFAULT_MAX_STEPS = 20


class ChatLoop:
    """The orchestrator; one turn runs at a time.

    Args:
        max_steps: requests per turn; in the last one the model may call no more tools.
    """

    def __init__(self, *, max_steps: int = DEFAULT_MAX_STEPS) -> None:
        self._max_steps = max_steps
        self._running: asyncio.Task[Any] | None = None

    async def execute(
        self,
        prompt: str,
        context: Any,
        providers: Mapping[str, Any],
        tools: Mapping[str, Any],
        hooks: Any,
        **kwargs: Any,
    ) -> str:
        """Answer a prompt and return the answer's text.

        Raises:
            LLMError: the provider gave up.
        """
        coordinator = kwargs.get("coordinator")
        chosen = coordinator.session_state.get("loop-chat", {}) if coordinator is not None else {}
        turn = Turn(
            context=context, providers=providers, tools=tools, hooks=hooks, coordinator=coordinator, **deepcopy(chosen)
        )
        status, text = "error", ""
        self._running = asyncio.current_task()
        await hooks.emit("execution:start", {"prompt": prompt})
        try:
            text = await turn.run(prompt, max_steps=self._max_steps)
            status = "success"
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        finally:
            self._running = None
            complete = {"orchestrator": "loop-chat", "turn_count": turn.steps, "status": status}
            await hooks.emit("orchestrator:complete", complete)
            await hooks.emit("execution:end", {"response": text, "status": status})
        return text

    async def stop(self) -> None:
        """Cancel the turn that is running. The kernel does not pass the cancellation of `session.execute()` on."""
        if self._running is not None:
            self._running.cancel()


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> None:
    """Mount the loop. Config: `max_steps`."""
    loop = ChatLoop(max_steps=int((config or {}).get("max_steps") or DEFAULT_MAX_STEPS))
    await coordinator.mount("orchestrator", loop)
    coordinator.cancellation.on_cancel(loop.stop)
