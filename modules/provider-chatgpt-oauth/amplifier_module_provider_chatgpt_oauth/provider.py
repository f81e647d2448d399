"""The provider class, under the name by which hosts find it, with the sign-in that hosts may offer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from openai_responses_common import ResponsesProvider, mount_provider, prepare_session
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.auth.device_code import DeviceCode
from openai_responses_common.auth.terminal import Terminal, is_terminal

from .auth.account import Account, Status
from .auth.offer import get_shared_offer
from .auth.plan_sign_in import NoBrowser, SignInPage
from .auth.tokens import Tokens
from .auth_mode import EXPLANATIONS
from .backend import SIGN_IN_CAPABILITY, build_chatgpt_backend, build_each_backend

__all__ = ["SIGN_IN_CAPABILITY", "ChatgptOauthProvider", "create", "mount", "on_session_ready"]


class ChatgptOauthProvider(ResponsesProvider):
    """A provider for one ChatGPT account.

    Args:
        config: the settings; the README lists them. None, the default, means no settings.
        coordinator: the coordinator of the session, for events. None, the default, without a host.
    """

    def __init__(self, *, config: Mapping[str, Any] | None = None, coordinator: Any = None) -> None:
        self._set_up(config or {}, coordinator)

    def _set_up(self, config: Mapping[str, Any], coordinator: Any) -> None:
        self._chatgpt_backend = build_chatgpt_backend(config)
        self._sign_in_task: asyncio.Task[Any] | None = None
        ResponsesProvider.__init__(self, self._chatgpt_backend.backend, config=config, coordinator=coordinator)
        self._chatgpt_backend.credential.offer_sign_in = self._offer_sign_in

    def auth_status(self) -> Status:
        """Return whether somebody is signed in; blocks, and reads the token store only.

        Raises:
            LLMError: a setting is not valid, or the store cannot be read.
        """
        return self.require_account().get_status()

    def login(self, print_fn: Callable[[str], Any] | None = None) -> bool:
        """Run the interactive sign-in; blocks until the user approves or declines.

        Args:
            print_fn: prints a text for the user. None, the default, prints to standard error.

        Returns:
            Whether the user is signed in. If not, the reason is printed.
        """
        terminal = Terminal(print_fn)
        try:
            self._report_sign_in(terminal, self._sign_in(terminal))
        except LLMError as error:
            terminal.print_text(f"Not signed in to ChatGPT: {error}")
            return False
        return True

    def _sign_in(self, terminal: Terminal) -> Tokens:
        """Sign in. If the way is left to us and no browser opens, this object goes on with a code."""
        account, is_first_choice = self.require_account(), self._chatgpt_backend.is_first_choice
        self._explain_choice(terminal)
        try:
            return account.sign_in(terminal, needs_browser=is_first_choice)
        except NoBrowser as error:
            _explain_code(terminal, f"{str(error).capitalize()}, so you sign in with a code.")
            self._set_up({**self.config, "auth_mode": "device_code"}, self.coordinator)
            return self.require_account().sign_in(terminal)

    def _explain_choice(self, terminal: Terminal) -> None:
        """Explain both ways to a user who has not chosen one; the way that OpenAI does not support each time."""
        backend = self._chatgpt_backend
        if backend.is_auto and backend.account.settings.mode == "device_code":
            reason = "No browser can be opened here, so you" if backend.is_first_choice else "You"
            _explain_code(terminal, f"{reason} sign in with a code.")
        elif backend.is_first_choice:
            terminal.print_text(EXPLANATIONS["plan"])

    def logout(self) -> list[str]:
        """End the sign-in here and at the service; blocks. With `auth_mode: auto` that is the one of each way.

        Returns:
            The locations from which tokens were deleted.

        Raises:
            LLMError: a setting is not valid, or the tokens could not be deleted.
        """
        self.require_account()
        backends = [self._chatgpt_backend]
        if self._chatgpt_backend.is_auto:
            backends = list(build_each_backend(self.config).values())
        locations: list[str] = []
        for backend in backends:
            locations += backend.account.sign_out()
            backend.models.delete_catalogue()
        return locations

    async def sign_in_on_mount(self) -> None:
        """Run the sign-in at the start of a session, if the settings ask for it and nobody is signed in yet.

        The session of a sub-agent never does, because its user sees another session.
        """
        chatgpt = self._chatgpt_backend
        if chatgpt.problem or not chatgpt.login_on_mount or getattr(self.coordinator, "parent_id", None):
            return
        terminal = Terminal.for_session(self.coordinator, source=self.name)
        try:
            if await wait_for(run_in_thread(chatgpt.account.get_status)) != "authenticated":
                await self._run_sign_in(terminal)
        except LLMError as error:
            terminal.print_text(f"Not signed in to ChatGPT: {error}")

    async def _offer_sign_in(self) -> Tokens | None:
        """Let the user at the terminal sign in, for the first call; see `ChatgptCredential.offer_sign_in`.

        Returns None if this process has no terminal, or if the settings do not allow the offer.

        Raises:
            LLMError: the user declined, or the sign-in failed.
        """
        if not (self._chatgpt_backend.login_on_use and is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            return None
        return await self._run_sign_in(Terminal.for_session(self.coordinator, source=self.name, can_decline=True))

    async def _run_sign_in(self, terminal: Terminal) -> Tokens:
        """Sign in, report it to the user, and emit the hook event of each code."""
        # The engine's room is not loaded before the first call.
        from openai_responses_common.engine.telemetry import emit_auth_required

        account = self._chatgpt_backend.account
        events: list[asyncio.Future[None]] = []

        def report_page(page: DeviceCode | SignInPage) -> None:
            minutes = round(page.expires_in_s / 60)
            event = emit_auth_required(self.coordinator, provider=self.name, url=page.url, minutes=minutes)
            events.append(asyncio.ensure_future(event))

        async def sign_in() -> Tokens:
            self._sign_in_task = asyncio.current_task()
            try:
                self._explain_choice(terminal)
                tokens = await account.sign_in_async(terminal, report_page)
            finally:
                self._sign_in_task = None
            await wait_for(run_in_thread(lambda: self._report_sign_in(terminal, tokens)))
            return tokens

        try:
            return await get_shared_offer(account).make(sign_in)
        finally:
            await asyncio.gather(*events, return_exceptions=True)

    async def close(self) -> None:
        """Close the provider and end a sign-in that it runs; see `ResponsesProvider.close`.

        The kernel does not pass the cancellation of a session on to what runs inside it, so the close ends it.
        """
        if self._sign_in_task not in (None, asyncio.current_task()):
            self._sign_in_task.cancel()
        await super().close()

    def require_account(self) -> Account:
        """Return the account.

        Raises:
            ConfigurationError: a setting is not valid.
        """
        if self._chatgpt_backend.problem:
            raise ConfigurationError(self._chatgpt_backend.problem, provider=self.name)
        return self._chatgpt_backend.account

    def _report_sign_in(self, terminal: Terminal, tokens: Tokens) -> None:
        self._chatgpt_backend.models.delete_catalogue()
        plan = f", plan {tokens.plan}" if tokens.plan else ""
        terminal.print_text(
            f"Signed in as {tokens.email or tokens.account}{plan}. The tokens are saved in "
            f"{self._describe_token_location()}."
        )

    def _describe_token_location(self) -> str:
        try:
            return self._chatgpt_backend.account.describe_location()
        except AuthenticationError as error:
            return f"an unknown location: {error}"


def _explain_code(terminal: Terminal, reason: str) -> None:
    terminal.print_text(f"{reason}\n{EXPLANATIONS['device_code']}")


def create(config: Mapping[str, Any]) -> ChatgptOauthProvider:
    """Build a provider without a host, from the same settings; `create_provider("chatgpt:…")` calls this function."""
    return ChatgptOauthProvider(config=config)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
    """Mount the provider and return the function that closes it.

    It is also mounted without a sign-in, so that the first call can say what to run.

    Args:
        coordinator: the coordinator of the session, or the mock of a host that validates the module.
        config: the settings; the README lists them. None, the default, means no settings.
    """
    provider = ChatgptOauthProvider(config=config, coordinator=coordinator)
    if hasattr(coordinator, "register_capability"):
        coordinator.register_capability(SIGN_IN_CAPABILITY, provider)
    return await mount_provider(coordinator, provider)


async def on_session_ready(coordinator: Any) -> None:
    """Prepare the first call, and sign in if the settings ask for it; see `prepare_session`.

    A host calls this when the session is complete, never on a mock.
    """
    await prepare_session(coordinator)
    mounted: dict[str, Any] = coordinator.get("providers") or {}
    for provider in mounted.values():
        if isinstance(provider, ChatgptOauthProvider):
            await provider.sign_in_on_mount()
