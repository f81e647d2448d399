"""A failed connection says why in plain words; only a certificate that is not trusted is final."""

from __future__ import annotations

import errno

import pytest
from openai_responses_common.failures.connections import (
    CERTIFICATE_REMEDY,
    NETWORK_REMEDY,
    build_network_error,
    describe_connection_error,
)


@pytest.mark.parametrize(
    "address",
    [
        "certificate.contoso.com",
        "certificate-store.internal:8443",
        "http://127.0.0.1:9/certificate/v1",
        "https://x/CERTIFICATE_VERIFY_FAILED",
        "https://x/v1/certificate",
    ],
)
@pytest.mark.parametrize("reason", ["connection refused", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred", "{}"])
def test_an_address_with_the_word_is_retried(address: str, reason: str) -> None:
    """A library may repeat the address in its reason."""
    error = OSError(reason.format(f"cannot connect to {address}"))
    failed = build_network_error(describe_connection_error(f"cannot reach {address}", error))
    assert failed.retryable
    assert "SSL_CERT_FILE" not in str(failed)


@pytest.mark.parametrize(
    "reason",
    [
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch",
        "[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate",
        "self-signed certificate in certificate chain",
    ],
)
def test_reasons_of_certificates_are_final(reason: str) -> None:
    assert not build_network_error(describe_connection_error("cannot reach x", OSError(reason))).retryable


def test_untrusted_certificate_is_final_and_names_the_variable() -> None:
    message = describe_connection_error("cannot reach x", OSError(CERTIFICATE))
    assert str(build_network_error(message)) == f"{message}: {CERTIFICATE_REMEDY}"
    assert "SSL_CERT_FILE" in CERTIFICATE_REMEDY


def test_a_reason_does_not_control_a_terminal() -> None:
    described = describe_connection_error("cannot reach x", ConnectError("bad\x1b[2J\x9b1A greeting\r\n\u202e"))
    assert described == "cannot reach x (bad greeting)"


class ConnectError(Exception):
    """As HTTP libraries name it."""


class ProxyError(Exception):
    """As HTTP libraries name it."""


class EndOfStream(Exception):
    """As anyio names it."""


class ServerDisconnectedError(Exception):
    """As aiohttp names it. Its text may be what arrived of the response."""


class ClientResponseError(Exception):
    """As aiohttp names it: the response is not HTTP."""


class ClientHttpProxyError(Exception):
    """As aiohttp names it."""


class ClientConnectorCertificateError(Exception):
    """As aiohttp names it. Its text repeats that of its cause, around the address."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"Cannot connect to host x:443 ssl:True [SSLCertVerificationError: (1, '{cause}')]")
        self.__cause__ = cause


class gaierror(OSError):  # noqa: N801
    """As `socket` names it."""


def caused(error: BaseException, *causes: BaseException, hidden: bool = True) -> BaseException:
    """Return an error with a chain of causes, which the libraries hide."""
    if causes:
        cause = caused(causes[0], *causes[1:])
        error.__context__, error.__suppress_context__ = cause, hidden
    return error


CERTIFICATE = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)"
ATTEMPTS = "All connection attempts failed"
REASONS = [
    (ConnectError("[Errno 111] Connection refused"), " (Connection refused)"),
    (caused(ConnectError(ATTEMPTS), OSError(ATTEMPTS), ConnectionRefusedError(111, "x")), " (connection refused)"),
    (
        caused(ConnectError(ATTEMPTS), ExceptionGroup("x", [ConnectError("y"), ConnectionRefusedError(111, "x")])),
        " (connection refused)",
    ),
    (caused(ConnectError("[Errno -2] unknown"), gaierror(-2, "unknown")), " (its name is not known)"),
    (caused(ConnectError(ATTEMPTS), OSError(errno.EHOSTUNREACH, "x")), " (the network has no route to it)"),
    (caused(ConnectError(CERTIFICATE)), " (its certificate is not trusted: self-signed certificate)"),
    (ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), " (it does not speak TLS)"),
    (ConnectError("[SSL] record layer failure (_ssl.c:2590)"), " (record layer failure)"),
    (caused(ConnectError(""), EndOfStream()), " (the server closed the connection)"),
    (ConnectError("Server disconnected without sending a response."), " (the server closed the connection)"),
    (ConnectError("peer closed connection without sending complete body"), " (the server closed the connection)"),
    (ConnectError("illegal status line: bytearray(b'hello')"), " (it does not speak HTTP)"),
    (ServerDisconnectedError("<RawResponseMessage(code=200)>"), " (the server closed the connection)"),
    (
        Exception("Response payload is not completed: <ContentLengthError: 400>. ConnectionResetError(104, 'x')"),
        " (the server closed the connection)",
    ),
    (ClientResponseError("400, message='Bad status line', url='x'"), " (it does not speak HTTP)"),
    (Exception("400, message: Can not decode content-encoding: gzip"), " (its response cannot be decompressed)"),
    (
        ClientConnectorCertificateError(OSError(CERTIFICATE)),
        " (its certificate is not trusted: self-signed certificate)",
    ),
    (
        ClientHttpProxyError("502, message='Bad Gateway', url='http://user:secret@x'"),
        " (the proxy responded with 502 Bad Gateway)",
    ),
    (ProxyError("502 Bad Gateway"), " (the proxy responded with 502 Bad Gateway)"),
    (caused(ConnectError(""), OSError("something else.")), " (something else)"),
    (ConnectError(""), ""),
]


@pytest.mark.parametrize(("error", "reason"), REASONS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_failed_connection_says_why_in_plain_words(error: BaseException, reason: str) -> None:
    assert describe_connection_error("cannot reach x", error) == f"cannot reach x{reason}"


def test_a_declared_cause_counts() -> None:
    error = ConnectError("")
    error.__cause__ = ConnectionResetError(104, "x")
    assert describe_connection_error("the connection broke off", error).endswith("(the server closed the connection)")


def test_a_failed_connection_has_a_remedy() -> None:
    assert str(build_network_error("cannot reach x (connection refused)")).endswith(f": {NETWORK_REMEDY}")
