"""A client of the `openai` SDK for the account of an endpoint, for requests that are not calls to a chat model.

Calls and model lists do not go through it. What the SDK would add from its own environment variables (keys,
organization, project, headers) is not sent, because the endpoint identifies the caller.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, cast

from ..installation import importing
from .base import Endpoint
from .credential import UNAUTHORIZED
from .http_client import build_async_transport, read_json_reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI


async def build_openai_client(endpoint: Endpoint) -> AsyncOpenAI:
    """Return a client with the address, the headers, the credential and the proxy of an endpoint.

    The SDK is imported in a thread, because that takes half a second.

    Raises:
        LLMError: there is no credential.
        ConfigurationError: the SDK cannot be imported; or see `build_async_transport`.
    """
    await endpoint.credential.prepare()
    await endpoint.credential.lease()
    return await asyncio.to_thread(_build, endpoint)


def _build(endpoint: Endpoint) -> AsyncOpenAI:
    with importing():
        import httpx2
        from openai import AsyncOpenAI, Omit

    class CredentialAuth(httpx2.Auth):
        """Puts the headers of the credential on each request, and refreshes it once after a 401."""

        async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
            lease = await endpoint.credential.lease()
            for _ in range(2):
                request.headers.pop("Authorization", None)
                request.headers.update(lease.headers)
                response = yield request
                if response.status_code != UNAUTHORIZED:
                    return
                await response.aread()
                if not await endpoint.credential.refresh(lease, read_json_reply(response).read_failure()):
                    return
                lease = await endpoint.credential.lease()

    names = [*_list_environment_headers(), "OpenAI-Organization", "OpenAI-Project"]
    headers = cast(dict[str, str], {**dict.fromkeys(names, Omit()), **endpoint.headers})
    return AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key="replaced in each request",
        http_client=httpx2.AsyncClient(
            auth=CredentialAuth(), transport=build_async_transport(endpoint.base_url), follow_redirects=False
        ),
        default_headers=headers,
        default_query=dict(endpoint.query),
    )


def _list_environment_headers() -> list[str]:
    """Return the names of the headers that the SDK reads from the environment. Source: openai 3.52, seen 2026-11-21."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    return [name.strip() for name, colon, _ in (line.partition(":") for line in lines) if colon]
