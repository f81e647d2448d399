"""Who and what is there, and the clients that ask for it."""

from __future__ import annotations

from typing import Any

import httpx
import msal
from responses_emulator import Directory, Emulator, ManagedIdentity

SCOPE = "https://cognitiveservices.azure.com/.default"
RESOURCE = SCOPE.removesuffix("/.default")
MANAGEMENT = "https://management.azure.com/.default"
USER_IDENTITY = ManagedIdentity(
    client_id="aaaaaaaa-0000-4000-8000-000000000001",
    object_id="bbbbbbbb-0000-4000-8000-000000000001",
    resource_id="/subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine",
)
DEPLOYMENTS = {"chat": "gpt-5.4", "fast": "gpt-5.6-luna", "old": "gpt-4.1-2025-04-14"}
ACCOUNT = (
    "/subscriptions/5ab00000-0000-4000-8000-000000000001/resourceGroups/rg/providers"
    "/Microsoft.CognitiveServices/accounts/contoso"
)


class Client(httpx.Client):
    """A client that msal can borrow: it hands over certificate assertions as bytes, which httpx would write as b'…'."""

    def post(self, url: Any, *, data: Any = None, **words: Any) -> httpx.Response:
        if data is not None:
            data = {name: value.decode() if isinstance(value, bytes) else value for name, value in data.items()}
        return super().post(url, data=data, **words)


def confidential_client(cloud: Emulator, directory: Directory, client: httpx.Client, credential: Any) -> Any:
    return msal.ConfidentialClientApplication(
        directory.client_id,
        authority=f"{cloud.origin}/{directory.tenant}",
        client_credential=credential,
        instance_discovery=False,
        http_client=client,
    )


def public_client(cloud: Emulator, directory: Directory, client: httpx.Client) -> Any:
    return msal.PublicClientApplication(
        directory.client_id,
        authority=f"{cloud.origin}/{directory.tenant}",
        instance_discovery=False,
        http_client=client,
    )


def call_resource(cloud: Emulator, client: httpx.Client, token: str) -> int:
    """What the resource says to a caller with this token."""
    body = {"model": "gpt-5.6-sol", "input": "hello", "store": False}
    headers = {"authorization": f"Bearer {token}"}
    return client.post(f"{cloud.base_url}/responses", json=body, headers=headers).status_code


def post_token_form(cloud: Emulator, directory: Directory, client: httpx.Client, **form: str) -> httpx.Response:
    """A form for the token endpoint."""
    usual = {"client_id": directory.client_id, "grant_type": "client_credentials", "scope": SCOPE}
    return client.post(f"{cloud.origin}/{directory.tenant}/oauth2/v2.0/token", data={**usual, **form})
