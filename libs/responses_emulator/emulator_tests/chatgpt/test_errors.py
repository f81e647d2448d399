"""The scripted errors of the ChatGPT backend have the status and the body of the service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from emulator_clients.chatgpt import BUILDERS, headers, post
from responses_emulator import Emulator, HttpReply, Say, SignInService, repeated_model_not_found, usage_limit_reached


@pytest.mark.parametrize(("builder", "status", "said"), BUILDERS, ids=[row[2] for row in BUILDERS])
def test_scripted_errors_have_status_and_body(
    sign_in: SignInService, emulator: Emulator, builder: Callable[[], HttpReply], status: int, said: str
) -> None:
    emulator.script(builder())
    reply = post(emulator, headers(sign_in))
    assert reply.status_code == status
    assert said in reply.text


def test_the_error_of_a_used_up_plan_says_when_it_is_reset(sign_in: SignInService, emulator: Emulator) -> None:
    emulator.script(usage_limit_reached(plan="pro", resets_in_s=60), usage_limit_reached(older=True))
    reply = post(emulator, headers(sign_in))
    error = reply.json()["error"]
    assert (error["plan_type"], error["resets_in_seconds"]) == ("pro", 60)
    assert reply.headers["x-codex-primary-reset-at"] == str(error["resets_at"])
    assert reply.headers["x-codex-plan-type"] == "pro"
    assert "resets_at" not in post(emulator, headers(sign_in)).json()["error"]


def test_repeated_errors_are_followed_by_a_response(sign_in: SignInService, emulator: Emulator) -> None:
    emulator.script(*repeated_model_not_found(2), Say("At last."))
    assert [post(emulator, headers(sign_in)).status_code for _ in range(3)] == [404, 404, 200]
