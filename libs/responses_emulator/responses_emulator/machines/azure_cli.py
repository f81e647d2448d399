"""A program called `az` for the front of PATH: it answers `az account get-access-token` and nothing else.

Invariants: a POSIX shell script that needs no Python, so that it starts as fast as the test wants; it writes down its
arguments and its process id before it does anything else.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from responses_emulator.entra.directory import Directory

AzureCliOutcome = Literal["token", "not signed in", "aadsts", "garbage", "nothing", "hang", "leak", "too old"]
# What `az` prints (its own source, seen 2026-11-21).
NOT_SIGNED_IN = "ERROR: Please run 'az login' to setup account."
_TOO_OLD = "ERROR: unrecognized arguments: --scope https://cognitiveservices.azure.com/.default"
_AADSTS = (
    "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 0 Correlation ID: 0\n"
    "Interactive authentication is needed. Please run:\naz login"
)


@dataclass(frozen=True, slots=True)
class FakeAzureCli:
    """The program, and what was asked of it."""

    program: Path

    @property
    def folder(self) -> Path:
        """What has to stand first on PATH."""
        return self.program.parent

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call so far."""
        log = self.folder / "az.calls"
        if not log.exists():
            return []
        return [call.split("\x1f") for call in log.read_text(encoding="utf-8").split("\x1e\n") if call]

    @property
    def processes(self) -> list[int]:
        """The process ids of the program and of what it started."""
        log = self.folder / "az.pids"
        return [int(line) for line in log.read_text(encoding="ascii").split()] if log.exists() else []


def write_azure_cli(
    folder: Path,
    directory: Directory,
    *,
    says: AzureCliOutcome = "token",
    audience: str = "https://cognitiveservices.azure.com",
    expires_in: int | None = None,
) -> FakeAzureCli:
    """Write the program. Its token is a new one of the directory's user, for the audience.

    `says`: "garbage" is not JSON, "nothing" is an empty success, "hang" waits for ten minutes with a child process, and
    "leak" prints the token among its errors and fails.
    """
    program = folder / "az"
    token = directory.issue_access_token(audience, user=directory.user, expires_in=expires_in)
    reply = {
        "accessToken": token.text,
        "expiresOn": datetime.fromtimestamp(token.expires_s).strftime("%Y-%m-%d %H:%M:%S.%f"),  # noqa: DTZ006 - local
        "expires_on": int(token.expires_s),
        "subscription": "00000000-0000-0000-0000-000000000000",
        "tenant": directory.tenant,
        "tokenType": "Bearer",
    }
    script = _SCRIPT.format(folder=shlex.quote(str(folder)), audience=audience, action=_action(says, reply))
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    return FakeAzureCli(program)


_SCRIPT = """\
#!/bin/sh
cd {folder} || exit 9
echo $$ >>az.pids
first=yes
for word in "$@"; do
    if [ -z "$first" ]; then printf '\\037' >>az.calls; fi
    printf '%s' "$word" >>az.calls
    first=
done
printf '\\036\\n' >>az.calls
case "$1 $2" in
    "account get-access-token") ;;
    *) echo "ERROR: '$1 $2' is not in the 'az' command group." >&2; exit 2 ;;
esac
case " $* " in
    *" --scope {audience}/.default "* | *" --resource {audience} "*) ;;
    *) echo "ERROR: AADSTS500011: The resource principal was not found in the tenant." >&2; exit 1 ;;
esac
{action}
"""


def _action(says: AzureCliOutcome, reply: dict[str, Any]) -> str:
    shown = shlex.quote(json.dumps(reply, indent=2))
    match says:
        case "token":
            return f"printf '%s\\n' {shown}"
        case "not signed in":
            return f"printf '%s\\n' {shlex.quote(NOT_SIGNED_IN)} >&2\nexit 1"
        case "aadsts":
            return f"printf '%s\\n' {shlex.quote(_AADSTS)} >&2\nexit 1"
        case "garbage":
            return "echo 'You have 2 updates available.'"
        case "too old":
            return f"printf '%s\\n' {shlex.quote(_TOO_OLD)} >&2\nexit 2"
        case "nothing":
            return "exit 0"
        case "hang":
            return "sleep 600 &\necho $! >>az.pids\nwait"
        case "leak":
            return f"printf 'DEBUG: %s\\n' {shown} >&2\nexit 1"
