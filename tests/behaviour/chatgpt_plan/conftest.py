"""A machine on which a person signs in with ChatGPT, in a browser that plain HTTP plays."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider
from responses_emulator import Emulator, PlanSignIn, PlanStatus, chatgpt_plan_surfaces, open_callback, press_button

_PAGE = re.compile(r"http://127\S+/api/accounts/authorize\?\S+")


class PlanMachine:
    """A home with settings, the service, and what the person at the terminal reads.

    Attributes:
        texts: what was printed.
        pages: what the browser showed at the end, each with its status.
        does: what the person does with the address of the page.
    """

    def __init__(self, home: Path, emulator: Emulator, service: PlanSignIn) -> None:
        self.home, self.emulator, self.service = home, emulator, service
        self.texts: list[str] = []
        self.pages: list[tuple[int, str]] = []
        self.does: Callable[[str], Any] = self.approve

    def settings(self, **more: Any) -> dict[str, Any]:
        """A config that reaches the service; `more` wins."""
        return {
            "auth_mode": "plan",
            "plan_base_url": self.emulator.base_url,
            "issuer": self.emulator.origin,
            "token_store": "file",
            "token_file_path": str(self.home / "tokens.json"),
            "max_retries": 0,
            **more,
        }

    def provider(self, **settings: Any) -> ChatgptOauthProvider:
        """A provider without a host."""
        return ChatgptOauthProvider(config=self.settings(**settings))

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

    @property
    def file(self) -> Path:
        return self.home / "tokens-plan.json"


@pytest.fixture
def service() -> PlanSignIn:
    return PlanSignIn()


@pytest.fixture
def status() -> PlanStatus:
    return PlanStatus()


@pytest.fixture
def emulator(service: PlanSignIn, status: PlanStatus) -> Iterator[Emulator]:
    with Emulator(surfaces=chatgpt_plan_surfaces(service, status=status)) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path, emulator: Emulator, service: PlanSignIn) -> PlanMachine:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return PlanMachine(home, emulator, service)
