"""The tests that every credential has to pass."""

from __future__ import annotations

import asyncio
import pickle

from ..failures.failure import Failure
from ..transport.credential import UNAUTHORIZED, Credential


class CredentialContract:
    """Inherit it, set `secret` and define `build`.

    Attributes:
        secret: the secret that the first lease of a new credential holds.
    """

    secret = ""

    def build(self) -> Credential:
        """Return a new credential that can be used."""
        raise NotImplementedError

    def test_lease_holds_the_secret_in_a_header(self) -> None:
        lease = asyncio.run(self.build().lease())
        assert self.secret, "set `secret` in the class of the tests"
        assert any(self.secret in value for value in lease.headers.values()), "no header holds the secret"

    def test_headers_can_be_sent(self) -> None:
        lease = asyncio.run(self.build().lease())
        for name, value in lease.headers.items():
            assert all(" " <= character <= "~" for character in name + value), f"header {name} cannot be sent"

    def test_account_is_the_same_after_each_prepare(self) -> None:
        credential = self.build()

        async def check() -> None:
            await credential.prepare()
            account = credential.account
            await credential.prepare()
            await credential.lease()
            assert credential.account == account, "the account changed"

        asyncio.run(check())

    def test_nothing_shows_the_secret(self) -> None:
        credential = self.build()
        lease = asyncio.run(credential.lease())
        assert credential.description, "the description is empty"
        for text in (credential.description, repr(credential), str(credential), repr(lease), str(lease)):
            assert self.secret not in text, "the secret is shown"

    def test_text_is_scrubbed_of_the_secret(self) -> None:
        credential = self.build()
        asyncio.run(credential.lease())
        assert self.secret not in credential.scrub(f"a {self.secret} b"), "the secret is left in a text"
        assert credential.scrub("a b") == "a b", "a text without the secret was changed"

    def test_refresh_says_whether_the_next_lease_is_another(self) -> None:
        credential = self.build()

        async def check() -> None:
            lease = await credential.lease()
            refusal = Failure(kind="status", status=UNAUTHORIZED, message="the token is not valid")
            is_refreshed = await credential.refresh(lease, refusal)
            is_another = (await credential.lease()).headers != lease.headers
            assert is_refreshed == is_another, f"refresh returned {is_refreshed}"

        asyncio.run(check())

    def test_secret_cannot_be_pickled(self) -> None:
        credential = self.build()
        for thing in (credential, asyncio.run(credential.lease())):
            try:
                content = pickle.dumps(thing)
            except (TypeError, AttributeError, pickle.PicklingError):
                continue
            assert self.secret.encode() not in content, f"a pickle of {type(thing).__name__} holds the secret"
