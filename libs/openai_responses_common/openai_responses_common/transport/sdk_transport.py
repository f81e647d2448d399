"""The transport over the client of the `openai` SDK.

We use the SDK as an HTTP client: for TLS, the connection pool and error statuses. We do not use its typed
parameters and events, which cost half a millisecond per input item and many times the reading of the stream (measured
with openai 3.52). The SDK is imported when the first client is built, in a thread. What it would add from its own
environment variables (keys, organization, project, headers) is not sent, because the endpoint identifies the caller.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from ..failures.failure import Failure
from ..failures.read import read_error_response
from ..installation import importing
from .base import Document, Endpoint
from .client_transport import (
    CONNECT_TIMEOUT_S,
    ClientTransport,
    build_connection_failure,
    describe_connect_timeout,
    remove_read_timeout,
)
from .credential import Headers
from .http_client import build_async_transport, connection_error_types, read_headers, read_json_reply

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


class SdkTransport(ClientTransport["AsyncOpenAI"]):
    """Sends requests through the SDK; see `Transport`."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, _SdkLibrary())


class _SdkLibrary:
    """The SDK as a client library; see `ClientLibrary`."""

    def build(self, endpoint: Endpoint) -> AsyncOpenAI:
        """Import the SDK and return a client. This takes hundreds of milliseconds, so it runs in a thread."""
        with importing():
            import httpx2
            from openai import AsyncOpenAI, Omit

        omitted_headers = dict.fromkeys(
            [*_read_environment_header_names(), "Authorization", "OpenAI-Organization", "OpenAI-Project"], Omit()
        )
        headers = cast(dict[str, str], {**omitted_headers, **endpoint.headers})
        return AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key="sent with each request",
            max_retries=0,
            http_client=httpx2.AsyncClient(
                transport=build_async_transport(httpx2, endpoint.base_url), follow_redirects=False
            ),
            default_headers=headers,
            default_query=dict(endpoint.query),
        )

    async def close(self, client: AsyncOpenAI) -> None:
        await client.close()

    async def post(self, client: AsyncOpenAI, content: bytes, headers: Headers, *, timeout_s: float) -> httpx2.Response:
        import httpx2

        timeout = httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S), pool=None)
        options = _build_request_options(headers, timeout)
        post = client.post("/responses", cast_to=httpx2.Response, content=content, stream=True, options=options)
        response = await post
        remove_read_timeout(response.request.extensions)
        return response

    async def get(self, client: AsyncOpenAI, path: str, headers: Headers, *, timeout_s: float) -> Document:
        import httpx2

        options = _build_request_options(headers, timeout_s)
        return Document(body=read_json_reply(await client.get(path, cast_to=httpx2.Response, options=options)).body)

    def error_types(self) -> tuple[type[Exception], ...]:
        import httpx2
        import openai

        return (openai.APIStatusError, openai.APIConnectionError, httpx2.HTTPError, *connection_error_types())

    def read_failure(self, error: Exception, endpoint: Endpoint, *, response_started: bool) -> Failure:
        import httpx2
        import openai

        match error:
            case openai.APIStatusError():
                return read_error_response(error.status_code, error.body, read_headers(error.response.headers))
            case openai.APITimeoutError(__cause__=httpx2.ConnectTimeout()):
                return Failure(kind="timeout", message=describe_connect_timeout(endpoint))
            case _:
                # The SDK wraps the errors of sending a request, and not those of reading the body of an error response.
                return build_connection_failure(
                    error,
                    endpoint,
                    response_started=response_started or isinstance(error, httpx2.HTTPError),
                    is_timeout=isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException)),
                )


def _build_request_options(headers: Headers, timeout: float | httpx2.Timeout) -> Any:
    """Return the options of one request. The SDK demands an `Authorization` header or its explicit omission."""
    from openai import Omit

    return {"timeout": timeout, "headers": {"Authorization": Omit(), **headers}}


def _read_environment_header_names() -> list[str]:
    """Return the names of the headers that the SDK reads from the environment. Source: openai 3.52, seen 2026-11-21."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    return [name.strip() for name, colon, _ in (line.partition(":") for line in lines) if colon]
