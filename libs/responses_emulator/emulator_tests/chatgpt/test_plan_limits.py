"""The limits of a plan are the same in the usage document, in headers and in the stream."""

from __future__ import annotations

import httpx
from emulator_clients.chatgpt import BOB, events, headers, post
from responses_emulator import Emulator, PlanLimits, PlanWindow, SignInService, chatgpt_surfaces


def test_plan_limits_agree_in_document_headers_and_event(sign_in: SignInService) -> None:
    limits = PlanLimits(secondary=None, reached_limit="rate_limit_reached", credits_balance="12.5")
    with Emulator(surfaces=chatgpt_surfaces(sign_in, limits=limits)) as emulator:
        address, who = f"{emulator.base_url_of('wham')}/usage", headers(sign_in, BOB)
        found = httpx.get(address, headers=who).json()
        assert (found["plan_type"], found["account_id"], found["email"]) == ("team", "b0b", "bob@example.com")
        assert found["rate_limit"]["primary_window"]["limit_window_seconds"] == 18_000
        assert found["rate_limit"]["secondary_window"] is None
        assert found["credits"] == {"has_credits": True, "unlimited": False, "balance": "12.5"}
        assert found["rate_limit_reached_type"] == {"type": "rate_limit_reached"}
        limits.primary = PlanWindow(used_percent=100, minutes=300, reset_after_s=60)
        reply = post(emulator, who)
        assert reply.headers["x-codex-primary-used-percent"] == "100"
        assert "x-codex-secondary-used-percent" not in reply.headers
        event = next(each for each in events(reply) if each["type"] == "codex.rate_limits")
        assert event["rate_limits"]["primary"]["used_percent"] == 100
        assert httpx.get(address, headers={**who, "authorization": "Bearer x"}).status_code == 401
