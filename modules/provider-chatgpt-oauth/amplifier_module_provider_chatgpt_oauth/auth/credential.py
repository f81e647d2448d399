"""The sign-in as the credential of requests. It does not know how tokens are saved or refreshed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.auth.bearer import build_bearer_headers
from openai_responses_common.auth.jwt import read_claims
from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport.credential import UNAUTHORIZED, Lease
from openai_responses_common.wire.json_values import as_object

from .account import Account
from .tokens import AUTH_CLAIM, Tokens


class ChatgptCredential:
    """The access token of an account, with the header that names the account; see `Credential`.

    Attributes:
        offer_sign_in: lets the user sign in before the first call if nobody is signed in. It returns None if there is
            nobody to ask. None, as at first, offers nothing.
    """

    def __init__(self, account: Account) -> None:
        self.offer_sign_in: Callable[[], Awaitable[Tokens | None]] | None = None
        self._account = account
        self._stored_tokens: Tokens | None = None

    def __repr__(self) -> str:
        return f"ChatgptCredential({self.description})"

    @property
    def description(self) -> str:
        """See `Credential.description`."""
        return "a ChatGPT sign-in"

    @property
    def account(self) -> str:
        """The id of the account, to which the service binds ciphertext; empty before `prepare`."""
        token = self._account.source.token
        return token.account if token else self._stored_tokens.account if self._stored_tokens else ""

    async def prepare(self) -> None:
        """Read the account from the token store, once. Offer the sign-in if no call can be made without it."""
        if self._account.source.token is not None or self._stored_tokens is not None:
            return
        tokens = await wait_for(run_in_thread(self._account.load_tokens))
        if self.offer_sign_in is not None and (tokens is None or not tokens.can_be_used):
            tokens = await self.offer_sign_in() or tokens
        if tokens is None:
            absence = await wait_for(run_in_thread(self._account.describe_absence))
            raise AuthenticationError(absence, status_code=UNAUTHORIZED)
        self._stored_tokens = tokens

    async def lease(self) -> Lease:
        """Return the token, and for a device code its account.

        Source of the names: OpenAI's own client, seen 2026-11-21.
        """
        if self._account.saved_tokens.has_unsaved_tokens:
            await wait_for(run_in_thread(self._account.saved_tokens.retry_save))
        token = await self._account.source.get()
        headers: dict[str, str] = dict(build_bearer_headers(token))
        if self._account.settings.mode == "plan":
            return Lease(headers=headers, token=token.value, replaced_s=token.issued_s)
        headers["ChatGPT-Account-Id"] = token.account
        if as_object(read_claims(token.value).get(AUTH_CLAIM)).get("chatgpt_account_is_fedramp") is True:
            headers["X-OpenAI-Fedramp"] = "true"
        return Lease(headers=headers, token=token.value, replaced_s=token.issued_s)

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        """Take the token of another process, else refresh; see `Credential.refresh`."""
        if not await wait_for(run_in_thread(lambda: self._account.can_replace_token(lease.token))):
            return False
        await self._account.source.refresh(lease.token)
        return True

    def scrub(self, text: str) -> str:
        """The text without the tokens."""
        return self._account.source.scrub(text)
