"""Rows: places that cannot be reached, and certificates that cannot be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responses_emulator import Authority

from tests.generated.faults.fault import (
    ADDED,
    DELTA,
    HALF_SHOWN_TWICE,
    HELLO,
    Fault,
    Group,
    Outcome,
    answer,
    final,
    passing,
    sse,
)
from tests.generated.faults.raw import (
    Behaviour,
    OpenLocation,
    close,
    damage_tls,
    fill_queue,
    listen,
    make_old_tls_context,
    refuse_connections,
    reply_with,
    reset,
    serve_tls,
    stay_silent,
    use_proxy,
    use_unresolvable_name,
)

# Nothing ever comes, so that a pause of the machine ends in the same timeout.
_SILENCE: dict[str, Any] = {"timeout": 0.15}
_NETWORK = passing("NetworkError", says="cannot reach")
_UNTRUSTED = final("NetworkError", says="SSL_CERT_FILE")
_BROKEN = passing("StreamError", events=HALF_SHOWN_TWICE, says="the connection broke off (")
_TIMEOUT = passing("LLMTimeoutError")
_DENIED = reply_with(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
_DOWN = reply_with(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")


# The other services take no `http` address of another machine.
_HTTP_ONLY = ("openai-v2",)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _row(name: str, place: OpenLocation, then: Outcome, *, only: tuple[str, ...] = (), **settings: Any) -> Fault:
    return Fault(name=name, replies=(), open_location=place, outcome=then, settings=settings, only=only)


def _proxy_row(name: str, behave: Behaviour | None, then: Outcome, *, scheme: str = "https", **settings: Any) -> Fault:
    only = _HTTP_ONLY if scheme == "http" else ()
    place = use_proxy(behave, scheme=scheme)
    return _row(name, place, then, only=only, allowed_hosts="chatgpt.com", **settings)


def _chunk(*events: Mapping[str, Any]) -> bytes:
    body = sse(*events)
    return b"%x\r\n%s\r\n" % (len(body), body)


_REACH = (
    _row("nobody listens there", refuse_connections, _NETWORK),
    _row("the name cannot be resolved", use_unresolvable_name, _NETWORK, allowed_hosts="chatgpt.com"),
    _row("a connection is closed at once", listen(close), _NETWORK),
    _row("a connection is reset at once", listen(reset), _NETWORK),
    _row("a connection is taken, and nothing is ever said", listen(stay_silent), _TIMEOUT, **_SILENCE),
    _row("no connection is taken", fill_queue, _TIMEOUT, **_SILENCE),
    _proxy_row("the proxy is not there", None, _NETWORK, scheme="http"),
    _proxy_row("the proxy is not there, for https", None, _NETWORK),
    _proxy_row("the proxy wants a password", _DENIED, final("ConfigurationError", 407), scheme="http"),
    _proxy_row("the proxy wants a password, for https", _DENIED, final("ConfigurationError", 407)),
    _proxy_row("the proxy has no way", _DOWN, passing("ProviderUnavailableError", 502), scheme="http"),
    _proxy_row("the proxy has no way, for https", _DOWN, _NETWORK),
    _proxy_row("the proxy hangs, for https", stay_silent, _TIMEOUT, **_SILENCE),
)
_TLS = (
    _row("a certificate of an authority in `SSL_CERT_FILE`", serve_tls(Authority.context), answer("hello")),
    _row("an authority that nobody trusts", serve_tls(Authority.untrusted), _UNTRUSTED),
    _row("the right authority, but not in `SSL_CERT_FILE`", serve_tls(Authority.context, trusted=False), _UNTRUSTED),
    _row("a certificate that vouches for itself", serve_tls(Authority.self_signed), _UNTRUSTED),
    _row("another host's certificate", serve_tls(Authority.wrong_host), _UNTRUSTED),
    _row("a certificate that is over", serve_tls(Authority.expired), _UNTRUSTED),
    _row("an old version of TLS", serve_tls(make_old_tls_context), _NETWORK),
    _row("no TLS, at an `https` address", serve_tls(lambda _: None), _NETWORK),
    _row("TLS, at an `http` address", serve_tls(Authority.context, scheme="http"), _NETWORK),
    _row("closed in the handshake", listen(close, scheme="https"), _NETWORK),
    _row("reset in the handshake", listen(reset, scheme="https"), _NETWORK),
    _row("silent in the handshake", listen(stay_silent, scheme="https"), _TIMEOUT, **_SILENCE),
    _row("garbage in the handshake", listen(reply_with(b"hello\r\n"), scheme="https"), _NETWORK),
    _row("a damaged record in place of the head", damage_tls(b""), _NETWORK),
    _row("a damaged record in one packet with the head", damage_tls(_HEAD), passing("StreamError")),
    _row("a damaged record in one packet with half an answer", damage_tls(_HEAD + _chunk(ADDED, DELTA)), _BROKEN),
    _row("a damaged record in one packet with the answer", damage_tls(_HEAD + _chunk(*HELLO)), answer("hello")),
)

GROUPS = (Group(title="There is no connection", about="this happens", rows=_REACH + _TLS),)
