"""api.openai.com sends its headers, and counts requests and tokens in them."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

from emulator_clients.responses import post_response
from responses_emulator import Emulator, openai_surface
from responses_emulator.facts.server_model_lists import SERVER_MODEL_LISTS


def test_openai_replies_carry_request_id_account_and_limits(emulator: Emulator) -> None:
    first = post_response(emulator).headers
    second = post_response(emulator).headers
    assert first["x-request-id"].startswith("req_")
    assert {"openai-processing-ms", "openai-organization", "openai-version"} <= set(first)
    assert int(second["x-ratelimit-remaining-tokens"]) < int(first["x-ratelimit-remaining-tokens"])
    assert int(second["x-ratelimit-remaining-requests"]) == 9998
    assert emulator.requests[0].headers["authorization"] == "Bearer sk-test"


def test_the_model_list_can_be_that_of_another_server() -> None:
    for document in SERVER_MODEL_LISTS.values():
        with Emulator(surfaces=(openai_surface(any_model=True, model_list=document),)) as emulator:
            request = Request(f"{emulator.base_url}/models", headers={"authorization": "Bearer sk-test"})
            with urlopen(request) as reply:
                assert json.load(reply) == document
