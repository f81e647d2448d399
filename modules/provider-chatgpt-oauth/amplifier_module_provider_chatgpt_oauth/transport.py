"""The transport to the service: plain HTTP to where the workspace wants it, compressed if the service takes that.

Conversations stay readable when a workspace moves to another address, because the origin of ciphertext is always that
of the configured address.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import Endpoint, HttpTransport, Reply, RequestBody
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.transport.base import SwitchListener, TransportChoice

from .auth.credential import ChatgptCredential
from .compression import COMPRESSION_HEADERS, compress, may_refuse_compression
from .routing import Workspace, WorkspaceRouting
from .settings import AccountSettings, is_service_host

logger = logging.getLogger(__name__)

_OVERRIDE_HEADER = "x-openai-account-routing-override"


class ChatgptTransport(HttpTransport):
    """Sends requests for one account; see `Transport`.

    Documents, such as the model list, come from the configured address, whatever a workspace says.

    Args:
        settings: the address, and the hosts that may get the token.
        credential: what identifies the caller.
        headers: of every request.
        routing: says where the workspace wants its requests. None does not ask.
        compresses: whether the bodies of requests to the service's own hosts are compressed.
    """

    def __init__(
        self,
        settings: AccountSettings,
        credential: ChatgptCredential,
        headers: Mapping[str, str],
        *,
        routing: WorkspaceRouting | None,
        compresses: bool,
    ) -> None:
        super().__init__(Endpoint(base_url=settings.base_url, credential=credential, headers=headers))
        self._settings = settings
        self._credential = credential
        self._routing = routing
        self._compresses = compresses
        self._workspace_transports: dict[str, HttpTransport] = {}
        self._refused_origins: set[str] = set()

    async def close(self) -> None:
        """See `Transport.close`."""
        for transport in list(self._workspace_transports.values()):
            await transport.close()
        await super().close()

    @asynccontextmanager
    async def open(
        self,
        body: RequestBody,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        choice: TransportChoice = "auto",
        on_switch: SwitchListener | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """Send a body; see `Transport.open`."""
        workspace = await self._find_workspace()
        transport = self._find_transport(workspace.origin)
        send = transport.open_content if transport else super().open_content
        content = body.content()
        base_url = (transport or self).endpoint.base_url
        all_headers = dict(headers or {})
        if workspace.override:
            all_headers[_OVERRIDE_HEADER] = workspace.override
        async with AsyncExitStack() as stack:
            compressed = await self._compress(base_url, content)
            if compressed is not None:
                try:
                    compressed_headers = {**all_headers, **COMPRESSION_HEADERS}
                    request = send(compressed, timeout_s=timeout_s, headers=compressed_headers)
                    reply = await stack.enter_async_context(request)
                except CallFailure as refusal:
                    if not may_refuse_compression(refusal.failure):
                        raise
                else:
                    yield reply
                    return
            reply = await stack.enter_async_context(send(content, timeout_s=timeout_s, headers=all_headers))
            if compressed is not None:
                self._compresses = False
                logger.warning(
                    "the service does not take compressed requests, so they are sent as they are from now on"
                )
            yield reply

    async def _compress(self, base_url: str, content: bytes) -> bytes | None:
        """The compressed body. None if it is to be sent as it is."""
        is_wanted = self._compresses and is_service_host(urlsplit(base_url).hostname or "")
        return await compress(content) if is_wanted else None

    async def _find_workspace(self) -> Workspace:
        if self._routing is None:
            return Workspace()
        lease = await self._credential.lease()
        return await self._routing.find_workspace(lease, self._credential.account)

    def _find_transport(self, origin: str) -> HttpTransport | None:
        """The transport to an origin. None for the configured address, also if the token must not go to the origin."""
        if not origin or origin in self._refused_origins:
            return None
        try:
            base_url = self._settings.move_base_url(origin)
        except ConfigurationError as error:
            self._refused_origins.add(origin)
            logger.warning("the address that the workspace names is not used: %s", error)
            return None
        if base_url == self._settings.base_url:
            return None
        if base_url not in self._workspace_transports:
            endpoint = replace(self.endpoint, base_url=base_url)
            self._workspace_transports[base_url] = HttpTransport(endpoint)
        return self._workspace_transports[base_url]
