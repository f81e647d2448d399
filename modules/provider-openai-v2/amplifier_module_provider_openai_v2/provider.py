"""The provider class that hosts find by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_responses_common import ResponsesProvider

from .backend import openai_backend


class OpenaiV2Provider(ResponsesProvider):
    """A provider for one OpenAI account, or one server that speaks the Responses API.

    Args:
        base_url: wins over the config's; None, `""` and a host's placeholder count as not given. A required keyword,
            because hosts that probe constructors only then pass the user's address.
        api_key: wins over the config's.
        config: settings; the README lists them.
        coordinator: of the session, for events.
    """

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None = None,
        config: Mapping[str, Any] | None = None,
        coordinator: Any = None,
    ) -> None:
        given = {"base_url": base_url, "api_key": api_key}
        placed = {
            **(config or {}),
            **{key: value for key, value in given.items() if value and value != "http://placeholder"},
        }
        super().__init__(openai_backend(placed), config=config, coordinator=coordinator)
