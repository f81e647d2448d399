"""Tokens from the Azure CLI."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, LLMTimeoutError
from openai_responses_common import Token
from openai_responses_common.wire.json_values import loads_object_or_none

from .flow import FlowUnavailable, Tenant
from .token_endpoint import find_aadsts_code


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureCli:
    """Whoever is signed in with `az login`."""

    tenant: str | None = None
    timeout_s: float = 30.0

    @property
    def description(self) -> str:
        return f"the Azure CLI{f' in tenant {self.tenant}' if self.tenant else ''}"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`."""
        if self.tenant:
            Tenant(authority="", name=self.tenant)  # it becomes a word of a command line
        program = shutil.which("az")
        if program is None:
            raise FlowUnavailable("az is not on the PATH")
        tenant = ["--tenant", self.tenant] if self.tenant else []
        command = [program, "account", "get-access-token", "--output", "json", "--scope", scope, *tenant]
        return _parse_cli_output(*_run_program(command, self.timeout_s))


def _run_program(command: list[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a program that gets nothing from us and is ended, with all that it started, when it hangs or we end."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.environ.get("SYSTEMROOT") or "/",
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )

    def end() -> None:
        if sys.platform == "win32":
            process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    atexit.register(end)
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        end()
        process.communicate()
    else:
        return process.returncode, output, errors
    finally:
        atexit.unregister(end)
    raise LLMTimeoutError(f"the Azure CLI gave no token within {timeout_s:g} s")


def _parse_cli_output(status: int, output: str, errors: str) -> Token:
    """The token of the CLI's answer. What it says otherwise is never shown: it may hold a token."""
    if status != 0:
        number = find_aadsts_code(errors)
        if number is None and re.search(r"az login|not logged in|setup account", errors, re.I):
            raise FlowUnavailable("nobody is signed in to the Azure CLI: run `az login`")
        raise AuthenticationError(f"the Azure CLI gave no token ({number or f'exit status {status}'}): run `az login`")
    try:
        fields: Any = loads_object_or_none(output) or {}
        ends = fields.get("expires_on")  # az 2.54 and later; before, only the local time
        expires_at_s = float(ends) if ends else datetime.fromisoformat(fields["expiresOn"]).timestamp()
        return Token(value=fields["accessToken"], expires_at_s=expires_at_s)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise AuthenticationError("the Azure CLI answered with something else than a token: update it, or run `az login`")
