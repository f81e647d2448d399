"""Tokens from the Azure CLI, of the account that is signed in with `az login`. Blocks.

The output of the CLI never reaches an error or a log, because it may hold a token.
"""

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
    """The account that is signed in to the Azure CLI.

    Attributes:
        tenant: the tenant of the token. None leaves it to the CLI.
        timeout_s: the longest time to wait for the CLI, in seconds.
    """

    tenant: str | None = None
    timeout_s: float = 30.0

    @property
    def description(self) -> str:
        """See `Flow.description`."""
        return f"the Azure CLI{f' in tenant {self.tenant}' if self.tenant else ''}"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`."""
        if self.tenant:
            Tenant(authority="", name=self.tenant)  # checks the name, which becomes an argument of the CLI
        program = shutil.which("az")
        if program is None:
            raise FlowUnavailable("the program `az` is not on the PATH")
        tenant = ["--tenant", self.tenant] if self.tenant else []
        command = [program, "account", "get-access-token", "--output", "json", "--scope", scope, *tenant]
        return _parse_cli_output(*_run_program(command, self.timeout_s))


def _run_program(command: list[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a program without input; return its exit status, its output and its errors.

    The program is killed, with every process that it started, if it takes too long or this process ends.
    """
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
        process.wait()
        if sys.platform != "win32":  # there a thread reads the pipes, which a program that left the group may hold
            for pipe in filter(None, (process.stdout, process.stderr)):
                pipe.close()
    else:
        return process.returncode, output, errors
    finally:
        atexit.unregister(end)
    raise LLMTimeoutError(f"the Azure CLI did not return a token within {timeout_s:g} s")


def _parse_cli_output(status: int, output: str, errors: str) -> Token:
    if status != 0:
        aadsts_code = find_aadsts_code(errors)
        if aadsts_code is None and re.search(r"az login|not logged in|setup account", errors, re.I):
            raise FlowUnavailable("the Azure CLI is not signed in: run `az login`")
        if aadsts_code is not None:
            raise AuthenticationError(f"the Azure CLI did not return a token ({aadsts_code}): run `az login`")
        if "unrecognized arguments" in errors:
            raise AuthenticationError("the Azure CLI is too old for `--scope`: update it with `az upgrade`")
        raise AuthenticationError(f"the Azure CLI does not work (exit status {status}): try `az version`")
    try:
        document: Any = loads_object_or_none(output) or {}
        expires_on = document.get("expires_on")  # az 2.54 and later; older versions give the local time only
        expires_at_s = float(expires_on) if expires_on else datetime.fromisoformat(document["expiresOn"]).timestamp()
        return Token(value=document["accessToken"], expires_at_s=expires_at_s)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise AuthenticationError("the Azure CLI returned something other than a token: update it, or run `az login`")
