"""How much of a ChatGPT plan is used, as headers, as a stream event and as a separate document.

Header names as recorded (2026-05-21); the event and `wham/usage` as OpenAI's own client reads them (seen 2026-11-21).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.transport.server import Headers


@dataclass(slots=True, kw_only=True)
class PlanWindow:
    """One window of a plan."""

    used_percent: int
    minutes: int
    reset_after_s: int

    @property
    def reset_at(self) -> int:
        return int(time.time()) + self.reset_after_s

    @property
    def event(self) -> dict[str, Any]:
        return {"used_percent": self.used_percent, "window_minutes": self.minutes, "reset_at": self.reset_at}

    @property
    def usage(self) -> dict[str, Any]:
        return {
            "used_percent": self.used_percent,
            "limit_window_seconds": self.minutes * 60,
            "reset_after_seconds": self.reset_after_s,
            "reset_at": self.reset_at,
        }


@dataclass(slots=True, kw_only=True)
class PlanLimits:
    """The windows of every account; a test may change them while the service runs."""

    primary: PlanWindow | None = field(
        default_factory=lambda: PlanWindow(used_percent=12, minutes=300, reset_after_s=9_000)
    )
    secondary: PlanWindow | None = field(
        default_factory=lambda: PlanWindow(used_percent=34, minutes=10_080, reset_after_s=316_705)
    )
    credits_balance: str = "0"
    reached_limit: str | None = None

    @property
    def _windows(self) -> dict[str, PlanWindow]:
        both = {"primary": self.primary, "secondary": self.secondary}
        return {name: window for name, window in both.items() if window is not None}

    @property
    def _credits(self) -> dict[str, Any]:
        return {"has_credits": self.credits_balance != "0", "unlimited": False, "balance": self.credits_balance}

    def headers(self, plan: str) -> Headers:
        """The x-codex-* headers of a successful answer."""
        found = [("x-codex-active-limit", "premium"), ("x-codex-plan-type", plan)]
        for name, window in self._windows.items():
            stem = f"x-codex-{name}"
            found += [
                (f"{stem}-used-percent", str(window.used_percent)),
                (f"{stem}-window-minutes", str(window.minutes)),
                (f"{stem}-reset-after-seconds", str(window.reset_after_s)),
                (f"{stem}-reset-at", str(window.reset_at)),
            ]
        found.append(("x-codex-primary-over-secondary-limit-percent", "0"))
        # Python's spelling of a truth value, as users quote it (2026-05-04).
        found += [(f"x-codex-credits-{key.replace('_', '-')}", str(value)) for key, value in self._credits.items()]
        return [*found, ("x-codex-rate-limit-reached-type", self.reached_limit)] if self.reached_limit else found

    def event(self, plan: str) -> dict[str, Any]:
        """The `codex.rate_limits` event; it has no sequence number."""
        windows = {name: window.event for name, window in self._windows.items()}
        return {
            "type": "codex.rate_limits",
            "plan_type": plan,
            "rate_limits": {"allowed": True, "limit_reached": self.reached_limit is not None, **windows},
            "credits": self._credits,
            "metered_limit_name": "codex",
        }

    def usage(self, *, plan: str, account_id: str, user_id: str, email: str) -> dict[str, Any]:
        """The document of `wham/usage`."""
        windows = {
            "primary_window": self.primary.usage if self.primary else None,
            "secondary_window": self.secondary.usage if self.secondary else None,
        }
        return {
            "user_id": user_id,
            "account_id": account_id,
            "email": email,
            "plan_type": plan,
            "rate_limit": {
                "allowed": self.reached_limit is None,
                "limit_reached": self.reached_limit is not None,
                **windows,
            },
            "credits": self._credits,
            "additional_rate_limits": [],
            "rate_limit_reached_type": {"type": self.reached_limit} if self.reached_limit else None,
        }
