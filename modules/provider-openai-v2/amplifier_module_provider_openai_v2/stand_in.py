"""A provider in place of one that cannot be used, so that its first call says why.

Hosts hide the error of an import: a session would start without this provider, and nobody would learn the reason. The
file is the same in every module, and a test compares them. It imports nothing of the library, which may be absent.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, NoReturn, cast

from .installation import describe_failure

# Why this module cannot be used; empty if it can.
_problems: list[str] = []


def build_stand_in(package: str, error: BaseException) -> tuple[Any, Any, Any]:
    """Return the class, and the functions `create` and `mount`, of a module that cannot be used.

    Args:
        package: the module's `__name__`.
        error: what its import raised.

    Raises:
        ImportError: the module is not installed, but only a folder on the path. Hosts install it after this error.
    """
    problem = describe_failure(error, package)
    try:
        distribution(package)
    except PackageNotFoundError:
        raise ImportError(problem) from error
    _problems.append(problem)
    name = package.removeprefix("amplifier_module_provider_").replace("_", "-")
    class_name = f"{name.title().replace('-', '')}Provider"
    provider_class = type(class_name, (StandIn,), {"__module__": package, "name": name, "problem": problem})

    def create(config: Mapping[str, Any]) -> NoReturn:
        provider_class().check_settings()

    async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
        provider = provider_class(config=config, coordinator=coordinator)
        await coordinator.mount("providers", provider, name=name)
        return provider.close

    return provider_class, create, mount


async def on_session_ready(coordinator: Any) -> None:
    """Do nothing, for a module that has a function of this name: the first call says the reason."""


def exit_if_unusable() -> None:
    """End a program of the module with the reason, if the module cannot be used."""
    for problem in _problems:
        sys.exit(f"error: {problem}")


class StandIn:
    """A provider whose every call raises the same `ConfigurationError`.

    Attributes:
        name: the mount name of the module.
        problem: why the module cannot be used, and what the user can run.
        config: the settings.
        coordinator: the session's coordinator.
        default_model: always empty.
        priority: the rank among a host's providers; hosts prefer lower numbers.
    """

    name = ""
    problem = ""
    default_model = ""

    def __init__(
        self, *, config: Mapping[str, Any] | None = None, coordinator: Any = None, **arguments: object
    ) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self.coordinator = coordinator

    @property
    def priority(self) -> int:
        try:
            return int(self.config.get("priority", 100))
        except (TypeError, ValueError, OverflowError):
            return 100

    def get_info(self) -> Any:
        """Return a description without settings, which a host's setup would ask for."""
        from amplifier_core.models import ProviderInfo

        return ProviderInfo(id=self.name, display_name=f"{self.name} (cannot be used)")

    async def list_models(self) -> NoReturn:
        """Raise the reason."""
        self.check_settings()

    async def complete(self, request: Any, **kwargs: Any) -> NoReturn:
        """Raise the reason."""
        self.check_settings()

    def check_settings(self) -> NoReturn:
        """Raise the reason.

        Raises:
            ConfigurationError: always.
        """
        from amplifier_core.llm_errors import ConfigurationError

        raise ConfigurationError(self.problem, provider=self.name)

    def parse_tool_calls(self, response: Any) -> list[Any]:
        """Return the tool calls of a response."""
        return list(cast(list[Any], getattr(response, "tool_calls", None) or []))

    async def close(self) -> None:
        """Close nothing."""
