"""The one rule for a certificate that this machine does not trust: it does not become trusted by waiting."""

from __future__ import annotations

import re

from amplifier_core.llm_errors import NetworkError

CERTIFICATE_REMEDY = "if you use your own certificate authority, set SSL_CERT_FILE to its certificate file"


# OpenSSL's names are in capital letters. A host name may contain the word, too.
_CERTIFICATE_PATTERN = re.compile(r"CERTIFICATE|(?<![\w.-])[Cc]ertificate(?![\w-]*\.\w|[\w-])")


def is_certificate_error(reason: str) -> bool:
    """Return whether the reason of a failed connection is a certificate."""
    return _CERTIFICATE_PATTERN.search(reason) is not None


def build_network_error(message: str) -> NetworkError:
    """Return the kernel's error for a connection that failed with this message.

    A certificate makes it final and adds the remedy; every other reason may pass, so a retry can help.
    """
    if is_certificate_error(message):
        return NetworkError(f"{message.rstrip('.')}: {CERTIFICATE_REMEDY}", retryable=False)
    return NetworkError(message, retryable=True)
