"""A small Amplifier context manager: the conversation in memory, its oldest turns left out when it grows too long.

Invariant: what a request gets is a view; the history itself only grows. A view begins with a user message, so that no
tool result is separated from its call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__amplifier_module_type__ = "context"
__all__ = ["ChatContext", "mount"]

# A rough count is enough: four characters of JSON to a token, as other context managers estimate it.
_CHARACTERS_PER_TOKEN = 4


class ChatContext:
    """The memory of one session.

    Args:
        system: the system message that every request begins with.
    """

    def __init__(self, *, system: str | None = None) -> None:
        self._system = [{"role": "system", "content": system}] if system else []
        self._messages: list[dict[str, Any]] = []
        self._first = 0

    async def add_message(self, message: dict[str, Any]) -> None:
        """Append a message."""
        self._messages.append(message)

    async def get_messages_for_request(
        self, token_budget: int | None = None, provider: Any | None = None
    ) -> list[dict[str, Any]]:
        """The messages for the next request, the oldest turns left out where the model could not take them all.

        When it has to forget it forgets half: forgetting a little each turn would change the beginning of every request
        and so miss the prompt cache every time.
        """
        budget = token_budget or _budget(provider)
        if budget and _tokens(self._messages[self._first :]) > budget:
            turns = [number for number, message in enumerate(self._messages) if message.get("role") == "user"]
            later = [number for number in turns if number > self._first]
            fitting = (number for number in later if _tokens(self._messages[number:]) <= budget // 2)
            self._first = next(fitting, later[-1] if later else self._first)
        return [*self._system, *self._messages[self._first :]]

    async def get_messages(self) -> list[dict[str, Any]]:
        """The whole history."""
        return list(self._messages)

    async def set_messages(self, messages: list[dict[str, Any]]) -> None:
        """Replace the history."""
        self._messages, self._first = list(messages), 0

    async def clear(self) -> None:
        """Forget everything but the system message."""
        await self.set_messages([])


def _budget(provider: Any | None) -> int | None:
    """Tokens of input: what the provider's model takes, less room for its answer."""
    if provider is None or not hasattr(provider, "get_model_info"):
        return None
    model = provider.get_model_info()
    return model.context_window - min(model.max_output_tokens, model.context_window // 2)


def _tokens(messages: list[dict[str, Any]]) -> int:
    return sum(len(json.dumps(message, default=str)) for message in messages) // _CHARACTERS_PER_TOKEN


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> None:
    """Mount the context. Config: `system`."""
    await coordinator.mount("context", ChatContext(system=(config or {}).get("system")))
