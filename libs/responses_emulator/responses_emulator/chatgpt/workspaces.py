"""Where the workspaces of an account want their model requests, as `GET wham/accounts/check` tells it.

The answer that OpenAI's own client takes, and what it does with it, were captured on 2026-11-30 (version 0.169). What
the service says to others than its own client is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from responses_emulator.script.replies import HttpReply

NO_CONSTRAINT = "NO_CONSTRAINT"


@dataclass(slots=True, kw_only=True)
class Workspaces:
    """The routing of every account; a test may change it while the service runs.

    Attributes:
        backend_origin: scheme and host for model requests. `NO_CONSTRAINT`, the default, names no other one.
        routing_override: what the routing header of model requests has to say. `NO_CONSTRAINT`, the default, for none.
        reply: replaces the whole answer. None, the default, does not.
    """

    backend_origin: Any = NO_CONSTRAINT
    routing_override: Any = NO_CONSTRAINT
    reply: HttpReply | None = None

    def document(self, *, plan: str, account_id: str) -> dict[str, Any]:
        """The answer for a caller, without the fields that no client is known to read."""
        entry = {
            "id": account_id,
            "plan_type": plan,
            "structure": "personal",
            "workspace_backend_origin": self.backend_origin,
            "account_routing_override": self.routing_override,
        }
        return {"accounts": [entry], "account_ordering": [account_id], "default_account_id": account_id}
