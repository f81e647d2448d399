"""The backends under test, one row each: which service the emulator plays for it, and what a host would configure.

Every behaviour test runs once per row. A test asks the row what differs; it never asks for a backend by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.emulator import Emulator, openai_surface
from tests.emulator.surface import Surface

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendUnderTest:
    """One provider module and the service that stands in for its own.

    Attributes:
        name: mount name.
        module: module id, which is also its entry point and the name of its folder.
        package: import name.
        class_name: the class that hosts look up.
        surface: makes the emulated service.
        secret: a credential that the service takes; it must turn up nowhere but in a request's headers.
        config: what a settings file would hold, from the service's base URL and a credential.
        collected: what a setup wizard passes to the constructor, from the same.
        environment: variables that say the same, for hosts that pass no config.
        unset: variables that must be absent for a test without credentials.
        model: an ordinary reasoning model of this backend; its siblings terra and luna are there too.
        plain_model: one that does not reason; None where there is none.
        live_model: a cheap model for calls that are paid for.
        account: variables that name a real account.
        refuses: body keys that the service never gets.
        takes_key: the credential is a key that is simply sent along.
        priced: tokens are paid one by one.
    """

    name: str
    module: str
    package: str
    class_name: str
    surface: Callable[[], Surface]
    secret: str
    config: Callable[[str, str], dict[str, Any]]
    collected: Callable[[str, str], dict[str, Any]]
    environment: Callable[[str, str], dict[str, str]]
    unset: tuple[str, ...] = ()
    model: str = "gpt-5.6-sol"
    plain_model: str | None = "gpt-4.1"
    live_model: str = "gpt-5.6-luna"
    account: tuple[str, ...]
    refuses: frozenset[str] = field(default_factory=frozenset[str])
    takes_key: bool = True
    priced: bool = True

    @property
    def folder(self) -> Path:
        return ROOT / "modules" / self.module

    @property
    def package_path(self) -> Path:
        return self.folder / self.package

    @property
    def provider_class(self) -> Any:
        return getattr(importlib.import_module(self.package), self.class_name)

    @property
    def mount(self) -> Callable[[Any, Mapping[str, Any] | None], Any]:
        return importlib.import_module(self.package).mount

    def emulator(self, **options: Any) -> Emulator:
        """The service, not yet started."""
        return Emulator(surfaces=(self.surface(),), **options)

    def settings(self, emulator: Emulator, **more: Any) -> dict[str, Any]:
        """A config that reaches an emulator, with short waits; `more` wins."""
        found = self.config(emulator.base_url, self.secret)
        return {**found, "default_model": self.model, "min_retry_delay": 0.01, "max_retry_delay": 5, **more}


BACKENDS = [
    BackendUnderTest(
        name="openai-v2",
        module="provider-openai-v2",
        package="amplifier_module_provider_openai_v2",
        class_name="OpenaiV2Provider",
        surface=openai_surface,
        secret="sk-canary-0123456789abcdefghijklmnopqrstuv",
        config=lambda url, secret: {"base_url": url, "api_key": secret},
        collected=lambda url, secret: {"base_url": url, "api_key": secret},
        environment=lambda url, secret: {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": secret},
        account=("OPENAI_API_KEY",),
        unset=("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
    ),
]
