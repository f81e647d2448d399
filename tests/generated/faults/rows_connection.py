"""Rows: places that cannot be reached, and certificates that cannot be trusted."""

from __future__ import annotations

from typing import Any

from responses_emulator import Authority

from tests.generated.faults.fault import Fault, Group, Outcome, answer, final, passing
from tests.generated.faults.raw import (
    Opens,
    answering,
    close,
    crowded,
    keep,
    listening,
    nameless,
    old_tls,
    proxied,
    refusing,
    reset,
    served,
)

# Nothing ever comes, so that a pause of the machine ends in the same timeout.
_SILENCE = {"timeout": 0.15}
_NETWORK = passing("NetworkError", says="cannot reach")
_UNTRUSTED = final("NetworkError", says="SSL_CERT_FILE")
_TIMEOUT = passing("LLMTimeoutError")
_DENIED = answering(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
_DOWN = answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")


def _row(name: str, place: Opens, then: Outcome, **settings: Any) -> Fault:
    return Fault(name=name, does=(), place=place, outcome=then, settings=settings)


_REACH = (
    _row("nobody listens there", refusing, _NETWORK),
    _row("the name cannot be resolved", nameless, _NETWORK, allowed_hosts="chatgpt.com"),
    _row("a connection is closed at once", listening(close), _NETWORK),
    _row("a connection is reset at once", listening(reset), _NETWORK),
    _row("a connection is taken, and nothing is ever said", listening(keep), _TIMEOUT, **_SILENCE),
    _row("no connection is taken", crowded, _TIMEOUT, **_SILENCE),
    _row("the proxy is not there", proxied(None, scheme="http"), _NETWORK),
    _row("the proxy is not there, for https", proxied(None, scheme="https"), _NETWORK),
    _row("the proxy wants a password", proxied(_DENIED, scheme="http"), final("ConfigurationError", 407)),
    _row("the proxy wants a password, for https", proxied(_DENIED, scheme="https"), _NETWORK),
    _row("the proxy has no way", proxied(_DOWN, scheme="http"), passing("ProviderUnavailableError", 502)),
    _row("the proxy has no way, for https", proxied(_DOWN, scheme="https"), _NETWORK),
    _row("the proxy hangs, for https", proxied(keep, scheme="https"), _TIMEOUT, **_SILENCE),
)
_TLS = (
    _row("a certificate of an authority in `SSL_CERT_FILE`", served(Authority.context), answer("hello")),
    _row("an authority that nobody trusts", served(Authority.untrusted), _UNTRUSTED),
    _row("the right authority, but not in `SSL_CERT_FILE`", served(Authority.context, trusted=False), _UNTRUSTED),
    _row("a certificate that vouches for itself", served(Authority.self_signed), _UNTRUSTED),
    _row("another host's certificate", served(Authority.wrong_host), _UNTRUSTED),
    _row("a certificate that is over", served(Authority.expired), _UNTRUSTED),
    _row("an old version of TLS", served(old_tls), _NETWORK),
    _row("no TLS, at an `https` address", served(lambda _: None), _NETWORK),
    _row("TLS, at an `http` address", served(Authority.context, scheme="http"), _NETWORK),
    _row("closed in the handshake", listening(close, scheme="https"), _NETWORK),
    _row("reset in the handshake", listening(reset, scheme="https"), _NETWORK),
    _row("silent in the handshake", listening(keep, scheme="https"), _TIMEOUT, **_SILENCE),
    _row("garbage in the handshake", listening(answering(b"hello\r\n"), scheme="https"), _NETWORK),
)

GROUPS = (Group(title="There is no connection", about="this happens", rows=_REACH + _TLS),)
