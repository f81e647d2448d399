"""What a module hands over for its service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from amplifier_core.models import ConfigField, ModelInfo

from ..facts.profile import BackendProfile
from ..facts.traits import EFFORTS
from ..options.options import Options
from ..transport.base import Document, Transport
from .catalogue import logger, read_models

if TYPE_CHECKING:
    pass


class Fetch(Protocol):
    """GETs JSON below the endpoint, with the errors and retries of a call."""

    async def __call__(self, path: str) -> Any:
        """The document at a path.

        Raises:
            LLMError: there is none, or the service cannot be asked.
        """
        ...

    async def fetch_document(self, path: str, *, etag: str | None = None) -> Document:
        """The same with its tag; without a body where it is still the document of `etag`."""
        ...


class Models:
    """Where a service's models come from; a module whose service lists them otherwise overrides what differs.

    Attributes:
        fresh_s: how long a list is kept before `listed` is asked again.
    """

    max_age_s: float = 300.0

    async def list_models(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """The models that this account can use, as the service lists them at `/models`; never empty without a word.

        Raises:
            LLMError: the service cannot be asked.
        """
        document = await fetch("/models")
        found = read_models(document, hide_dated=options.hide_dated_models, model_info=options.model_info)
        if not found:
            logger.warning("the service answered, and its model list holds no model that can do agent work")
        return found

    def model_info(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of models beyond the tables, in the form of the option `model_info`, which wins over it."""
        return {}

    def default(self) -> str | None:
        """The model of calls where neither the user nor the call names one; None leaves it to the module's default."""
        return None

    def on_response_model(self, requested_model: str, response_model: str) -> None:
        """Told of every answer: which model it says made it."""

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Told of the headers of every answer, with names in lower case."""


EFFORT_FIELD = ConfigField(
    id="reasoning_effort",
    display_name="Reasoning effort",
    field_type="choice",
    prompt="How long the model thinks (default: the model's own choice)",
    choices=["default", *EFFORTS],
    default="default",
    required=False,
    requires_model=True,
)
"""What a setup wizard asks for every service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """All that a module brings.

    Attributes:
        profile: what the service is like.
        transport: where it is and who calls it.
        models: where its models come from.
        defaults: options that config overrides.
        own_keys: config keys that the module reads itself.
        config_fields: what a setup wizard asks.
        credential_env_vars: where a credential may come from.
        capabilities: what the provider can do beyond making calls, in a host's words.
        problem: a malformed setting of the module's own, told on first use.
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
