"""A machine on which a person signs in with ChatGPT, in a browser that plain HTTP plays."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amplifier_module_provider_chatgpt_oauth.auth.tokens import read_plan_tokens
from openai_responses_common.auth.store.record import dump_token_record
from responses_emulator import Emulator, PlanSignIn, TokenSet, open_callback, press_button

from tests.support.chatgpt_machine import Machine

_PAGE = re.compile(r"http://127\S+/api/accounts/authorize\?\S+")


class PlanMachine(Machine):
    """See above.

    Attributes:
        texts: what was printed.
        pages: what the browser showed at the end, each with its status.
        does: what the person does with the address of the page.
    """

    service: Any

    def __init__(self, home: Path, emulator: Emulator, service: PlanSignIn) -> None:
        super().__init__(home, emulator, service)  # type: ignore[arg-type]
        self.texts: list[str] = []
        self.pages: list[tuple[int, str]] = []
        self.does: Callable[[str], Any] = self.approve

    @property
    def file(self) -> Path:
        return self.home / "tokens-plan.json"

    @property
    def public_page(self) -> str:
        return f"{self.emulator.origin}/.well-known/jwks.json"

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            "auth_mode": "plan",
            "plan_base_url": self.emulator.base_url,
            "issuer": self.emulator.origin,
            "token_store": "file",
            "token_file_path": str(self.home / "tokens.json"),
            "max_retries": 0,
            **more,
        }

    def keep(self, tokens: TokenSet, *, saved_at: float | None = None) -> TokenSet:
        client_id, account = self.service.client_of(tokens).client_id, tokens.account
        identity = {"sub": account.subject, "email": account.email}
        read = read_plan_tokens(self.service.token_response(tokens), client_id=client_id, identity=identity)
        self.file.touch(mode=0o600)
        record = read.to_record(time.time() if saved_at is None else saved_at)
        self.file.write_text(dump_token_record(record), encoding="utf-8")
        return tokens

    def approve(self, url: str) -> None:
        """Press the button and follow the redirect."""
        self.pages.append(open_callback(press_button(url)))

    def read(self, text: str) -> None:
        """Read a text; go to the page that it names."""
        self.texts.append(text)
        if page := _PAGE.search(text):
            threading.Thread(target=self.does, args=(page[0],), daemon=True).start()

    def sign_in(self, **settings: Any) -> bool:
        """Run the sign-in and return whether it worked."""
        return self.provider(**settings).login(self.read)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)
