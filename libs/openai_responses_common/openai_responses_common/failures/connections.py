"""Failed connections: why one failed, in words for the user, and what helps.

A certificate that this machine does not trust does not become trusted by waiting; every other reason may pass.

Knows the exceptions of Python and of HTTP libraries by name, because they stand in chains that differ between libraries
and their versions (aiohttp 3.14, httpx2 with httpcore2 2.16, tried 2026-12-01).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from itertools import islice
from typing import cast

from amplifier_core.llm_errors import NetworkError

from ..wire.plain_text import join_lines

CERTIFICATE_REMEDY = "if you use your own certificate authority, set SSL_CERT_FILE to its certificate file"
NETWORK_REMEDY = "check the address, the network and the proxy"
NO_TLS_REASON = "it does not speak TLS"
"""The reason if a server at an `https` address sends something else than TLS."""

_UNTRUSTED = "its certificate is not trusted"
# OpenSSL's names are in capital letters. A host name or a path may contain the word, too.
_CERTIFICATE_PATTERN = re.compile(r"(?<![/.-])CERTIFICATE|(?<![\w./-])[Cc]ertificate(?![\w-]*[./]\w|[\w-])")
# "[Errno 111] ", "[SSL: WRONG_VERSION_NUMBER] ", " (_ssl.c:1006)"
_CODE_PATTERN = re.compile(r"\[(?:Errno -?\d+|[A-Z0-9]+(?:: \w+)?)\] ?| ?\(_ssl\.c:\d+\)")
_AIOHTTP_STATUS = re.compile(r"^(\d+), message='(.*)', url=.*", re.S)
_MAX_CAUSES = 20
_CLOSED_TEXTS = ("Server disconnected", "peer closed connection", "Response payload is not completed")
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
_CLOSED = frozenset(
    {
        *("ConnectionResetError", "ConnectionAbortedError", "BrokenPipeError", "EndOfStream", "SSLEOFError"),
        *("ServerDisconnectedError", "ClientConnectionResetError"),
    }
)


def is_certificate_error(message: str) -> bool:
    """Return whether the reason in a message of `describe_connection_error` is a certificate, whatever the address."""
    return f" ({_UNTRUSTED}" in message


def build_network_error(message: str) -> NetworkError:
    """Return the kernel's error for a connection that failed, with its remedy.

    Args:
        message: that of `describe_connection_error`.
    """
    is_final = is_certificate_error(message)
    remedy = CERTIFICATE_REMEDY if is_final else NETWORK_REMEDY
    return NetworkError(f"{message.rstrip('.')}: {remedy}", retryable=not is_final)


def describe_connection_error(event: str, error: BaseException) -> str:
    """Return what happened to a connection, and why if the error says it: "cannot reach x (connection refused)".

    Args:
        event: what happened.
        error: what the HTTP library raised.
    """
    causes = [each for each in islice(_list_causes(error), _MAX_CAUSES) if not _repeats_cause(each)]
    reasons = (_find_reason(cause) for cause in causes)
    texts = (_clean(str(cause)) for cause in causes)
    reason = next((text for text in [*reasons, *texts] if text), "")
    return f"{event} ({reason})" if reason else event


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, the nearest cause first."""
    pending = [error]
    while pending:
        each = pending.pop(0)
        yield each
        # The libraries hide a cause with `from None`, and it stays the context.
        pending += filter(None, [each.__cause__ or each.__context__])
        if isinstance(each, BaseExceptionGroup):
            pending += cast("BaseExceptionGroup[BaseException]", each).exceptions


def _repeats_cause(error: BaseException) -> bool:
    """Return whether an error of aiohttp says no more than its cause, around the address."""
    return type(error).__name__.startswith("ClientConnector") and error.__cause__ is not None


def _find_reason(error: BaseException) -> str:
    """Return the reason that one of the causes shows; empty if it shows none."""
    name, text = type(error).__name__, str(error)
    if _CERTIFICATE_PATTERN.search(text):
        return f"{_UNTRUSTED}: {_clean(text).removeprefix('certificate verify failed: ')}"
    if "[SSL: WRONG_VERSION_NUMBER]" in text:
        return NO_TLS_REASON
    if name == "gaierror":
        return "its name is not known"
    if name == "ConnectionRefusedError":
        return "connection refused"
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return "the network has no route to it"
    if name in {"ProxyError", "ClientHttpProxyError"}:
        status = _AIOHTTP_STATUS.sub(r"\1 \2", text)  # without the address of the proxy
        return f"the proxy responded with {_clean(status)}"
    if name in _CLOSED or text.startswith(_CLOSED_TEXTS):
        return "the server closed the connection"
    if "Can not decode content-encoding" in text:
        return "its response cannot be decompressed"
    if text.startswith("illegal status line") or name in {"ClientResponseError", "HttpProcessingError"}:
        return "it does not speak HTTP"
    return ""


def _clean(text: str) -> str:
    return _CODE_PATTERN.sub("", join_lines(text)).strip(" .")
