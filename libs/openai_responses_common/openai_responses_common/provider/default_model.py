"""Reads the model list of a service that has only one model, because that one is then the default."""

from __future__ import annotations

import asyncio

from amplifier_core.llm_errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    LLMError,
    LLMTimeoutError,
)

from ..facts.model_ids import has_snapshot_date
from .backend import Backend
from .catalogue import Catalogue

_MAX_NAMES = 20  # of models in an error


async def read_default_model(backend: Backend, catalogue: Catalogue, *, timeout_s: float | None, provider: str) -> None:
    """Read the list, after which `backend.models.default()` names the model.

    Args:
        backend: of the service.
        catalogue: reads the list.
        timeout_s: the longest time that it may take, in seconds; None if there is no limit.
        provider: the mount name of the provider, for the error.

    Raises:
        ConfigurationError: the list has several models, or none, or the service has no list.
        LLMError: the service cannot be reached, or refuses the caller.
    """
    name, models = backend.profile.display_name, list[str]()
    try:
        async with asyncio.timeout(timeout_s):
            models = [model.id for model in await catalogue.get_models(fresh=True)]
        problem = f"the service lists {_shorten_list(models) or 'none'}"
    except TimeoutError:
        message = f"the model list took longer than the timeout of the call, {timeout_s} s"
        raise LLMTimeoutError(message, retryable=False) from None
    except LLMError as error:
        if error.retryable or isinstance(error, AuthenticationError | AccessDeniedError | ConfigurationError):
            raise
        problem = f"its model list cannot be read ({error}), so check the address, too"
    if not backend.models.default():
        raise ConfigurationError(f"{name}: no model is chosen: set default_model; {problem}", provider=provider)


def _shorten_list(models: list[str]) -> str:
    names = [model for model in models if not has_snapshot_date(model)] or models
    rest = len(models) - len(names[:_MAX_NAMES])
    return ", ".join(names[:_MAX_NAMES]) + (f" and {rest} more" if rest else "")
