"""Certificates for servers on loopback: one authority that a test trusts, and the ways in which a certificate is wrong.

Invariants: the machine trusts nothing of this; a client that shall trust it reads `ca_file`. `trustme` is imported when
an authority is made, because the emulator without TLS also runs where it is not installed.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1")
_OTHER_HOSTS = ("elsewhere.example",)


class Authority:
    """A certificate authority for tests.

    Args:
        folder: where to write the PEM file that clients trust.

    Raises:
        ImportError: the extra `tls` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import trustme
        except ImportError as error:
            raise ImportError("TLS needs trustme. Install it with: pip install 'responses-emulator[tls]'") from error

        self._ca = trustme.CA()
        self._other = trustme.CA()
        path = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(path)
        self.ca_file = str(path)

    def context(self, *hosts: str) -> ssl.SSLContext:
        """Return a server context that a client with `ca_file` accepts for these hosts. The default is loopback."""
        context = _server_context()
        self._ca.issue_cert(*(hosts or LOOPBACK)).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """Return a client context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.ca_file)

    def expired(self) -> ssl.SSLContext:
        """Return a server context whose certificate expired yesterday."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        context = _server_context()
        certificate = self._ca.issue_cert(
            *LOOPBACK, not_before=yesterday - timedelta(days=30), not_after=yesterday.replace(microsecond=0)
        )
        certificate.configure_cert(context)
        return context

    def wrong_host(self) -> ssl.SSLContext:
        """Return a server context whose certificate is for another host."""
        return self.context(*_OTHER_HOSTS)

    def untrusted(self) -> ssl.SSLContext:
        """Return a server context whose authority no client trusts."""
        context = _server_context()
        self._other.issue_cert(*LOOPBACK).configure_cert(context)
        return context

    def self_signed(self) -> ssl.SSLContext:
        """Return a server context whose certificate is signed by itself."""
        context = _server_context()
        with self._other.cert_pem.tempfile() as certificate, self._other.private_key_pem.tempfile() as key:
            context.load_cert_chain(certificate, key)
        return context


def _server_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
