"""The provider class that hosts find by name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from openai_responses_common import ResponsesProvider
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.auth.device_code import DeviceCode
from openai_responses_common.auth.terminal import Terminal, is_terminal

from .auth.account import Account, Status
from .auth.tokens import Tokens
from .backend import SIGN_IN_CAPABILITY, build_chatgpt_backend

__all__ = ["SIGN_IN_CAPABILITY", "ChatgptOauthProvider"]


class ChatgptOauthProvider(ResponsesProvider):
    """A provider for one ChatGPT account.

    Args:
        config: settings; the README lists them.
        coordinator: of the session, for events.
    """

    def __init__(self, *, config: Mapping[str, Any] | None = None, coordinator: Any = None) -> None:
        found = build_chatgpt_backend(config or {})
        self._chatgpt_backend = found
        self._sign_in_task: asyncio.Task[Any] | None = None
        super().__init__(found.backend, config=config, coordinator=coordinator)

    def auth_status(self) -> Status:
        """Whether somebody is signed in; blocks, and asks nobody but the store.

        Raises:
            LLMError: a setting is wrong, or the store cannot be read.
        """
        return self.require_account().get_status()

    def login(self, print_fn: Callable[[str], Any] | None = None) -> bool:
        """Sign in with the help of a person; blocks until she has decided.

        Args:
            print_fn: prints what she has to read; None for standard error.

        Returns:
            Whether it worked; why it did not is printed.
        """
        screen = Terminal(print_fn)
        try:
            tokens = self.require_account().sign_in(screen)
            self._report_sign_in(screen, tokens)
        except LLMError as error:
            screen.print_text(f"Not signed in to ChatGPT: {error}")
            return False
        return True

    def logout(self) -> list[str]:
        """End the sign-in here and at the service; blocks.

        Returns:
            The places that tokens were removed from.

        Raises:
            LLMError: a setting is wrong, or something could not be removed.
        """
        removed = self.require_account().sign_out()
        self._chatgpt_backend.models.delete_catalogue()
        return removed

    async def offer_sign_in(self) -> None:
        """Sign in at the start of a session, where the settings want it and nobody is signed in yet.

        Never in the session of a sub-agent, whose person sits in front of another; by default only in a terminal.
        """
        found = self._chatgpt_backend
        in_terminal = is_terminal(sys.stdin) and is_terminal(sys.stderr)
        if found.problem or found.login_on_mount == "false" or (found.login_on_mount == "auto" and not in_terminal):
            return
        if getattr(self.coordinator, "parent_id", None):
            return
        from openai_responses_common.engine.telemetry import emit_auth_required

        screen = Terminal.for_session(self.coordinator, source=self.name)
        told: list[asyncio.Future[None]] = []

        def shown(code: DeviceCode) -> None:
            minutes = round(code.expires_in_s / 60)
            event = emit_auth_required(self.coordinator, provider=self.name, url=code.url, minutes=minutes)
            told.append(asyncio.ensure_future(event))

        self._sign_in_task = asyncio.current_task()
        try:
            if await wait_for(run_in_thread(found.account.get_status)) == "authenticated":
                return
            tokens = await found.account.sign_in_async(screen, shown)
            await wait_for(run_in_thread(lambda: self._report_sign_in(screen, tokens)))
        except LLMError as error:
            screen.print_text(f"Not signed in to ChatGPT: {error}")
        finally:
            self._sign_in_task = None
            await asyncio.gather(*told, return_exceptions=True)

    async def close(self) -> None:
        """See `ResponsesProvider.close`; a sign-in that is on offer ends with it.

        A host that is cancelled while its session begins leaves the kernel's part of that running.
        """
        if self._sign_in_task not in (None, asyncio.current_task()):
            self._sign_in_task.cancel()
        await super().close()

    def require_account(self) -> Account:
        """The account.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        if self._chatgpt_backend.problem:
            raise ConfigurationError(self._chatgpt_backend.problem, provider=self.name)
        return self._chatgpt_backend.account

    def _report_sign_in(self, terminal: Terminal, tokens: Tokens) -> None:
        self._chatgpt_backend.models.delete_catalogue()
        plan = f", plan {tokens.plan}" if tokens.plan else ""
        terminal.print_text(
            f"Signed in as {tokens.email or tokens.account}{plan}. The tokens are in {self._describe_token_location()}."
        )

    def _describe_token_location(self) -> str:
        try:
            return self._chatgpt_backend.account.describe_location()
        except AuthenticationError as error:
            return f"a place that cannot be named: {error}"
