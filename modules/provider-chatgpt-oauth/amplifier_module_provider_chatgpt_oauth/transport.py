"""The transport to the service: to where the workspace wants it, and over HTTP compressed if the service takes that.

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
from openai_responses_common.transport.switching_transport import SwitchingTransport
from openai_responses_common.transport.websocket_transport import WebSocketTransport

from .account_settings import AccountSettings, is_service_host
from .auth.credential import ChatgptCredential
from .compression import COMPRESSION_HEADERS, compress, may_refuse_compression
from .quirks import WEBSOCKET_HEADERS, WEBSOCKET_OMITTED_FIELDS
from .routing import Workspace, WorkspaceRouting

logger = logging.getLogger(__name__)

_OVERRIDE_HEADER = "x-openai-account-routing-override"


class ChatgptTransport(SwitchingTransport):
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
        self._endpoint = Endpoint(base_url=settings.base_url, credential=credential, headers=headers)
        super().__init__(*_build_transports(self._endpoint, compresses=compresses))
        self._settings = settings
        self._credential = credential
        self._routing = routing
        self._compresses = compresses
        self._workspace_transports: dict[str, SwitchingTransport] = {}
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
        send = transport.open if transport else super().open
        all_headers = dict(headers or {})
        if workspace.override:
            all_headers[_OVERRIDE_HEADER] = workspace.override
        request = send(body, timeout_s=timeout_s, headers=all_headers, choice=choice, on_switch=on_switch)
        async with request as reply:
            yield reply

    async def _find_workspace(self) -> Workspace:
        if self._routing is None:
            return Workspace()
        lease = await self._credential.lease()
        return await self._routing.find_workspace(lease, self._credential.account)

    def _find_transport(self, origin: str) -> SwitchingTransport | None:
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
            endpoint = replace(self._endpoint, base_url=base_url)
            transports = _build_transports(endpoint, compresses=self._compresses)
            self._workspace_transports[base_url] = SwitchingTransport(*transports)
        return self._workspace_transports[base_url]


def _build_transports(endpoint: Endpoint, *, compresses: bool) -> tuple[HttpTransport, WebSocketTransport]:
    """Return the two ways to one address."""
    socket_endpoint = replace(endpoint, headers={**endpoint.headers, **WEBSOCKET_HEADERS})
    return (
        _CompressingTransport(endpoint, compresses=compresses),
        WebSocketTransport(socket_endpoint, omitted_fields=WEBSOCKET_OMITTED_FIELDS),
    )


class _CompressingTransport(HttpTransport):
    """The transport over HTTP to one address; see `ChatgptTransport`."""

    def __init__(self, endpoint: Endpoint, *, compresses: bool) -> None:
        super().__init__(endpoint)
        self._compresses = compresses and is_service_host(urlsplit(endpoint.base_url).hostname or "")

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
        content = body.content()
        async with AsyncExitStack() as stack:
            compressed = await compress(content) if self._compresses else None
            if compressed is not None:
                try:
                    compressed_headers = {**(headers or {}), **COMPRESSION_HEADERS}
                    request = self.open_content(compressed, timeout_s=timeout_s, headers=compressed_headers)
                    reply = await stack.enter_async_context(request)
                except CallFailure as refusal:
                    if not may_refuse_compression(refusal.failure):
                        raise
                else:
                    yield reply
                    return
            request = self.open_content(content, timeout_s=timeout_s, headers=headers)
            reply = await stack.enter_async_context(request)
            if compressed is not None:
                self._compresses = False
                logger.warning(
                    "the service does not take compressed requests, so they are sent as they are from now on"
                )
            yield reply
