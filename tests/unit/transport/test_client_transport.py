"""Tests of what a transport says about a timeout, for both client libraries."""

from __future__ import annotations

from types import ModuleType

import httpx
import httpx2
import pytest
from openai_responses_common import ApiKey, Endpoint, HttpTransport, SdkTransport
from openai_responses_common.failures.failure import CallFailure, Failure

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
        async with sender.open(b"{}", timeout_s=600):
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
