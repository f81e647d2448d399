"""An Azure of this machine for tests: a resource, Entra and Resource Manager under their public names, over real TLS.

Names are looked up here and nowhere else, so that no test can reach a real host; what a test does not name leads
nowhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_module_provider_azure_openai_v2.auth.signed_in_user import SignedInUser
from amplifier_module_provider_azure_openai_v2.backend import resolve_settings
from amplifier_module_provider_azure_openai_v2.settings import Settings
from openai_responses_common.auth.store.record import TokenRecord
from responses_emulator import (
    Directory,
    Emulator,
    ManagedIdentity,
    arm_surface,
    azure_classic_surface,
    azure_surface,
    entra_surface,
)
from responses_emulator.transport.tls import LOOPBACK

from tests.support.backends import BACKENDS
from tests.support.session import Session

AZURE = next(row for row in BACKENDS if row.name == "azure-openai-v2")
CANARY = "canary7"
HOST, PROJECT_HOST = "contoso.openai.azure.com", "contoso.services.ai.azure.com"
ENTRA, MANAGER, METADATA = "login.microsoftonline.com", "management.azure.com", "169.254.169.254"
PUBLIC = (HOST, PROJECT_HOST, "contoso.cognitiveservices.azure.com", "apim.contoso.com", ENTRA, MANAGER)
COGNITIVE, FOUNDRY = "https://cognitiveservices.azure.com", "https://ai.azure.com"
DEPLOYMENTS = {"chat": "gpt-5.4", "fast": "gpt-5.6-luna", "old": "gpt-4.1-2025-04-14"}
ACCOUNT = (
    "/subscriptions/5ab00000-0000-4000-8000-000000000001/resourceGroups/rg/providers"
    "/Microsoft.CognitiveServices/accounts/contoso"
)
KEY = f"azure-key-{CANARY}"
PASSWORD = f" {CANARY}-${{HOME}} "  # with what belongs to a password and to no other setting
MINE = ManagedIdentity(
    client_id="aaaaaaaa-0000-4000-8000-000000000001",
    object_id="bbbbbbbb-0000-4000-8000-000000000001",
    resource_id="/subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine",
)
_USUAL_PORTS = {None, 80, "80", 443, "443", "http", "https"}
_HERE = {None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1", *LOOPBACK}


@dataclass(slots=True)
class Names:
    """Where the names of a test lead: ports of this machine. Every name that was looked up is on record."""

    ports: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on this is how the process finds hosts."""
        real = socket.getaddrinfo

        def find(host: Any, port: Any, *words: Any, **named: Any) -> Any:
            host = host.decode() if isinstance(host, bytes) else host
            if host in _HERE:
                return real(host, port, *words, **named)
            self.asked.append(str(host))
            if host not in self.ports:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real("127.0.0.1", self.ports[host] if port in _USUAL_PORTS else port, *words, **named)

        monkeypatch.setattr(socket, "getaddrinfo", find)


@dataclass(slots=True, kw_only=True)
class Cloud:
    """A resource, and the tenant of those who may call it."""

    directory: Directory
    server: Emulator
    ca_file: str
    names: Names
    sessions: list[Session] = field(default_factory=list)

    def url(self, host: str = HOST) -> str:
        """The address of the resource under one of its names; the port is there because this machine has no 443."""
        return f"https://{host}:{self.server.port}"

    @property
    def app(self) -> dict[str, str]:
        """Settings that name the tenant's application."""
        return {"tenant_id": self.directory.tenant, "client_id": self.directory.client_id}

    @property
    def secret(self) -> dict[str, str]:
        """The same with its secret."""
        return {**self.app, "client_secret": self.directory.client_secret}

    def environment(self, *, secret: bool = True) -> dict[str, str]:
        """The same as variables."""
        app = {"AZURE_TENANT_ID": self.directory.tenant, "AZURE_CLIENT_ID": self.directory.client_id}
        return {**app, "AZURE_CLIENT_SECRET": self.directory.client_secret} if secret else app

    @property
    def local(self) -> dict[str, str]:
        """Settings for programs of their own, which look names up by themselves."""
        return {
            "azure_endpoint": f"https://127.0.0.1:{self.server.port}",
            "authority_host": f"https://localhost:{self.server.port}",
            "allowed_hosts": "127.0.0.1",
            "token_store": "file",
        }

    async def open(self, **settings: Any) -> Session:
        """A session with settings of the test's own; nothing is tried twice unless it says so."""
        config = {"azure_endpoint": self.url(), "default_model": AZURE.model, "max_retries": 0, **settings}
        given = {key: value for key, value in config.items() if value is not ...}
        self.sessions.append(await Session(AZURE, self.server).mount(given))
        return self.sessions[-1]

    async def ask(self, **settings: Any) -> Any:
        """The answer to one call of a new session."""
        return await (await self.open(**settings)).ask("hello")

    async def refusal(self, **settings: Any) -> LLMError:
        """The error of one call of a new session."""
        return await failing(await self.open(**settings))

    def sign_in(self, folder: Path, **changes: str) -> dict[str, str]:
        """Somebody signs in, as with the command but without its waiting; the settings of whoever uses that then."""
        self.directory.polls_until_approved = 0
        kept = {**self.local, **self.app, "token_file_path": str(folder / "sign-in.json"), **changes}
        settings = Settings.from_config(kept)
        person = SignedInUser.from_settings(
            settings, resolve_settings(Settings.from_config({**kept, "auth": "entra_device_code"})).endpoint
        )
        _, poll = person.prepare_device_code_sign_in(f"{COGNITIVE}/.default")()
        record = poll()
        assert isinstance(record, TokenRecord)
        person.store.save(record)
        return kept

    @property
    def sent(self) -> list[str]:
        """The credential of every model request."""
        headers = [each.headers for each in self.server.model_requests]
        return [each.get("api-key") or each["authorization"].removeprefix("Bearer ") for each in headers]

    @property
    def caller(self) -> Any:
        """Who made the newest model request, as the tenant knows them."""
        return self.directory.find_access_token(self.sent[-1])

    def token_requests(self) -> int:
        """How often the token endpoint was asked."""
        return len(self.directory.token_forms)


StartCloud = Callable[..., Cloud]
"""Starts a cloud; options are those of the resource."""


async def failing(session: Session) -> LLMError:
    """The error of one call."""
    with pytest.raises(LLMError) as caught:
        await session.ask("hello")
    return caught.value


def surfaces(directory: Directory, **options: Any) -> tuple[Any, ...]:
    """Everything of a cloud that speaks TLS."""
    pages = {key: options.pop(key) for key in ("page_size", "next_origin") if key in options}
    deployments = options.get("deployments") or DEPLOYMENTS
    dated = {key: value for key, value in options.items() if key not in {"takes_version", "prefix"}}
    return (
        azure_surface(directory=directory, **options),
        azure_classic_surface(directory=directory, **dated),
        arm_surface(directory, deployments, **pages),
        entra_surface(directory),
    )


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for what happens in a thread."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
