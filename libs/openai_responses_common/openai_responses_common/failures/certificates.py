"""The one rule for a certificate that this machine does not trust: it does not become trusted by waiting."""

from __future__ import annotations

from amplifier_core.llm_errors import NetworkError

CERTIFICATE_REMEDY = "if you use your own certificate authority, set SSL_CERT_FILE to its certificate file"


def is_certificate_error(reason: str) -> bool:
    """Return whether the reason of a failed connection is a certificate."""
    return "certificate" in reason.lower()


def build_network_error(message: str) -> NetworkError:
    """Return the kernel's error for a connection that failed with this message.

    A certificate makes it final and adds the remedy; every other reason may pass, so a retry can help.
    """
    if is_certificate_error(message):
        return NetworkError(f"{message.rstrip('.')}: {CERTIFICATE_REMEDY}", retryable=False)
    return NetworkError(message, retryable=True)
