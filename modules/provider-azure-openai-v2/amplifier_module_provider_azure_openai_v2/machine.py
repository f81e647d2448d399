"""Tokens from the machine: its managed identity, and the Azure CLI of the person who works at it. Both block.

Sources: MSAL 1.39, azure-identity 1.27 and the documentation of the instance metadata service; seen 2026-11-21.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, LLMTimeoutError, ProviderUnavailableError
from openai_responses_common import Token

from .entra import FlowUnavailable, Tenant, read_token
from .token_http import TokenHttpClient, find_aadsts_code, read_refusal

_METADATA_URL = "http://169.254.169.254"
_ARC_AGENT_URL = "http://localhost:40342"  # where MSAL asks on a machine that Azure Arc manages
_PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class ManagedIdentity:
    """The identity that Azure gives to a machine or an app.

    Attributes:
        ids: which one: `client_id`, `resource_id` or `object_id`; empty for the machine's own.
        probed: first see whether there is a metadata service at all, as only a chain of ways has to know.
    """

    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    probe_first: bool = False

    @property
    def description(self) -> str:
        which = ", ".join(f"{key} {value}" for key, value in self.ids.items()) or "system-assigned"
        return f"the managed identity ({which})"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`; in a chain, a virtual machine that has no identity is none of Azure's machines."""
        from msal.managed_identity import DEFAULT_TO_VM, get_managed_identity_source

        may_be_absent = self.probe_first and get_managed_identity_source() is DEFAULT_TO_VM
        metadata = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _METADATA_URL
        if may_be_absent and not _is_reachable(metadata):
            raise FlowUnavailable("no identity service of an Azure machine answers here")
        services = (os.environ.get("IDENTITY_ENDPOINT"), os.environ.get("MSI_ENDPOINT"), metadata)
        origins = [*("{0.scheme}://{0.netloc}".format(urlsplit(each)) for each in services if each), _ARC_AGENT_URL]
        client = TokenHttpClient(*origins, is_local_service=True, check_document=self._check_client_id)
        try:
            # A new application each time: MSAL has no way to forget a single token that was refused.
            result = self._build_msal_client(client).acquire_token_for_client(resource=scope.removesuffix("/.default"))
        except ProviderUnavailableError as error:
            if may_be_absent and error.status_code == 403:  # Docker Desktop answers so in the metadata service's place
                raise FlowUnavailable("what answers at the metadata service's address is something else") from None
            raise
        if "access_token" in result:
            return read_token(result, self.description)
        said = (client.last_refusal or read_refusal(result)).description
        if may_be_absent:
            raise FlowUnavailable(f"the metadata service knows no such identity of this machine {said}")
        raise AuthenticationError(
            f"{origins[0]} refused a token for {self.description}: {said}: is that identity assigned to this machine?"
        )

    def _build_msal_client(self, client: TokenHttpClient) -> Any:
        import msal

        identity: Any = (
            msal.UserAssignedManagedIdentity(**self.ids) if self.ids else msal.SystemAssignedManagedIdentity()
        )
        if "IDENTITY_SERVER_THUMBPRINT" not in os.environ:
            return msal.ManagedIdentityClient(identity, http_client=client)
        import requests  # Service Fabric: MSAL insists on it

        session = requests.Session()
        session.trust_env = False
        return msal.ManagedIdentityClient(identity, http_client=session)

    def _check_client_id(self, document: Mapping[str, Any]) -> None:
        """The metadata service gives what it has: a machine with one other identity answers with that one's token."""
        asked, answered = self.ids.get("client_id"), document.get("client_id")
        if asked and answered and str(answered).lower() != asked.lower():
            raise AuthenticationError(
                f"the machine answered for another identity than {self.description}: is it assigned to it?"
            )


def _is_reachable(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), _PROBE_TIMEOUT_S).close()
    except (OSError, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureCli:
    """Whoever is signed in with `az login`."""

    tenant: str | None = None
    timeout_s: float = 30.0

    @property
    def description(self) -> str:
        return f"the Azure CLI{f' in tenant {self.tenant}' if self.tenant else ''}"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`."""
        if self.tenant:
            Tenant(authority="", name=self.tenant)  # it becomes a word of a command line
        program = shutil.which("az")
        if program is None:
            raise FlowUnavailable("az is not on the PATH")
        tenant = ["--tenant", self.tenant] if self.tenant else []
        command = [program, "account", "get-access-token", "--output", "json", "--scope", scope, *tenant]
        return _parse_cli_output(*_run_program(command, self.timeout_s))


def _run_program(command: list[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a program that gets nothing from us and is ended, with all that it started, when it hangs or we end."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.environ.get("SYSTEMROOT") or "/",
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )

    def end() -> None:
        if sys.platform == "win32":
            process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    atexit.register(end)
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        end()
        process.communicate()
    else:
        return process.returncode, output, errors
    finally:
        atexit.unregister(end)
    raise LLMTimeoutError(f"the Azure CLI gave no token within {timeout_s:g} s")


def _parse_cli_output(status: int, output: str, errors: str) -> Token:
    """The token of the CLI's answer. What it says otherwise is never shown: it may hold a token."""
    if status != 0:
        number = find_aadsts_code(errors)
        if number is None and re.search(r"az login|not logged in|setup account", errors, re.I):
            raise FlowUnavailable("nobody is signed in to the Azure CLI: run `az login`")
        raise AuthenticationError(f"the Azure CLI gave no token ({number or f'exit status {status}'}): run `az login`")
    try:
        found: Any = json.loads(output)
        ends = found.get("expires_on")  # az 2.54 and later; before, only the local time
        expires_at_s = float(ends) if ends else datetime.fromisoformat(found["expiresOn"]).timestamp()
        return Token(value=found["accessToken"], expires_at_s=expires_at_s)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise AuthenticationError("the Azure CLI answered with something else than a token: update it, or run `az login`")
