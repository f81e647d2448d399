"""An Entra token as the credential of requests.

Providers that use one identity share it, with one token source for each scope. If the service says that the audience of
a token is wrong, the next scope of the endpoint is used. This file does not know how a flow obtains its tokens.
"""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary

from openai_responses_common import BearerToken, Token, TokenSource
from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport.credential import Lease, is_recent

from ..quirks import MISSING_ROLE_PATTERN, WRONG_AUDIENCE_PATTERN
from .flow import Flow, run_flow

_identities_lock = threading.Lock()


class EntraTokenSource(TokenSource):
    """The token of one identity for one scope."""

    def __init__(self, flow: Flow, scope: str, *, deadline_s: float) -> None:
        super().__init__(
            self._fetch_from_flow, description=f"getting a token of {flow.description}", deadline_s=deadline_s
        )
        self._flow = flow
        self.scope = scope

    def _fetch_from_flow(self, refused_token: str | None) -> Token:
        return run_flow(self._flow.description, lambda: self._flow.get_token(self.scope, refused_token))


class Identity:
    """One identity that obtains tokens, with one source for each scope.

    Attributes:
        flow: how the identity obtains tokens.
        scope_order_by_host: the scopes to try, by host and scopes of the endpoint; the one in use is first.
    """

    def __init__(self, flow: Flow, *, deadline_s: float) -> None:
        self.flow = flow
        self.scope_order_by_host: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._deadline_s = deadline_s
        self._sources: dict[str, EntraTokenSource] = {}

    def get_source(self, scope: str) -> EntraTokenSource:
        """The token source of a scope."""
        with _identities_lock:
            if scope not in self._sources:
                self._sources[scope] = EntraTokenSource(self.flow, scope, deadline_s=self._deadline_s)
            return self._sources[scope]

    def scrub(self, text: str) -> str:
        """The text without any token of the identity."""
        for source in list(self._sources.values()):
            text = source.scrub(text)
        return text


class EntraCredential(BearerToken):
    """A token of an identity, for one host."""

    def __init__(self, identity: Identity, host: str, scopes: tuple[str, ...]) -> None:
        self.identity = identity
        self._host = host
        self._scope_order_key = (host, *scopes)
        identity.scope_order_by_host.setdefault(self._scope_order_key, scopes)
        super().__init__(self._current_source, description="")

    @property
    def _current_source(self) -> EntraTokenSource:
        return self.identity.get_source(self.identity.scope_order_by_host[self._scope_order_key][0])

    @property
    def description(self) -> str:
        """See `Credential.description`."""
        return f"a token of {self.identity.flow.description} for {self._current_source.scope}, to {self._host}"

    @property
    def token(self) -> Token | None:
        """The current token. None before the first request."""
        return self._current_source.token

    async def lease(self) -> Lease:
        """See `Credential.lease`."""
        self.source = self._current_source
        return await super().lease()

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        """See `Credential.refresh`."""
        if MISSING_ROLE_PATTERN.search(failure.message):
            return False
        if WRONG_AUDIENCE_PATTERN.search(failure.message):
            self._rotate_scopes(lease)
        self.source = self._current_source
        return await super().refresh(lease, failure)

    def _rotate_scopes(self, lease: Lease) -> None:
        """Use the next scope, unless another request has done so, or the token may have expired.

        Azure words a wrong audience and an expired token alike. A token that was fetched just now has not expired.
        """
        token = self._current_source.token
        if token is not None and token.value == lease.token and is_recent(token.issued_s):
            first, *others = self.identity.scope_order_by_host[self._scope_order_key]
            self.identity.scope_order_by_host[self._scope_order_key] = (*others, first)

    def scrub(self, text: str) -> str:
        """See `Credential.scrub`."""
        return self.identity.scrub(text)


_identities: WeakValueDictionary[str, Identity] = WeakValueDictionary()


def get_shared_identity(digest: str, flow: Flow, *, deadline_s: float) -> Identity:
    """The identity of a digest, shared by all providers of this process that use it.

    Args:
        digest: of everything that selects the identity.
        flow: how a new identity obtains tokens.
        deadline_s: the longest time, in seconds, that a request waits for a token.
    """
    with _identities_lock:
        identity = _identities.get(digest)
        if identity is None:
            identity = _identities[digest] = Identity(flow, deadline_s=deadline_s)
        return identity
