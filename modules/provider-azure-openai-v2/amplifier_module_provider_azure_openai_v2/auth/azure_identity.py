"""Credentials of the `azure-identity` package, or of anything else that has its `get_token`.

The package is an extra: it is imported when it is asked for. An asynchronous credential gets an event loop of its own
in a daemon thread, because its connections belong to the loop that made them.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, NetworkError
from openai_responses_common import Token

from .token_endpoint import find_aadsts_code

# What azure-core raises where nobody answered.
_NETWORK_ERROR_NAMES = frozenset({"ServiceRequestError", "ServiceResponseError"})


class AzureIdentityFlow:
    """A credential that somebody else made.

    Args:
        credential: has `get_token(*scopes)`, synchronous or not, which gives `token` and `expires_on` (Unix time).
    """

    def __init__(self, credential: Any) -> None:
        if not callable(getattr(credential, "get_token", None)):
            raise ConfigurationError(
                "setting 'credential' takes an object with get_token(), as azure-identity makes them"
            )
        self._credential = credential

    @property
    def description(self) -> str:
        return f"the credential {type(self._credential).__name__}"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`."""
        try:
            found = self._credential.get_token(scope)
            if inspect.isawaitable(found):
                found = asyncio.run_coroutine_threadsafe(_await_value(found), self._event_loop).result()
            return Token(value=str(found.token), expires_at_s=float(found.expires_on))
        except Exception as error:  # noqa: BLE001 - a stranger's code; its messages may hold tokens
            problem = type(error).__name__
            number = find_aadsts_code(str(error))
        if problem in _NETWORK_ERROR_NAMES:
            raise NetworkError(f"{self.description} cannot reach whoever gives its tokens ({problem})")
        raise AuthenticationError(f"{self.description} gave no token ({' '.join(filter(None, (number, problem)))})")

    @cached_property
    def _event_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="azure-credential", daemon=True).start()
        return loop


async def _await_value(awaitable: Any) -> Any:
    return await awaitable


def build_default_azure_identity_flow(authority: str) -> AzureIdentityFlow:
    """The default credential of azure-identity.

    Raises:
        ConfigurationError: the package is not installed.
    """
    try:
        from azure.identity import DefaultAzureCredential  # pyright: ignore[reportMissingImports, reportUnknownVariableType]
    except ImportError:
        hint = "pip install 'amplifier-module-provider-azure-openai-v2[azure-identity]'"
        raise ConfigurationError(f"auth azure_identity needs the azure-identity package: run `{hint}`") from None
    return AzureIdentityFlow(DefaultAzureCredential(authority=urlsplit(authority).netloc))
