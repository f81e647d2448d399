"""A provider whose address and key a host may pass to the constructor, apart from the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .backend import Backend
from .environment import override_config
from .provider import ResponsesProvider


class AddressedProvider(ResponsesProvider):
    """A provider whose host may pass an address and a key separately from the config.

    A module derives its class from this one and overrides `build_backend`.

    Args:
        base_url: the address of the service; wins over the config's address. None, `""` and a host's placeholder count
            as absent. A required keyword, because only then hosts that probe constructors pass the user's address.
        api_key: the key; wins over the config's key. None, by default, leaves the config's key.
        config: the settings; None, by default, is an empty config. The module's README lists the settings.
        coordinator: the session's coordinator, for hook events; None, by default, emits no events.

    Attributes:
        address_key: the config key of the address; `base_url` by default.
    """

    address_key: ClassVar[str] = "base_url"

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None = None,
        config: Mapping[str, Any] | None = None,
        coordinator: Any = None,
    ) -> None:
        overridden_config = override_config(config, **{self.address_key: base_url, "api_key": api_key})
        super().__init__(self.build_backend(overridden_config), config=config, coordinator=coordinator)

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend of the service; must not raise, so that a bad setting becomes `Backend.problem`.

        Args:
            config: the settings, with the address and the key that the host passed separately.
        """
        raise NotImplementedError
