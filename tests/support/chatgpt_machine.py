"""A machine with a home of its own: settings, a token file, providers, sessions, and a person in front of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider
from amplifier_module_provider_chatgpt_oauth.auth.tokens import read_tokens
from openai_responses_common.auth.store.record import dump_token_record
from responses_emulator import Emulator, SignInService, TokenSet

from tests.support.backends import BACKENDS
from tests.support.session import Session

ROW = next(row for row in BACKENDS if row.name == "chatgpt-oauth")


class Machine:
    """See above.

    Attributes:
        home: where the tokens are.
        emulator: the service.
        service: its sign-in.
    """

    def __init__(self, home: Path, emulator: Emulator, service: SignInService) -> None:
        home.mkdir(mode=0o700, exist_ok=True)
        self.home = home
        self.emulator = emulator
        self.service = service
        self._sessions: list[Session] = []

    @property
    def file(self) -> Path:
        return self.home / "tokens.json"

    @property
    def public_page(self) -> str:
        """An address of the service that everybody may read, at any time."""
        return f"{self.emulator.origin}/codex/device"

    def settings(self, **more: Any) -> dict[str, Any]:
        """A config that reaches the service, with short waits; `more` wins."""
        return {
            "auth_mode": "device_code",
            "base_url": self.emulator.base_url,
            "issuer": self.emulator.origin,
            "token_store": "file",
            "token_file_path": str(self.file),
            "default_model": ROW.model,
            "min_retry_delay": 0.01,
            "max_retry_delay": 5,
            "max_retries": 1,
            **more,
        }

    def provider(self, **settings: Any) -> ChatgptOauthProvider:
        """A provider without a host."""
        return ChatgptOauthProvider(config=self.settings(**settings))

    async def session(self, **settings: Any) -> Session:
        """A session whose events are recorded."""
        self._sessions.append(await Session(ROW, self.emulator).mount(self.settings(**settings)))
        return self._sessions[-1]

    async def leave(self) -> None:
        """Close every session."""
        for session in self._sessions:
            await session.cleanup()

    def keep(self, tokens: TokenSet, *, saved_at: float | None = None) -> TokenSet:
        """Put tokens there, as an earlier sign-in or another process would have."""
        answer = self.service.token_response(tokens)
        record = read_tokens(answer).to_record(time.time() if saved_at is None else saved_at)
        self.file.touch(mode=0o600)
        self.file.write_text(dump_token_record(record), encoding="utf-8")
        return tokens

    @property
    def kept(self) -> dict[str, Any]:
        """The tokens in the file."""
        return json.loads(self.file.read_text(encoding="utf-8"))["tokens"]

    @property
    def sent(self) -> list[str]:
        """The access tokens of the model requests, in order."""
        return [each.headers["authorization"].removeprefix("Bearer ") for each in self.emulator.model_requests]


class Person:
    """Reads what is printed, and does something once there is a code.

    Attributes:
        read: all texts so far.
    """

    def __init__(self, service: SignInService, does: Callable[[], Any] | None = None) -> None:
        self.read: list[str] = []
        self._service = service
        self._does = does or service.approve
        self._codes = 0

    def __call__(self, text: str) -> None:
        self.read.append(text)
        if self._codes < len(self._service.user_codes):
            self._codes += 1
            self._does()

    @property
    def text(self) -> str:
        return "\n".join(self.read)


def ask(provider: ChatgptOauthProvider, text: str = "hello", **fields: Any) -> Any:
    """One call in an event loop of its own."""
    from tests.support.session import asking

    async def call() -> Any:
        try:
            return await provider.complete(asking(text, **fields))
        finally:
            await provider.close()

    return asyncio.run(call())
