"""The transport over a plain HTTP client, for services that the SDK's client does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..failures.connections import describe_connection_error
from ..failures.failure import CallFailure, Failure
from .base import Document, Endpoint
from .client_transport import (
    CONNECT_TIMEOUT_S,
    INTERRUPTED_RESPONSE,
    ClientTransport,
    build_connection_failure,
    describe_connect_timeout,
    remove_read_timeout,
)
from .credential import Headers
from .http_client import build_async_transport, connection_error_types, import_http_library, read_json_reply

if TYPE_CHECKING:
    import httpx

_NOT_MODIFIED = 304


class HttpTransport(ClientTransport["httpx.AsyncClient"]):
    """Sends requests through `httpx`; see `Transport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, _HttpxLibrary())


class _HttpxLibrary:
    """`httpx` as a client library; see `ClientLibrary`."""

    def build(self, endpoint: Endpoint) -> httpx.AsyncClient:
        library = import_http_library()
        return library.AsyncClient(
            base_url=endpoint.base_url,
            headers=dict(endpoint.headers),
            params=dict(endpoint.query),
            follow_redirects=False,
            transport=build_async_transport(library, endpoint.base_url),
        )

    async def close(self, client: httpx.AsyncClient) -> None:
        await client.aclose()

    async def post(
        self, client: httpx.AsyncClient, content: bytes, headers: Headers, *, timeout_s: float
    ) -> httpx.Response:
        all_headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **headers}
        request = client.build_request(
            "POST", "responses", content=content, headers=all_headers, timeout=_build_timeout(timeout_s)
        )
        response = await client.send(request, stream=True)
        if response.is_success:
            remove_read_timeout(response.request.extensions)
            return response
        try:
            await response.aread()
        except import_http_library().TimeoutException:
            failure = Failure(kind="timeout", message=INTERRUPTED_RESPONSE)
        except self.error_types() as error:
            failure = Failure(kind="stream", message=describe_connection_error("an error response broke off", error))
        else:
            failure = read_json_reply(response).read_failure()
        finally:
            await response.aclose()
        raise CallFailure(failure)

    async def get(self, client: httpx.AsyncClient, path: str, headers: Headers, *, timeout_s: float) -> Document:
        all_headers = {"Accept": "application/json", **headers}
        response = await client.get(path.lstrip("/"), headers=all_headers, timeout=_build_timeout(timeout_s))
        if response.status_code == _NOT_MODIFIED and "If-None-Match" in headers:
            return Document(etag=headers["If-None-Match"], unchanged=True)
        if not response.is_success:
            raise CallFailure(read_json_reply(response).read_failure())
        return Document(body=read_json_reply(response).body, etag=response.headers.get("etag"))

    def error_types(self) -> tuple[type[Exception], ...]:
        return (import_http_library().HTTPError, *connection_error_types())

    def read_failure(self, error: Exception, endpoint: Endpoint, *, response_started: bool) -> Failure:
        if isinstance(error, import_http_library().ConnectTimeout):
            return Failure(kind="timeout", message=describe_connect_timeout(endpoint))
        return build_connection_failure(
            error,
            endpoint,
            response_started=response_started,
            is_timeout=isinstance(error, import_http_library().TimeoutException),
        )


def _build_timeout(timeout_s: float) -> Any:
    return import_http_library().Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S), pool=None)
