"""A client of the `openai` SDK for the account of a provider: the same credential, headers and address."""

from __future__ import annotations

import sys
from typing import Any, get_type_hints

import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError
from openai_responses_common import AddressedProvider, create_provider

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.session import Session

ADDRESSED = [row for row in BACKENDS if issubclass(row.provider_class, AddressedProvider)]

for_addressed = pytest.mark.parametrize("row", ADDRESSED, ids=lambda row: row.name)


async def open_session(row: BackendUnderTest, emulator: Any, **settings: Any) -> Session:
    return await Session(row, emulator).mount(row.settings(emulator, **settings))


@for_addressed
async def test_the_client_identifies_itself_as_the_provider_does(
    row: BackendUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of the SDK that name another account are not sent."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "org-canary")
    with row.emulator() as running:
        session = await open_session(row, running)
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Canary: org-canary")
        async with await session.provider.create_openai_client() as client:
            response = await client.responses.create(model=row.model, input="hello", store=False)
        await session.ask("hello")
        await session.cleanup()
        by_sdk, own = running.model_requests
    assert response.output_text
    names = ("authorization", "api-key", "user-agent", "openai-organization", "openai-project")
    assert [by_sdk.headers.get(name) for name in names] == [own.headers.get(name) for name in names]
    assert by_sdk.path == own.path
    assert "x-canary" not in by_sdk.headers


@for_addressed
async def test_a_missing_package_is_named(row: BackendUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    with row.emulator() as running:
        session = await open_session(row, running)
        monkeypatch.setitem(sys.modules, "openai", None)  # as if it were not installed
        with pytest.raises(ConfigurationError, match="the package openai"):
            await session.provider.create_openai_client()
        await session.cleanup()


@for_addressed
async def test_a_missing_key_is_named(row: BackendUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*row.unset, "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    provider = row.provider_class(base_url=None, config={})
    with pytest.raises(AuthenticationError):
        await provider.create_openai_client()
    await provider.close()


async def test_a_service_that_only_chats_says_so() -> None:
    """The type of every provider has the method, so that a script needs no cast."""
    assert hasattr(get_type_hints(create_provider)["return"], "create_openai_client")
    for row in {row.package: row for row in BACKENDS if row not in ADDRESSED}.values():
        provider = row.provider_class(config={})
        with pytest.raises(ConfigurationError, match="only chats"):
            await provider.create_openai_client()
        await provider.close()
