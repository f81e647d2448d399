"""The sign-in as the credential of calls."""

from __future__ import annotations

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.background import joined, start
from openai_responses_common.auth.bearer import bearer, value_of
from openai_responses_common.auth.jwt import claims_of
from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport.credential import UNAUTHORIZED, Headers
from openai_responses_common.wire.json_values import record

from .account import NOT_SIGNED_IN, Account
from .tokens import AUTH_CLAIM, Tokens


class ChatgptCredential:
    """See `Credential`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: Tokens | None = None

    def __repr__(self) -> str:
        return f"ChatgptCredential({self.words})"

    @property
    def words(self) -> str:
        """See `Credential.words`."""
        return "a ChatGPT sign-in"

    @property
    def account(self) -> str:
        """The id of the account, which ciphertext is bound to."""
        token = self._account.source.token
        return token.account if token else self._known.account if self._known else ""

    async def prepare(self) -> None:
        """Read who is signed in, once."""
        if self._account.source.token is None and self._known is None:
            self._known = await joined(start(self._account.stored))
            if self._known is None:
                raise AuthenticationError(NOT_SIGNED_IN, status_code=UNAUTHORIZED)

    async def headers(self) -> Headers:
        """The token and whose it is. Source of the names: OpenAI's own client, seen 2026-11-21."""
        if self._account.unkept:
            await joined(start(self._account.save_again))
        token = await self._account.source.get()
        headers = {**bearer(token), "ChatGPT-Account-Id": token.account}
        if record(claims_of(token.value).get(AUTH_CLAIM)).get("chatgpt_account_is_fedramp") is True:
            headers["X-OpenAI-Fedramp"] = "true"
        return headers

    async def renew(self, refused: Headers, failure: Failure) -> bool:
        """Take what another process has got, else renew; see `Credential.renew`."""
        value = value_of(refused)
        if not await joined(start(lambda: self._account.has_another(value))):
            return False
        await self._account.source.renew(value)
        return True

    def scrub(self, text: str) -> str:
        """The text without the tokens."""
        return self._account.source.scrub(text)
