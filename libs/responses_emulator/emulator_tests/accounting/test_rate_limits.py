"""The rate limits refuse what exceeds them, say how long to wait, and allow requests again in the next window."""

from __future__ import annotations

from dataclasses import dataclass

from emulator_clients.responses import error_object, post_response
from responses_emulator import Emulator, RateLimits


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_limit_binds_until_its_window_is_over() -> None:
    clock = Clock()
    with Emulator(limits=RateLimits(requests=2, tokens=1000, window_s=60, clock=clock)) as emulator:
        assert [post_response(emulator).status_code for _ in range(3)] == [200, 200, 429]
        clock.now_s += 45
        refused = post_response(emulator)
        assert error_object(refused)["code"] == "rate_limit_exceeded"
        assert refused.headers["retry-after-ms"] == "15000"
        clock.now_s += 15
        assert post_response(emulator).status_code == 200


def test_the_limit_of_tokens_counts_the_prompt() -> None:
    with Emulator(limits=RateLimits(tokens=1000)) as emulator:
        assert "tokens per min (TPM)" in error_object(post_response(emulator, input="x" * 8000))["message"]
