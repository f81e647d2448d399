"""The sign-in in a browser: shows the page, waits for its callback or for its address, and gets the tokens. Blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.terminal import Terminal, replace_unprintable
from openai_responses_common.transport.credential import is_header_value

from ..settings import LOGIN_COMMAND, AccountSettings
from .callback import CallbackServer
from .plan_issuer import DYNAMIC_CLIENT, Attempt, PlanIssuer, may_use_plan
from .registration import Registration, load_host_id, load_registration, save_registration
from .tokens import Tokens

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


def sign_in_with_browser(
    settings: AccountSettings,
    issuer: PlanIssuer,
    terminal: Terminal,
    *,
    on_page_shown: Callable[[SignInPage], None] | None = None,
    stop: threading.Event | None = None,
) -> Tokens:
    """Run the sign-in until the user has approved or declined it.

    Args:
        settings: say where the registration of this machine is saved.
        issuer: the sign-in service.
        terminal: where the user reads, and may paste the address of the callback.
        on_page_shown: called with the page. The default is no call.
        stop: ends the sign-in when it is set. The default is no such event.

    Raises:
        LLMError: the user declined, nobody answered in time, or the sign-in failed.
        StoreError: the registration cannot be saved.
    """
    registration, host_id = load_registration(settings), load_host_id(settings)
    attempt = Attempt(client_id=registration.client_id or DYNAMIC_CLIENT, redirect="")
    with CallbackServer(attempt.state) as server:
        attempt = replace(attempt, redirect=server.address)
        url = issuer.build_page_url(attempt, host_id=host_id, asks_consent=registration.declined_plan)
        _show_page(url, issuer, terminal)
        if on_page_shown:
            on_page_shown(SignInPage(url=url))
        parameters = _wait_for_callback(server, url, terminal, stop)
    client_id = _read_client_id(parameters, registration)
    registration = replace(registration, client_id=client_id)
    # Before the exchange: without it the next sign-in would register this machine once more.
    save_registration(settings, registration)
    tokens = issuer.exchange_code(attempt, client_id=client_id, code=parameters["code"])
    if registration.subject not in ("", tokens.account):
        raise AuthenticationError(
            "somebody else signed in than before: sign in with the same account, or choose another label with the "
            "setting 'account'"
        )
    save_registration(settings, replace(registration, subject=tokens.account, declined_plan=not may_use_plan(tokens)))
    if not may_use_plan(tokens):
        issuer.revoke_tokens(tokens)
        raise AuthenticationError(
            f"signed in as {tokens.email}, but without leave to use the plan: run `{LOGIN_COMMAND}` again and allow it"
        )
    return tokens


def _show_page(url: str, issuer: PlanIssuer, terminal: Terminal) -> None:
    is_open = terminal.open_page(url, (urlsplit(issuer.url).hostname or "",))
    first = "Your browser opens this page to sign in with ChatGPT:" if is_open else "To sign in, open this page:"
    lines = [first, "", f"    {replace_unprintable(url)}", ""]
    lines += [
        "If the browser is on another machine, it cannot reach this one at the end. Then copy the address of the",
        "page on which it ends (http://127.0.0.1:…), and paste it here.",
    ]
    terminal.print_text("\n".join(lines))


def _wait_for_callback(
    server: CallbackServer, url: str, terminal: Terminal, stop: threading.Event | None
) -> dict[str, str]:
    end_s = time.monotonic() + _DEADLINE_S
    terminal.start_waiting(url, (), takes_text=True)
    try:
        while server.parameters is None:
            remaining_s = end_s - time.monotonic()
            if stop is not None and stop.is_set():
                raise AuthenticationError("the sign-in was stopped")
            if terminal.is_declined:
                raise AuthenticationError("the sign-in was declined")
            if remaining_s <= 0:
                raise AuthenticationError(f"nobody answered the page within {_DEADLINE_S / 60:.0f} minutes")
            terminal.wait(min(_POLL_INTERVAL_S, remaining_s), lambda: end_s - time.monotonic(), stop)
            text, terminal.typed_text = terminal.typed_text, ""
            if text and not server.accept(text):
                terminal.print_text("This is not the address of this sign-in. Paste the whole address of the page.")
    finally:
        terminal.finish_waiting()
    return server.parameters


def _read_client_id(parameters: dict[str, str], registration: Registration) -> str:
    """Return the client id of the tokens, and check the callback.

    Raises:
        AuthenticationError: the user declined, or the callback is not complete.
    """
    if error := parameters.get("error"):
        is_declined = error == "access_denied"
        raise AuthenticationError("the sign-in was declined in the browser" if is_declined else "the page failed")
    client_id = parameters.get("client_id") or registration.client_id
    is_valid = is_header_value(client_id) and client_id != DYNAMIC_CLIENT and bool(parameters.get("code"))
    if not is_valid or registration.client_id not in ("", client_id):
        raise AuthenticationError("the page returned an answer that does not belong to this sign-in")
    return client_id
