"""Tests of `ClientTransport`: what it says about a timeout, and how it leaves a response that is complete."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from types import ModuleType
from typing import Any, cast

import anyio
import httpx
import httpx2
import pytest
from amplifier_core.llm_errors import AbortError
from openai_responses_common import ApiKey, Endpoint, HttpTransport, SdkTransport
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.testing.fake_transport import build_body
from openai_responses_common.transport.client_transport import ClientTransport
from openai_responses_common.transport.http_client import connection_error_types

ENDPOINT = Endpoint(base_url="https://service.test/v1", credential=ApiKey(key="key-1"))

LIBRARIES = pytest.mark.parametrize(("transport", "library"), [(HttpTransport, httpx), (SdkTransport, httpx2)])


async def _fail(
    monkeypatch: pytest.MonkeyPatch, transport: type[HttpTransport | SdkTransport], library: ModuleType, error: str
) -> Failure:
    """Return the failure of a request whose connection raises an error of the library."""

    async def raise_error(_self: object, request: object) -> object:
        raise getattr(library, error)("", request=request)

    monkeypatch.setattr(library.AsyncHTTPTransport, "handle_async_request", raise_error)
    sender = transport(ENDPOINT)
    try:
        async with sender.open(build_body(), timeout_s=600):
            raise AssertionError("the request did not fail")
    except CallFailure as raised:
        return raised.failure
    finally:
        await sender.close()


@LIBRARIES
async def test_connection_that_is_not_made_in_time_names_the_address_and_no_setting(
    monkeypatch: pytest.MonkeyPatch, transport: type[HttpTransport | SdkTransport], library: ModuleType
) -> None:
    failure = await _fail(monkeypatch, transport, library, "ConnectTimeout")
    assert failure == Failure(kind="timeout", message="timed out: cannot connect to https://service.test/v1")


@LIBRARIES
async def test_silent_service_names_the_setting_of_the_timeout(
    monkeypatch: pytest.MonkeyPatch, transport: type[HttpTransport | SdkTransport], library: ModuleType
) -> None:
    failure = await _fail(monkeypatch, transport, library, "ReadTimeout")
    assert failure.kind == "timeout"
    assert "setting 'timeout'" in failure.message


class _Response:
    """A complete response, with text after it that is not an event and comes when `rest` is set."""

    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.rest = asyncio.Event()

    async def aiter_raw(self) -> AsyncGenerator[bytes, None]:
        yield b'data: {"type": "response.completed", "response": {"output": []}}\n\n'
        await self.rest.wait()
        yield b"data: {\n\n"

    async def aclose(self) -> None: ...


class _Library:
    """A client library whose one request gets a `_Response`."""

    def __init__(self) -> None:
        self.response = _Response()

    def build(self, endpoint: Endpoint) -> object:
        return object()

    async def close(self, client: object) -> None: ...

    async def post(self, *_: object, **__: object) -> _Response:
        return self.response

    def error_types(self) -> tuple[type[Exception], ...]:
        return ()


async def test_request_of_a_client_that_was_closed_meanwhile_is_an_abort() -> None:
    library = _Library()
    transport = ClientTransport[object](ENDPOINT, cast(Any, library))

    async def post(*_: object, **__: object) -> _Response:
        await transport.close()
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    library.post = post  # type: ignore[method-assign]
    with pytest.raises(AbortError, match="closed during this call"):
        async with transport.open(build_body(), timeout_s=600):
            raise AssertionError("the request was sent")


async def test_complete_response_is_left_without_an_error_if_the_provider_is_closed_meanwhile() -> None:
    library = _Library()
    transport = ClientTransport[object](ENDPOINT, cast(Any, library))
    async with transport.open(build_body(), timeout_s=600) as reply:
        events = await anext(reply.batches)
        await transport.close()
        library.response.rest.set()
    assert [event["type"] for event in events] == ["response.completed"]


async def test_connection_that_breaks_while_it_is_closed_costs_nothing() -> None:
    class BrokenResponse(_Response):
        async def aclose(self) -> None:
            raise ssl.SSLError("decryption failed or bad record mac")

    class BrokenLibrary(_Library):
        async def close(self, client: object) -> None:
            raise ConnectionResetError

        def error_types(self) -> tuple[type[Exception], ...]:
            return connection_error_types()

    library = BrokenLibrary()
    library.response = BrokenResponse()
    library.response.rest.set()
    transport = ClientTransport[object](ENDPOINT, cast(Any, library))
    async with transport.open(build_body(), timeout_s=600) as reply:
        events = await anext(reply.batches)
    await transport.close()
    assert [event["type"] for event in events] == ["response.completed"]


@LIBRARIES
@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLError("bad record"),
        ConnectionResetError(),
        BrokenPipeError(),
        socket.gaierror(-2, "Name or service not known"),
        EOFError(),
        anyio.EndOfStream(),
        anyio.ClosedResourceError(),
        anyio.BrokenResourceError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_error_of_a_socket_is_a_failure_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
    transport: type[HttpTransport | SdkTransport],
    library: ModuleType,
    error: Exception,
) -> None:
    async def raise_error(_self: object, request: object) -> object:
        raise error

    monkeypatch.setattr(library.AsyncHTTPTransport, "handle_async_request", raise_error)
    sender = transport(ENDPOINT)
    for operation in (lambda: sender.fetch("/models", timeout_s=600), lambda: _open(sender)):
        with pytest.raises(CallFailure) as caught:
            await operation()
        assert caught.value.failure.kind == ("timeout" if isinstance(error, TimeoutError) else "network")
    await sender.close()


async def _open(sender: HttpTransport | SdkTransport) -> None:
    async with sender.open(build_body(), timeout_s=600):
        raise AssertionError("the request did not fail")
