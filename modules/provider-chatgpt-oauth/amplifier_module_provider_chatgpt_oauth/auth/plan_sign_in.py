"""The sign-in in a browser: shows the page, waits for its callback or for its address, and gets the tokens. Blocks."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, LLMError
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.auth.terminal import Terminal, replace_unprintable
from openai_responses_common.transport.credential import is_header_value

from ..account_settings import AccountSettings
from ..settings import LOGIN_COMMAND
from .plan_issuer import CLIENT_CODES, DYNAMIC_CLIENT, Attempt, ClientRefused, PlanIssuer, may_use_plan
from .registration import (
    Registration,
    check_subject,
    describe_reset,
    load_host_id,
    load_registration,
    save_registration,
)
from .tokens import Tokens

if TYPE_CHECKING:  # it imports a web server, which only a sign-in needs
    from .callback import CallbackServer

logger = logging.getLogger(__name__)

_DEADLINE_S = 600.0
_POLL_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """A page that was shown to the user.

    Attributes:
        url: its address.
        expires_in_s: how long we wait for the callback, in seconds.
    """

    url: str
    expires_in_s: float = _DEADLINE_S


class NoBrowser(AuthenticationError):
    """No browser opened the page, and the user did not ask for this way."""


def sign_in_with_browser(
    settings: AccountSettings,
    issuer: PlanIssuer,
    terminal: Terminal,
    *,
    on_page_shown: Callable[[SignInPage], None] | None = None,
    stop: threading.Event | None = None,
    needs_browser: bool = False,
) -> Tokens:
    """Run the sign-in until the user has approved or declined it.

    Args:
        settings: say where the registration of this machine is saved.
        issuer: the sign-in service.
        terminal: where the user reads, and may paste the address of the callback.
        on_page_shown: called with the page. The default is no call.
        stop: ends the sign-in when it is set. The default is no such event.
        needs_browser: whether the sign-in ends if no browser opens the page. By default it goes on, because the user
            can open the page.

    Raises:
        NoBrowser: no browser opened the page.
        LLMError: the user declined, nobody answered in time, or the sign-in failed.
        StoreError: the registration cannot be saved.
    """
    try:
        return _sign_in(settings, issuer, terminal, on_page_shown, stop, needs_browser=needs_browser)
    except ClientRefused as error:
        raise AuthenticationError(f"{error}{describe_reset(settings)}", status_code=error.status_code) from error


def _sign_in(
    settings: AccountSettings,
    issuer: PlanIssuer,
    terminal: Terminal,
    on_page_shown: Callable[[SignInPage], None] | None,
    stop: threading.Event | None,
    *,
    needs_browser: bool,
) -> Tokens:
    from .callback import CallbackServer

    registration, host_id = load_registration(settings), load_host_id(settings)
    attempt = Attempt(client_id=registration.client_id or DYNAMIC_CLIENT, redirect="")
    with CallbackServer(attempt.state, issuer.url) as server:
        attempt = replace(attempt, redirect=server.address)
        url = issuer.build_page_url(attempt, host_id=host_id, asks_consent=registration.declined_plan)
        opening = terminal.open_page(url, (urlsplit(issuer.url).hostname or "",))
        if opening is None and needs_browser:
            raise NoBrowser("there is no browser on this machine")
        _show_page(url, terminal, is_open=opening is not None)
        if on_page_shown:
            on_page_shown(SignInPage(url=url))
        parameters = _Wait(server, url, terminal, stop, opening, needs_browser=needs_browser).run()
    client_id = _read_client_id(parameters, registration)
    # Another process may have signed in meanwhile.
    registration = replace(load_registration(settings), client_id=client_id)
    # Before the exchange: without it the next sign-in would register this machine once more.
    save_registration(settings, registration)
    tokens = issuer.exchange_code(attempt, client_id=client_id, code=parameters["code"])
    try:
        check_subject(registration, tokens)
        save_registration(
            settings, replace(registration, subject=tokens.account, declined_plan=not may_use_plan(tokens))
        )
        if not may_use_plan(tokens):
            raise AuthenticationError(
                f"signed in as {tokens.email}, but without leave to use the plan: run `{LOGIN_COMMAND}` again and "
                "allow it"
            )
    except (AuthenticationError, StoreError):
        _revoke(issuer, tokens)
        raise
    return tokens


def _revoke(issuer: PlanIssuer, tokens: Tokens) -> None:
    """Revoke tokens that nobody will use; the reason for that counts more than a failure."""
    try:
        issuer.revoke_tokens(tokens)
    except LLMError as error:
        logger.warning("tokens that are not used were not revoked at the service: %s", error)


def _show_page(url: str, terminal: Terminal, *, is_open: bool) -> None:
    first = "Your browser opens this page to sign in with ChatGPT:" if is_open else "To sign in, open this page:"
    lines = [first, "", f"    {replace_unprintable(url)}", ""]
    if terminal.can_type:
        lines += [
            "If you open it on another machine, the last page cannot be",
            "reached there. Then copy the address of that page",
            "(http://127.0.0.1:…) and paste it here.",
        ]
    terminal.print_text("\n".join(lines))


class _Wait:
    """Waits for the callback of one sign-in, or for its address at the keyboard."""

    def __init__(
        self,
        server: CallbackServer,
        url: str,
        terminal: Terminal,
        stop: threading.Event | None,
        opening: Future[bool] | None,
        *,
        needs_browser: bool,
    ) -> None:
        self._server = server
        self._url = url
        self._terminal = terminal
        self._stop = stop
        self._opening = opening
        self._needs_browser = needs_browser
        self._end_s = time.monotonic() + _DEADLINE_S
        self._pasted_text = ""

    def run(self) -> dict[str, str]:
        """Return the parameters of the callback.

        Raises:
            NoBrowser: see `sign_in_with_browser`.
            ClientRefused: nobody answered in time.
            AuthenticationError: the user declined.
        """
        self._terminal.start_waiting(self._url, (), takes_text=True)
        try:
            while self._server.parameters is None:
                self._check()
                rest_s = self._end_s - time.monotonic()
                self._terminal.wait(min(_POLL_INTERVAL_S, rest_s), lambda: self._end_s - time.monotonic(), self._stop)
                self._read_keyboard()
        finally:
            self._terminal.finish_waiting()
        return self._server.parameters

    def _check(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise AuthenticationError("the sign-in was stopped")
        if self._terminal.is_declined:
            raise AuthenticationError("the sign-in was declined")
        if time.monotonic() >= self._end_s:
            raise ClientRefused(f"nobody answered the page within {_DEADLINE_S / 60:.0f} minutes")
        if self._opening is not None and self._opening.done() and not self._opening.result():
            self._opening = None
            if self._needs_browser:
                raise NoBrowser("the browser could not be opened")
            self._terminal.print_text("The browser could not be opened: open the page yourself.")

    def _read_keyboard(self) -> None:
        """Take a pasted address once no further line of it comes: line breaks may have cut it into pieces."""
        line, self._terminal.typed_text = self._terminal.typed_text, ""
        if line:
            self._pasted_text += line
            return
        from .callback import read_pasted_address

        text, self._pasted_text = self._pasted_text, ""
        if text and not self._server.accept(read_pasted_address(text)):
            self._terminal.print_text(
                "This is not the address of this sign-in.\nPaste the whole address of the last page."
            )


def _read_client_id(parameters: dict[str, str], registration: Registration) -> str:
    """Return the client id of the tokens, and check the callback.

    Raises:
        ClientRefused: the service does not accept the client id.
        AuthenticationError: the user declined, or the callback is not complete.
    """
    if error := parameters.get("error"):
        if error in CLIENT_CODES:
            raise ClientRefused(f"the service does not accept this client ({error})")
        is_declined = error == "access_denied"
        code = f" ({error})" if re.fullmatch(r"[a-z_]{2,48}", error) else ""
        raise AuthenticationError(
            "the sign-in was declined in the browser" if is_declined else f"the sign-in service refused it{code}"
        )
    client_id = parameters.get("client_id") or registration.client_id
    is_valid = is_header_value(client_id) and client_id != DYNAMIC_CLIENT and bool(parameters.get("code"))
    if not is_valid or registration.client_id not in ("", client_id):
        raise AuthenticationError("the page returned an answer that does not belong to this sign-in")
    return client_id
