"""The ChatGPT backend tells where a workspace wants its requests."""

from __future__ import annotations

import httpx
from emulator_clients.chatgpt import ADA, headers
from responses_emulator import Emulator, SignInService


def test_the_routing_of_a_workspace_has_the_shape_that_was_captured(sign_in: SignInService, emulator: Emulator) -> None:
    url = f"{emulator.base_url_of('wham')}/accounts/check"
    reply = httpx.get(url, headers=headers(sign_in))
    entry = {
        "id": ADA.account_id,
        "plan_type": "plus",
        "structure": "personal",
        "workspace_backend_origin": "NO_CONSTRAINT",
        "account_routing_override": "NO_CONSTRAINT",
    }
    assert reply.json() == {
        "accounts": [entry],
        "account_ordering": [ADA.account_id],
        "default_account_id": ADA.account_id,
    }
    assert httpx.get(url, headers={**headers(sign_in), "authorization": "Bearer x"}).status_code == 401
