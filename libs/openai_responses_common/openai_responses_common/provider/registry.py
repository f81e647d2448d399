"""Makes providers from names such as `openai:gpt-5.6-sol`, for scripts that run without a host."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeAlias

from amplifier_core.llm_errors import ConfigurationError

from .provider import ResponsesProvider

Factory: TypeAlias = Callable[[dict[str, Any]], ResponsesProvider]
"""Makes a provider from settings."""

ENTRY_POINT_GROUP = "openai_responses_common.providers"

_factories: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Let `create_provider` find a factory under a name; a later factory of the same name replaces it."""
    _factories[name] = factory


def create_provider(name: str, **config: Any) -> ResponsesProvider:
    """Return a new provider.

    Args:
        name: the name of a registered factory or of an installed module, such as `openai`, or a name with a model,
            such as `openai:gpt-5.6-sol`.
        config: the settings, as in a host's settings file.

    Raises:
        ConfigurationError: no factory or installed module has that name.
    """
    backend, _, model = name.partition(":")
    factory = _factories.get(backend) or _load_factory(backend)
    return factory({**config, **({"default_model": model} if model else {})})


def _load_factory(backend: str) -> Factory:
    entries = {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}
    if backend not in entries:
        available = ", ".join(sorted({*_factories, *entries})) or "none"
        raise ConfigurationError(
            f"there is no provider {backend!r}; available: {available}. Install its module, or register a factory"
        )
    factory: Factory = entries[backend].load()
    return factory
