"""Tokens from a credential object of the `azure-identity` package, or from any object with its `get_token`.

The package is an optional dependency and is imported when a setting asks for it. An asynchronous credential runs on a
separate event loop in a daemon thread, because its connections belong to the loop that made them.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import re
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, NetworkError
from openai_responses_common import Token

from ..installation import importing, install_command
from .token_endpoint import find_aadsts_code

# What azure-core raises if a server does not respond.
_REQUIREMENT = "azure-identity>=1.15"
_NETWORK_ERROR_NAMES = frozenset({"ServiceRequestError", "ServiceResponseError"})


# The default credential lists what it tried, each on a separate line.
_TRIED_CREDENTIAL = re.compile(r"^\s*(\w{1,60}Credential):", re.M)


class AzureIdentityFlow:
    """A credential object that the user's program or azure-identity made.

    Args:
        name: the class of the credential.
        build_credential: returns the credential. It has `get_token(*scopes)`, synchronous or not, which returns an
            object with `token` and `expires_on` (Unix time in seconds). It is called with the first token.
    """

    def __init__(self, name: str, build_credential: Callable[[], Any]) -> None:
        self._name = name
        self._build_credential = build_credential

    @property
    def description(self) -> str:
        """See `Flow.description`."""
        return f"the credential {self._name}"

    @cached_property
    def _credential(self) -> Any:
        return self._build_credential()

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`."""
        try:
            access_token = self._credential.get_token(scope)
            if inspect.isawaitable(access_token):
                access_token = asyncio.run_coroutine_threadsafe(_await_value(access_token), self._event_loop).result()
            return Token(value=str(access_token.token), expires_at_s=float(access_token.expires_on))
        except Exception as error:  # noqa: BLE001 - foreign code, whose messages may hold tokens
            problem, text = type(error).__name__, str(error)
        if problem in _NETWORK_ERROR_NAMES:
            raise NetworkError(f"{self.description} cannot reach its sign-in service ({problem})")
        tried = ", ".join(dict.fromkeys(_TRIED_CREDENTIAL.findall(text)))
        reason = " ".join(filter(None, (find_aadsts_code(text), problem, f"after trying {tried}" if tried else "")))
        raise AuthenticationError(f"{self.description} did not return a token ({reason})")

    @cached_property
    def _event_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="azure-credential", daemon=True).start()
        return loop


async def _await_value(awaitable: Any) -> Any:
    return await awaitable


def build_credential_flow(credential: Any) -> AzureIdentityFlow:
    """Build the flow of a credential object.

    Raises:
        ConfigurationError: it has no `get_token`.
    """
    if not callable(getattr(credential, "get_token", None)):
        raise ConfigurationError("setting 'credential' takes an object with get_token(), as azure-identity has")
    return AzureIdentityFlow(type(credential).__name__, lambda: credential)


def build_default_azure_identity_flow(authority: str) -> AzureIdentityFlow:
    """Build the flow of azure-identity's default credential. The package is imported with the first token, in a thread.

    Raises:
        ConfigurationError: the package is not installed.
    """

    def build() -> Any:
        with importing(_REQUIREMENT):
            from azure.identity import DefaultAzureCredential  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

        return DefaultAzureCredential(authority=urlsplit(authority).netloc)  # pyright: ignore[reportUnknownVariableType]

    try:
        is_installed = importlib.util.find_spec("azure.identity") is not None
    except ModuleNotFoundError:  # not even the parent package is there
        is_installed = False
    if not is_installed:
        hint = install_command(_REQUIREMENT)
        raise ConfigurationError(f"auth azure_identity needs the azure-identity package: run `{hint}`")
    return AzureIdentityFlow("DefaultAzureCredential", build)
