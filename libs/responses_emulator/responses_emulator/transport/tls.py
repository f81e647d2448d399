"""Certificates for servers on loopback: one authority that a test trusts, and the ways in which a certificate is wrong.

Invariants: nothing here is trusted by the machine; what a client has to trust stands in `ca_file`. `trustme` is
imported when an authority is made, since the service without TLS has to run where it is not installed.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1")
_OTHER_HOSTS = ("elsewhere.example",)


class Authority:
    """A certificate authority of our own; `folder` takes the PEM file that clients trust."""

    def __init__(self, folder: Path) -> None:
        import trustme

        self._ca = trustme.CA()
        self._other = trustme.CA()
        path = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(path)
        self.ca_file = str(path)

    def context(self, *hosts: str) -> ssl.SSLContext:
        """A server that a client with `ca_file` accepts under these names; default: the names of this machine."""
        context = _server_context()
        self._ca.issue_cert(*(hosts or LOOPBACK)).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """A client that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.ca_file)

    def expired(self) -> ssl.SSLContext:
        """The right authority and the right names, until yesterday."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        context = _server_context()
        certificate = self._ca.issue_cert(
            *LOOPBACK, not_before=yesterday - timedelta(days=30), not_after=yesterday.replace(microsecond=0)
        )
        certificate.configure_cert(context)
        return context

    def wrong_host(self) -> ssl.SSLContext:
        """The right authority, for another host."""
        return self.context(*_OTHER_HOSTS)

    def untrusted(self) -> ssl.SSLContext:
        """The right names, from an authority that nobody trusts."""
        context = _server_context()
        self._other.issue_cert(*LOOPBACK).configure_cert(context)
        return context

    def self_signed(self) -> ssl.SSLContext:
        """A certificate that vouches for itself."""
        context = _server_context()
        with self._other.cert_pem.tempfile() as certificate, self._other.private_key_pem.tempfile() as key:
            context.load_cert_chain(certificate, key)
        return context


def _server_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
