"""What Sign in with ChatGPT leaves on a machine, for tests that begin after it: a file with one access token.

There is no refresh token in it, so that a refused call stays refused and sends nothing but itself.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from responses_emulator import Account, make_plan_token

from tests.support.chatgpt_token_file import ADA, BOB, origin

__all__ = ["BOB", "OTHER_TOKEN", "TOKEN", "environment", "nobody", "settings"]

_ENDS_AT = int(time.time()) + 86_400
TOKEN = make_plan_token(ADA, expires_at=_ENDS_AT, canary="CANARY-of-Ada-")
OTHER_TOKEN = make_plan_token(BOB, expires_at=_ENDS_AT, canary="CANARY-of-Bob-")

# Kept until the process ends: a row of the table of backends has no fixture to clean up after it.
_numbers = itertools.count()
_folder = tempfile.TemporaryDirectory(prefix="signed-in-plan-")


def _token_file(token: str, account: Account) -> Path:
    """The path for the setting `token_file_path`; the file of the plan lies beside it."""
    path = Path(_folder.name) / str(next(_numbers)) / "tokens.json"
    path.parent.mkdir(mode=0o700)
    tokens = {
        "access_token": token,
        "refresh_token": "",
        "email": account.email,
        "client_id": "oaiapp_tester",
        "scope": "openid chatgpt.tokens.use.direct",
    }
    record = {"v": 1, "account": account.subject, "saved_at": 1.0, "expires_at": _ENDS_AT, "tokens": tokens}
    file = path.with_name("tokens-plan.json")
    file.touch(mode=0o600)
    file.write_text(json.dumps(record), encoding="utf-8")
    return path


def nobody() -> str:
    """A path where no file is."""
    return str(Path(_folder.name) / "nobody.json")


def _issuer(url: str) -> str:
    """Return the issuer beside a service on this machine; a service elsewhere has OpenAI's own."""
    return origin(url) if url.startswith("http://127.0.0.1:") else "https://auth.openai.com"


def settings(url: str, token: str, account: Account = ADA) -> dict[str, Any]:
    """A config for a service at a URL, with somebody signed in."""
    return {
        "auth_mode": "plan",
        "plan_base_url": url,
        "issuer": _issuer(url),
        "token_store": "file",
        "token_file_path": str(_token_file(token, account)),
    }


def environment(url: str, token: str) -> dict[str, str]:
    """The same in variables."""
    return {
        "CHATGPT_OAUTH_AUTH_MODE": "plan",
        "CHATGPT_OAUTH_PLAN_BASE_URL": url,
        "CHATGPT_OAUTH_ISSUER": _issuer(url),
        "CHATGPT_OAUTH_TOKEN_STORE": "file",
        "CHATGPT_OAUTH_TOKEN_FILE": str(_token_file(token, ADA)),
    }
