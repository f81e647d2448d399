"""Asks where the workspace of an account wants its model requests.

OpenAI's own client asks once in a process and again after each refresh of its token. It sends no model request without
an answer; we go on without one. Source: a capture of Codex 0.169 of 2026-11-30; the service has no contract.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from amplifier_core.llm_errors import LLMError
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.transport.credential import UNAUTHORIZED, Lease
from openai_responses_common.transport.http_client import BlockingHttp
from openai_responses_common.wire.json_values import as_objects

from .auth.account import Account
from .quirks import CLIENT_HEADERS

logger = logging.getLogger(__name__)

_WAIT_S = 1.0
"""The longest time, in seconds, that calls wait for the first answer. Later answers count from the call after them."""
_TIMEOUT_S = 10.0
_RETRY_INTERVAL_S = 300.0
"""How long, in seconds, the service is not asked again after it could not be reached."""

_NO_CONSTRAINT = "no_constraint"  # in capitals on the wire
_OVERRIDE = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What a workspace asks of model requests.

    Attributes:
        origin: the scheme and the host to send them to, not checked yet. Empty, the default, for no other one.
        override: the value of the routing header. Empty, the default, for no header.
    """

    origin: str = ""
    override: str = ""


class WorkspaceRouting:
    """The answers of the service for one sign-in.

    Args:
        url: the address to ask.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = BlockingHttp(CLIENT_HEADERS, timeout_s=_TIMEOUT_S)
        self._lock = threading.Lock()
        self._workspaces: dict[str, Workspace] = {}
        self._pending: Future[None] | None = None
        self._asked_token = ""
        self._wait_end_s = 0.0
        self._next_attempt_s = 0.0

    async def find_workspace(self, lease: Lease, account: str) -> Workspace:
        """Return the newest answer for an account; ask the service if its token was refreshed since then.

        Only the first calls of a sign-in wait for an answer, and never for more than a second. No error of the service
        reaches a call.

        Args:
            lease: the headers and the token of the account.
            account: the id of the account.
        """
        with self._lock:
            self._ask_if_needed(lease, account)
            pending, left_s = self._pending, self._wait_end_s - time.monotonic()
            workspace = self._workspaces.get(account)
        if workspace is None and pending is not None and left_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await wait_for(pending)
            workspace = self._workspaces.get(account)
        return workspace or Workspace()

    def _ask_if_needed(self, lease: Lease, account: str) -> None:
        """Start a request in a thread, unless one runs or the token's answer is there; under the lock."""
        now_s = time.monotonic()
        is_running = self._pending is not None and not self._pending.done()
        if is_running or (lease.token == self._asked_token and now_s < self._next_attempt_s):
            return
        if lease.token != self._asked_token and account not in self._workspaces:
            self._wait_end_s = now_s + _WAIT_S
        self._asked_token, self._next_attempt_s = lease.token, float("inf")
        self._pending = run_in_thread(lambda: self._ask(lease, account))

    def _ask(self, lease: Lease, account: str) -> None:
        try:
            self._workspaces[account] = self._fetch_workspace(lease, account)
        except (LLMError, CallFailure) as error:
            self._next_attempt_s = time.monotonic() + _RETRY_INTERVAL_S
            logger.info("the service did not say where the workspace wants its requests: %s", error)
        except Exception:  # whatever it is, no call may fail with it
            logger.exception("the routing of the workspace could not be read")

    def _fetch_workspace(self, lease: Lease, account: str) -> Workspace:
        """Return the answer of the service; without a constraint if it does not name the account exactly once.

        Raises:
            CallFailure: the service cannot be reached, refuses the token, or may answer later.
            ConfigurationError: there is no HTTP client for its address.
        """
        reply = self._http.send("GET", self._url, headers=lease.headers)
        if reply.status in {UNAUTHORIZED, 429} or reply.status >= 500:
            raise CallFailure(reply.read_failure())
        entries = [entry for entry in as_objects(reply.body_fields.get("accounts")) if entry.get("id") == account]
        if reply.status != 200 or len(entries) != 1:
            logger.info("the service names no routing of the workspace (HTTP %s)", reply.status)
            return Workspace()
        origin, override = entries[0].get("workspace_backend_origin"), entries[0].get("account_routing_override")
        return Workspace(origin=_read_constraint(origin), override=_read_constraint(override, _OVERRIDE))


def _read_constraint(value: object, pattern: re.Pattern[str] | None = None) -> str:
    """The text; empty for no constraint, and for what does not match the pattern."""
    if not isinstance(value, str) or value.lower() == _NO_CONSTRAINT:
        return ""
    return value if pattern is None or pattern.fullmatch(value) else ""


_routings: WeakKeyDictionary[Account, WorkspaceRouting] = WeakKeyDictionary()
_routings_lock = threading.Lock()


def get_shared_routing(account: Account) -> WorkspaceRouting:
    """Return the routing of an account, shared by all providers of this process that use it."""
    with _routings_lock:
        return _routings.setdefault(account, WorkspaceRouting(account.settings.accounts_url))
