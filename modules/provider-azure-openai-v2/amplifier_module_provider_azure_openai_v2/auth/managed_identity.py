"""Tokens from the managed identity of this machine or app. Blocks.

Sources: MSAL 1.39, azure-identity 1.27 and the documentation of the instance metadata service; seen 2026-11-21.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from openai_responses_common import Token
from openai_responses_common.transport.http_client import BlockingHttp

from ..installation import importing
from .flow import FlowUnavailable
from .msal_application import read_token
from .token_endpoint import TokenHttpClient, read_refusal

_METADATA_URL = "http://169.254.169.254"
_ARC_AGENT_URL = "http://localhost:40342"  # the address that MSAL uses on a machine with Azure Arc
_TOKEN_PATH = "/metadata/identity/oauth2/token"
_PROBE_TIMEOUT_S = 1.0  # as in azure-identity 1.27


@dataclass(frozen=True, kw_only=True)
class ManagedIdentity:
    """The identity that Azure gives to a machine or an app.

    Attributes:
        ids: selects a user-assigned identity by `client_id`, `resource_id` or `object_id`; empty for the
            system-assigned one.
        in_chain: True in a chain of flows, where a machine without an identity is not a failure. False by default.
    """

    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    in_chain: bool = False

    @property
    def description(self) -> str:
        """See `Flow.description`."""
        name = ", ".join(f"{key} {value}" for key, value in self.ids.items()) or "system-assigned"
        return f"the managed identity ({name})"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`. In a chain, a machine is skipped unless Azure's own service responds there.

        Other clouds, company networks and Docker Desktop respond at the metadata address, too. In Azure Cloud Shell
        nothing does; its user is signed in to the Azure CLI.
        """
        with importing():
            from msal.managed_identity import (
                AZURE_ARC,
                CLOUD_SHELL,
                DEFAULT_TO_VM,
                SERVICE_FABRIC,
                get_managed_identity_source,
            )

        source = get_managed_identity_source()
        if source == SERVICE_FABRIC:  # MSAL calls it with another HTTP client
            raise ConfigurationError(
                "the managed identity of Service Fabric needs azure-identity: set auth to azure_identity"
            )
        may_be_absent = self.in_chain and source in {DEFAULT_TO_VM, CLOUD_SHELL}
        metadata = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _METADATA_URL
        if may_be_absent and not _responds(metadata):
            raise FlowUnavailable("this machine has no identity service of Azure")
        services = (os.environ.get("IDENTITY_ENDPOINT"), os.environ.get("MSI_ENDPOINT"), metadata)
        origins = [*("{0.scheme}://{0.netloc}".format(urlsplit(each)) for each in services if each), _ARC_AGENT_URL]
        client = TokenHttpClient(
            *origins,
            is_local_service=True,
            expects_challenge=source is AZURE_ARC,
            check_document=self._check_client_id,
        )
        try:
            # A new application each time, because MSAL cannot forget a single token that was refused.
            result = self._build_msal_client(client).acquire_token_for_client(resource=scope.removesuffix("/.default"))
        except LLMError as error:
            if may_be_absent and not client.has_json_response:
                raise FlowUnavailable(f"the server at the metadata address is not Azure's ({error})") from None
            raise
        if "access_token" in result:
            return read_token(result, self.description)
        refusal = (client.last_refusal or read_refusal(result)).description
        if may_be_absent:
            raise FlowUnavailable(f"the metadata service does not know this identity {refusal}")
        raise AuthenticationError(
            f"{origins[0]} refused a token for {self.description}: {refusal}: is that identity assigned to this "
            "machine?"
        )

    def _build_msal_client(self, client: TokenHttpClient) -> Any:
        import msal

        identity = msal.UserAssignedManagedIdentity(**self.ids) if self.ids else msal.SystemAssignedManagedIdentity()
        return msal.ManagedIdentityClient(identity, http_client=client)

    def _check_client_id(self, document: Mapping[str, Any]) -> None:
        """Check that the token is for the requested identity: a machine with one other identity returns that one's."""
        requested, returned = self.ids.get("client_id"), document.get("client_id")
        if requested and returned and str(returned).lower() != requested.lower():
            raise AuthenticationError(
                f"the machine returned a token of another identity than {self.description}: is that identity assigned "
                "to this machine?"
            )


def _responds(url: str) -> bool:
    """Return whether a server responds in time. The request has no header `Metadata`, so it gets no token."""
    try:
        BlockingHttp(timeout_s=_PROBE_TIMEOUT_S, uses_proxy=False).request("GET", f"{url}{_TOKEN_PATH}")
    except LLMError:
        return False
    return True
