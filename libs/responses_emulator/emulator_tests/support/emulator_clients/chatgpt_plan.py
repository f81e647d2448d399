"""An honest client of Sign in with ChatGPT over plain HTTP: the sign-in, renewal, and a request of the plan."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from responses_emulator import Account, Emulator, PlanSignIn, press_button

BOB = Account(email="bob@example.com", subject="auth0|Bob")
HOST = "urn:uuid:5f0c4d1e-6f5a-4b0e-9a51-0d5f8f2b7c11"
RESOURCE = "https://api.openai.com/v1"
SCOPE = "openid profile email offline_access resource.invoke chatgpt.tokens.use.direct"
CALLBACK = "http://127.0.0.1:45123/auth/callback"
FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
BODY: dict[str, Any] = {
    "model": "gpt-5.6-sol",
    "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
    "store": False,
    "stream": True,
}


class Attempt:
    """One sign-in, from the address of the page to the tokens."""

    def __init__(self, emulator: Emulator, client_id: str = "dynamic_agent_client", **change: str | None) -> None:
        self.emulator = emulator
        self.verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query: dict[str, str | None] = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "resource": RESOURCE,
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "ext_agent_host_id": HOST,
            "agent_name_hint": "Tester <1>" if client_id == "dynamic_agent_client" else None,
            **change,
        }
        self.query = {name: value for name, value in query.items() if value is not None}
        self.url = f"{emulator.origin}/api/accounts/authorize?{urlencode(self.query)}"
        self.client_id = client_id
        self.callback: dict[str, str] = {}

    def press(self, button: Any = "approve", **change: str) -> dict[str, str]:
        """Press a button of the page and return the parameters of the callback."""
        address = press_button(self.url, button, change=change)
        assert address.startswith(f"{CALLBACK}?")
        self.callback = dict(parse_qsl(urlsplit(address).query))
        self.client_id = self.callback.get("client_id", self.client_id)
        return self.callback

    def exchange(self, **change: str) -> httpx.Response:
        """Exchange the code."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": self.callback.get("code", ""),
            "code_verifier": self.verifier,
            "redirect_uri": CALLBACK,
            "resource": RESOURCE,
            **change,
        }
        return httpx.post(f"{self.emulator.origin}/api/accounts/oauth/token", data=form)


def renew(emulator: Emulator, client_id: str, refresh_token: str, /, **change: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token, "resource": RESOURCE}
    return httpx.post(f"{emulator.origin}/api/accounts/oauth/token", data={**form, **change})


def post(emulator: Emulator, token: str, **body: Any) -> httpx.Response:
    """One request; a value of None leaves a key out."""
    asked = {key: value for key, value in {**BODY, **body}.items() if value is not None}
    return httpx.post(f"{emulator.base_url}/responses", json=asked, headers=bearer(token), timeout=60)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def access_token(sign_in: PlanSignIn, account: Account | None = None) -> str:
    return sign_in.token_set(account).access_token


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return [json.loads(line.removeprefix("data: ")) for line in reply.text.split("\n") if line.startswith("data: ")]
