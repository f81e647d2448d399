"""api.openai.com sends its headers, and counts requests and tokens in them."""

from __future__ import annotations

from emulator_clients.responses import post_response
from responses_emulator import Emulator


def test_openai_replies_carry_request_id_account_and_limits(emulator: Emulator) -> None:
    first = post_response(emulator).headers
    second = post_response(emulator).headers
    assert first["x-request-id"].startswith("req_")
    assert {"openai-processing-ms", "openai-organization", "openai-version"} <= set(first)
    assert int(second["x-ratelimit-remaining-tokens"]) < int(first["x-ratelimit-remaining-tokens"])
    assert int(second["x-ratelimit-remaining-requests"]) == 9998
    assert emulator.requests[0].headers["authorization"] == "Bearer sk-test"
