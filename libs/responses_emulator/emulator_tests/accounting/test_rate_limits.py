"""."""

from __future__ import annotations

import time

from emulator_clients.responses import error_object, post_response
from responses_emulator import (
    Emulator,
    RateLimits,
)


def test_limits_that_bind() -> None:
    with Emulator(limits=RateLimits(requests=2, tokens=1000, window_s=0.5)) as emulator:
        assert [post_response(emulator).status_code for _ in range(3)] == [200, 200, 429]
        limited = post_response(emulator)
        assert error_object(limited)["code"] == "rate_limit_exceeded"
        time.sleep(int(limited.headers["retry-after-ms"]) / 1000)
        assert post_response(emulator).status_code == 200
        assert "tokens per min (TPM)" in error_object(post_response(emulator, input="x" * 8000))["message"]
