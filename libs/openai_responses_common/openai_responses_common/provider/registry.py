"""Providers by name: `"openai:gpt-5.6-sol"` → a provider, for scripts that run without a host."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeAlias

from amplifier_core.llm_errors import ConfigurationError

from .provider import ResponsesProvider

Factory: TypeAlias = Callable[[dict[str, Any]], ResponsesProvider]
"""Makes a provider from a config."""

ENTRY_POINT_GROUP = "openai_responses_common.providers"

_factories: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Make a factory known under a name; a later one of the same name replaces it."""
    _factories[name] = factory


def create_provider(name: str, **config: Any) -> ResponsesProvider:
    """A provider by name.

    Args:
        name: `"backend"` or `"backend:model"`; installed modules are found by themselves.
        config: settings as in a host's config file.

    Raises:
        ConfigurationError: nothing of that name is registered or installed.
    """
    backend, _, model = name.partition(":")
    factory = _factories.get(backend) or _load_factory(backend)
    return factory({**config, **({"default_model": model} if model else {})})


def _load_factory(backend: str) -> Factory:
    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}
    if backend not in found:
        names = ", ".join(sorted({*_factories, *found})) or "none"
        raise ConfigurationError(f"no provider {backend!r}; known: {names}. Install its module or register a factory")
    factory: Factory = found[backend].load()
    return factory
