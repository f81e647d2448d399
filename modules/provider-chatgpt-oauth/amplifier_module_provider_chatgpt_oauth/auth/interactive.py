"""The interactive sign-in of an account: with a code, or in a browser. Blocks.

It returns tokens and saves none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from openai_responses_common.auth.device_code import DeviceCode, sign_in
from openai_responses_common.auth.terminal import Terminal

from ..account_settings import AccountSettings
from ..plan_quirks import PLAN_HEADERS
from ..quirks import CLIENT_HEADERS
from .issuer import Issuer
from .plan_issuer import PlanIssuer
from .plan_sign_in import SignInPage, sign_in_with_browser
from .tokens import Tokens


class InteractiveSignIn:
    """The sign-in of one account in the way that its settings name.

    Args:
        settings: the addresses and the token store of the account.
        probe: checks that tokens can be saved, before the user signs in. It raises `StoreError`.

    Attributes:
        issuer: who issues, refreshes and revokes the tokens.
    """

    def __init__(self, settings: AccountSettings, probe: Callable[[], None]) -> None:
        self._settings = settings
        self._probe = probe
        self.issuer: Issuer | PlanIssuer
        if settings.mode == "plan":
            self.issuer = PlanIssuer(settings.issuer, settings.base_url, PLAN_HEADERS)
        else:
            self.issuer = Issuer(settings.issuer, CLIENT_HEADERS)

    def run(
        self,
        terminal: Terminal,
        *,
        on_page_shown: Callable[[DeviceCode | SignInPage], None] | None = None,
        stop: threading.Event | None = None,
        needs_browser: bool = False,
    ) -> Tokens:
        """Run the sign-in until the user approves or declines it.

        Args:
            terminal: where the user reads.
            on_page_shown: called with every code or page. The default is no call.
            stop: ends the sign-in when it is set. The default is no such event.
            needs_browser: see `sign_in_with_browser`. The default is False.

        Raises:
            NoBrowser: no browser opened the page.
            LLMError: the sign-in failed, or the user declined.
            StoreError: the tokens could not be saved.
        """
        self._probe()
        if isinstance(self.issuer, Issuer):
            return sign_in(self.issuer.request_device_code, terminal, on_code_shown=on_page_shown, stop=stop)
        return sign_in_with_browser(
            self._settings,
            self.issuer,
            terminal,
            on_page_shown=on_page_shown,
            stop=stop,
            needs_browser=needs_browser,
        )
