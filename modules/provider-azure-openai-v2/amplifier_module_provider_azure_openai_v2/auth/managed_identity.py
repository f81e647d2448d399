"""Tokens from the machine: its managed identity, and the Azure CLI of the person who works at it. Both block.

Sources: MSAL 1.39, azure-identity 1.27 and the documentation of the instance metadata service; seen 2026-11-21.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, ProviderUnavailableError
from openai_responses_common import Token

from .flow import FlowUnavailable
from .msal_application import read_token
from .token_endpoint import TokenHttpClient, read_refusal

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
