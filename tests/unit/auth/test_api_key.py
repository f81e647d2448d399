"""Tests of `ApiKey` and `sendable`."""

from __future__ import annotations

import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError
from openai_responses_common.auth.api_key import ApiKey, sendable
from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport.credential import Lease

REFUSAL = Failure(kind="status", status=401, message="no")


@pytest.mark.parametrize(
    ("header", "value"), [("Authorization", "Bearer k"), ("api-key", "k")], ids=["authorization", "own header"]
)
async def test_key_is_sent_in_its_header(header: str, value: str) -> None:
    assert (await ApiKey(key="k", header=header).lease()).headers == {header: value}


async def test_key_cannot_be_refreshed() -> None:
    key = ApiKey(key="k")
    await key.prepare()
    assert not await key.refresh(await key.lease(), REFUSAL)


async def test_missing_key_is_an_error_with_its_remedy() -> None:
    with pytest.raises(AuthenticationError, match="set it"):
        await ApiKey(key=None, missing_message="set it").lease()


async def test_endpoint_without_a_key_gets_no_header() -> None:
    assert await ApiKey(required=False).lease() == Lease(headers={})


def test_text_is_scrubbed_of_the_key() -> None:
    assert ApiKey(key="k-1").scrub("a k-1 b") == "a [REDACTED] b"
    assert ApiKey(key=None).scrub("a k-1 b") == "a k-1 b"


def test_secret_that_a_header_can_carry_is_returned() -> None:
    assert sendable("api_key", "k-1") == "k-1"


def test_secret_that_no_header_can_carry_is_refused_without_being_quoted() -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key holds a space") as caught:
        sendable("api_key", "canary\n")
    assert "canary" not in str(caught.value)
