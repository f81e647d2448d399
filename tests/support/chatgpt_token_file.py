"""What a ChatGPT sign-in leaves on a machine, for tests that begin after it: a file with one access token.

There is no refresh token in it, so that a refused call stays refused and sends nothing but itself.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from responses_emulator import Account, make_token

ADA = Account()
BOB = Account(
    email="bob@example.com",
    plan="team",
    account_id="b0000000-1111-4222-8333-444444444444",
    user_id="user-BobBobBobBobBobBobBobBob",
    subject="auth0|BobBobBobBobBobBobBobBob",
)
_ENDS_AT = int(time.time()) + 86_400
TOKEN = make_token(ADA, expires_at=_ENDS_AT, canary="CANARY-of-Ada-")
OTHER_TOKEN = make_token(BOB, expires_at=_ENDS_AT, canary="CANARY-of-Bob-")

# Kept until the process ends: a row of the table of backends has no fixture to clean up after it.
_numbers = itertools.count()
_folder = tempfile.TemporaryDirectory(prefix="signed-in-")


def token_file(token: str, account: Account = ADA) -> Path:
    """The file that a sign-in left; a new one each time, as the model catalogue is kept beside it."""
    path = Path(_folder.name) / f"{next(_numbers)}.json"
    tokens = {"access_token": token, "refresh_token": "", "email": account.email, "plan": account.plan}
    record = {"v": 1, "account": account.account_id, "saved_at": 1.0, "expires_at": _ENDS_AT, "tokens": tokens}
    path.touch(mode=0o600)
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def nobody() -> str:
    """A path where no file is."""
    return str(Path(_folder.name) / "nobody.json")


def origin(url: str) -> str:
    """Scheme, host and port; of what is no URL somewhere else, where nobody listens."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "http://127.0.0.1:9"
    return f"{parts.scheme}://{parts.netloc}"


def settings(url: str, token: str, account: Account = ADA) -> dict[str, Any]:
    """A config for a service at a URL, with somebody signed in."""
    return {
        "auth_mode": "device_code",
        "base_url": url,
        "issuer": origin(url),
        "token_store": "file",
        "token_file_path": str(token_file(token, account)),
        # Tests of every service count the connections of their server, and script what each of them gets.
        "workspace_routing": False,
    }


def environment(url: str, token: str) -> dict[str, str]:
    """The same in variables."""
    return {
        "CHATGPT_OAUTH_AUTH_MODE": "device_code",
        "CHATGPT_OAUTH_BASE_URL": url,
        "CHATGPT_OAUTH_ISSUER": origin(url),
        "CHATGPT_OAUTH_TOKEN_STORE": "file",
        "CHATGPT_OAUTH_TOKEN_FILE": str(token_file(token)),
    }
