"""The offer to sign in that the first call makes to a user at a terminal.

All providers and sessions of this process that use an account share its offer: parallel calls wait for one sign-in, and
a user who declines is not asked again.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from weakref import WeakKeyDictionary

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.background import wait_for
from openai_responses_common.transport.credential import UNAUTHORIZED

from .account import NOT_SIGNED_IN, Account
from .tokens import Tokens


class SignInOffer:
    """Offers the sign-in of one account until the user declines."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: Future[Tokens] | None = None
        self._refusal = ""

    async def make(self, sign_in: Callable[[], Awaitable[Tokens]]) -> Tokens:
        """Run a sign-in and return its tokens, or those of the sign-in that another call runs at present.

        Args:
            sign_in: runs the interactive sign-in.

        Raises:
            AuthenticationError: the user declined now or before, or the code expired.
            LLMError: the sign-in failed. The next call offers it again.
        """
        with self._lock:
            if self._refusal:
                raise AuthenticationError(self._refusal, status_code=UNAUTHORIZED)
            others = self._pending
            own = self._pending = others or Future[Tokens]()
        if others is not None:
            return await wait_for(others)
        try:
            tokens = await sign_in()
        except AuthenticationError as error:
            self._refuse(own, f"{NOT_SIGNED_IN} ({error})")
            raise AuthenticationError(self._refusal, status_code=UNAUTHORIZED) from error
        except Exception as error:
            self._end(own).set_exception(error)
            raise
        except BaseException:  # the host cancels the call
            self._refuse(own, f"{NOT_SIGNED_IN} (the sign-in was stopped)")
            raise
        self._end(own).set_result(tokens)
        return tokens

    def _refuse(self, pending: Future[Tokens], reason: str) -> None:
        """End the offer for this process."""
        self._refusal = reason
        self._end(pending).set_exception(AuthenticationError(reason, status_code=UNAUTHORIZED))

    def _end(self, pending: Future[Tokens]) -> Future[Tokens]:
        """Return the future that the other calls wait for, after later calls stopped to find it."""
        with self._lock:
            self._pending = None
        return pending


_offers: WeakKeyDictionary[Account, SignInOffer] = WeakKeyDictionary()
_offers_lock = threading.Lock()


def get_shared_offer(account: Account) -> SignInOffer:
    """Return the offer of an account, shared by all providers of this process that use it."""
    with _offers_lock:
        return _offers.setdefault(account, SignInOffer())
