"""An Entra token as a credential: one identity for all who mean it, and another audience where one is wrong."""

from __future__ import annotations

import re
import threading
import time
from weakref import WeakValueDictionary

from openai_responses_common import BearerToken, Token, TokenSource
from openai_responses_common.auth.bearer import value_of
from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport.credential import Headers

from .entra import Flow, guarded

# "Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired."
_AUDIENCE = re.compile(r"audience is incorrect", re.I)
# Comes with the same status, and no other token would mend it.
ROLE_MISSING = re.compile(r"lacks the required data action", re.I)
# Azure has the words of a wrong audience for a token that ended; one that was fetched just now did not end.
_JUST_NOW_S = 60.0


class EntraSource(TokenSource):
    """The token of one identity for one audience."""

    def __init__(self, flow: Flow, scope: str, *, deadline_s: float) -> None:
        super().__init__(self._from_flow, words=f"getting a token of {flow.words}", deadline_s=deadline_s)
        self._flow = flow
        self.scope = scope
        self._fetched_s = 0.0

    def holds_new(self, value: str) -> bool:
        """Whether this is the token, and it was fetched just now."""
        return bool(self.token and self.token.value == value) and time.monotonic() - self._fetched_s < _JUST_NOW_S

    def _from_flow(self, refused: str | None) -> Token:
        token = guarded(self._flow.words, lambda: self._flow.token(self.scope, refused))
        self._fetched_s = time.monotonic()
        return token


class Identity:
    """Somebody who gets tokens, with one source for each audience.

    Attributes:
        flow: the way to the tokens.
        scopes: of a host and the audiences that it may want: these, the one that it takes (as far as is known) first.
    """

    def __init__(self, flow: Flow, *, deadline_s: float) -> None:
        self.flow = flow
        self.scopes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._deadline_s = deadline_s
        self._sources: dict[str, EntraSource] = {}

    def source(self, scope: str) -> EntraSource:
        """The source for an audience."""
        with _lock:
            if scope not in self._sources:
                self._sources[scope] = EntraSource(self.flow, scope, deadline_s=self._deadline_s)
            return self._sources[scope]

    def scrub(self, text: str) -> str:
        """The text without any of its tokens."""
        for source in list(self._sources.values()):
            text = source.scrub(text)
        return text


class EntraCredential(BearerToken):
    """A token of an identity, for one host."""

    def __init__(self, identity: Identity, host: str, scopes: tuple[str, ...]) -> None:
        self.identity = identity
        self._host = host
        self._key = (host, *scopes)
        identity.scopes.setdefault(self._key, scopes)
        super().__init__(self._present, words="")

    @property
    def _present(self) -> EntraSource:
        return self.identity.source(self.identity.scopes[self._key][0])

    @property
    def words(self) -> str:
        """See `Credential.words`."""
        return f"a token of {self.identity.flow.words} for {self._present.scope}, to {self._host}"

    @property
    def token(self) -> Token | None:
        """The newest token."""
        return self._present.token

    async def headers(self) -> Headers:
        """See `Credential.headers`."""
        self.source = self._present
        return await super().headers()

    async def renew(self, refused: Headers, failure: Failure) -> bool:
        """See `Credential.renew`."""
        if ROLE_MISSING.search(failure.message):
            return False
        if _AUDIENCE.search(failure.message) and not self.was_renewed(refused):
            self._try_another_audience(refused)
        self.source = self._present
        return await super().renew(refused, failure)

    def _try_another_audience(self, refused: Headers) -> None:
        """Unless somebody else has done so, or it is a token that just grew old."""
        if self._present.holds_new(value_of(refused)):
            first, *others = self.identity.scopes[self._key]
            self.identity.scopes[self._key] = (*others, first)

    def scrub(self, text: str) -> str:
        """See `Credential.scrub`."""
        return self.identity.scrub(text)


_identities: WeakValueDictionary[str, Identity] = WeakValueDictionary()
_lock = threading.Lock()


def shared_identity(digest: str, flow: Flow, *, deadline_s: float) -> Identity:
    """The identity of a digest: all providers of this process that mean the same one share it.

    Args:
        digest: of everything that makes it.
        flow: the way to its tokens, where it is new.
        deadline_s: the longest that anybody waits for a token.
    """
    with _lock:
        identity = _identities.get(digest)
        if identity is None:
            identity = _identities[digest] = Identity(flow, deadline_s=deadline_s)
        return identity
