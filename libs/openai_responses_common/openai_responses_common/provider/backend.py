"""What a module defines for its service: a `Backend` with its profile, transport, models and defaults."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from amplifier_core.models import ConfigField, ModelInfo

from ..facts.backend_profile import BackendProfile
from ..options.model_info import TRAIT_SETTINGS, read_model_info
from ..options.options import Options
from ..transport.base import Document, Transport
from .model_list import describe_all, read_model_list

if TYPE_CHECKING:  # read with the first list, so that a session starts sooner
    from ..facts.listed_models import ListedModel


class Fetch(Protocol):
    """GETs JSON documents below the base URL of an endpoint, with the errors and retries of a call."""

    async def __call__(self, path: str) -> Any:
        """Return the document at a path, such as `/models`.

        Raises:
            LLMError: there is no such document, or the service cannot be reached.
        """
        ...

    async def fetch_document(self, path: str, *, etag: str | None = None) -> Document:
        """Return the document at a path with its tag.

        Args:
            path: the path below the base URL.
            etag: the tag of the document that the caller has; None, by default, if it has none. If the document has
                not changed since, the result has no body.

        Raises:
            LLMError: there is no such document, or the service cannot be reached.
        """
        ...


class Models:
    """The models of a service. A module derives from this class and overrides what its service does differently.

    Attributes:
        max_age_s: how long, in seconds, a list is used before `list_models` is called again; 300 by default.
        listed_facts: the keys of the setting `model_info` that a list of this service fills; all, by default.
    """

    max_age_s: float = 300.0
    listed_facts: frozenset[str] = frozenset(TRAIT_SETTINGS)
    _listed_info: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    async def list_models(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """Return the models that this account can use, as the service lists them at `/models`.

        The order is that of a menu: the default model first; see `rank_models`.

        Args:
            fetch: reads documents of the service.
            options: the options of the provider.

        Raises:
            LLMError: the service cannot be reached, or its response is not a model list.
        """
        # Gateways list hundreds of models, and the event loop has other work meanwhile.
        listed, models = await asyncio.to_thread(self._read_list, await fetch("/models"), options)
        self.on_list(listed)
        return models

    def _read_list(self, document: object, options: Options) -> tuple[list[ListedModel], list[ModelInfo]]:
        listed = [
            replace(model, info={key: value for key, value in model.info.items() if key in self.listed_facts})
            for model in read_model_list(document)
        ]
        info = read_model_info({model.id: model.info for model in listed if model.info})
        ids = [model.id for model in listed if model.can_do_agent_work]
        models = describe_all(
            [*ids, *options.model_info.entries],
            hide_dated=options.hide_dated_models,
            model_info=options.model_info.over(info),
            default=options.model,
        )
        return listed, models

    def model_info(self) -> Mapping[str, Mapping[str, Any]]:
        """Return facts about models that the tables do not have, in the form of the setting `model_info`.

        The setting wins over these facts. By default they are those of the newest list.
        """
        return self._listed_info

    def default(self) -> str | None:
        """Return the model to use if neither the settings nor the call names one.

        Returns None, by default, to use the model of `Backend.defaults`. If that has none either, a call reads the list
        and asks again.
        """
        return None

    def list_wait_s(self, options: Options) -> float | None:
        """Return how long, in seconds, a call waits for the list of the service, whose facts it may need.

        Returns None, by default, if a call does not need the list. A call that does not get it in time goes on without.

        Args:
            options: the options of the call.
        """
        return None

    def on_list(self, models: Sequence[ListedModel]) -> None:
        """Note what a list of the service says; called by `list_models` with every list."""
        self._listed_info = {model.id: model.info for model in models if model.info}

    def on_response_model(self, requested_model: str, response_model: str) -> None:
        """Note which model made a response; called after every call.

        Args:
            requested_model: the model of the request.
            response_model: the model that the response names.
        """

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Note the headers of a response, with names in lower case; called after every call."""


def note_response(
    models: Models, requested_model: str, metadata: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> None:
    """Let the models of a backend learn from a response.

    Args:
        models: the models.
        requested_model: the model of the request.
        metadata: those of the response; None if it has none.
        headers: those of the response.
    """
    response_model: object = (metadata or {}).get("openai:model")
    if response_model and isinstance(response_model, str):
        models.on_response_model(requested_model, response_model)
    models.on_headers(headers)


EFFORT_FIELD = ConfigField(
    id="reasoning_effort",
    display_name="Reasoning effort",
    # No choice: hosts save the first one if the user only presses Enter, and it would win over the effort of a bundle.
    prompt="How much the model reasons, such as low, medium or high (leave it empty for the model's own choice)",
    required=False,
    requires_model=True,
    show_when={"default_model": "not_contains:gpt-4"},  # those do not reason
)
"""The question that the setup wizard of every service asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Everything that a module defines for one service.

    Attributes:
        profile: the facts about the service.
        transport: sends the bodies; it has the address and the credential.
        models: the models of the service. The default reads them from `/models`.
        defaults: the options that apply if neither the settings nor the call says otherwise.
        own_keys: the settings that the module reads itself, beyond those that all modules share. Empty by default.
        config_fields: the questions of a setup wizard. Empty by default.
        credential_env_vars: the environment variables that may hold a credential. Empty by default.
        capabilities: what the provider can do besides making calls, in the host's vocabulary. Empty by default.
        problem: the error text of a setting of the module that is not valid; the first call raises it. None, by
            default, if all are valid.
    """

    profile: BackendProfile
    transport: Transport
    models: Models = field(default_factory=Models)
    defaults: Options
    own_keys: tuple[str, ...] = ()
    config_fields: list[ConfigField] = field(default_factory=list[ConfigField])
    credential_env_vars: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    problem: str | None = None
