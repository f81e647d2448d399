"""The models of a server whose list counts more than our tables: vLLM, llama.cpp, LiteLLM, OpenRouter …

Providers of one account and endpoint share what the list says, so that a session of a sub-agent does not ask again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.models import ModelInfo

from ..facts.model_traits import has_row
from ..options.options import Options
from .backend import Fetch, Models
from .catalogue import FAILURE_AGE_S

if TYPE_CHECKING:
    from ..facts.listed_models import ListedModel

FIRST_WAIT_S = 1.0
"""How long, in seconds, the first call waits for the list."""


@dataclass(slots=True, kw_only=True)
class _ServerState:
    """What is known of one server.

    Attributes:
        info: what the list says of its models, by id. None until it was read.
        agent_models: the ids of the models that can do agent work.
        has_list: False after the server said that it has no list.
        asked_at_s: when a call last asked for the list. None if no call did.
    """

    info: Mapping[str, Mapping[str, Any]] | None = None
    agent_models: Sequence[str] = field(default_factory=tuple[str, ...])
    has_list: bool = True
    asked_at_s: float | None = None


_states: dict[str, _ServerState] = {}


class ServerModels(Models):
    """The models of a server of another vendor.

    What the list says of windows, output limits and abilities counts more than our tables, and less than the user's
    `model_info`. Without a configured model, the only model of the list is used.

    Args:
        origin: the account and the endpoint; see `Transport.origin`.
    """

    def __init__(self, origin: str) -> None:
        self._state = _states.setdefault(origin, _ServerState())

    async def list_models(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """Return the models that the server lists; see `Models.list_models`."""
        try:
            return await super().list_models(fetch, options)
        except LLMError as error:
            self._state.has_list = self._state.info is not None or error.retryable
            raise

    def on_list(self, models: Sequence[ListedModel]) -> None:
        """See `Models.on_list`."""
        self._state.has_list = True
        self._state.info = {model.id: model.info for model in models if model.info}
        self._state.agent_models = tuple(model.id for model in models if model.can_do_agent_work)

    def model_info(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Models.model_info`."""
        return self._state.info or {}

    def default(self) -> str | None:
        """Return the only model of the list; None if it was not read yet or has several; see `Models.default`."""
        models = self._state.agent_models
        return models[0] if len(models) == 1 else None

    def list_wait_s(self, options: Options) -> float | None:
        """See `Models.list_wait_s`.

        The limits of OpenAI's own models are in our tables, so a call to one of them does not ask.
        """
        state, now_s = self._state, time.monotonic()
        is_described = "context_window" in options.model_info.find_entry(options.model).traits
        if state.info is not None or not state.has_list or is_described or has_row(options.model):
            return None
        if state.asked_at_s is None:
            state.asked_at_s = now_s
        age_s = now_s - state.asked_at_s
        if age_s < FIRST_WAIT_S:
            return FIRST_WAIT_S
        if age_s < FAILURE_AGE_S:
            return None
        # The server answers slowly: this call asks again, and does not wait.
        state.asked_at_s = now_s - FIRST_WAIT_S
        return 0.0
