"""A certificate that is not trusted is final and names the remedy; every other reason of a connection may pass."""

from __future__ import annotations

import pytest
from openai_responses_common.failures.certificates import CERTIFICATE_REMEDY, build_network_error

SELF_SIGNED = "cannot reach x: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate."


@pytest.mark.parametrize(
    "message",
    [
        "cannot reach certificate.contoso.com: connection reset",
        "cannot reach certificate-store.internal:8443: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred",
        "cannot reach www.certificates.example: timed out",
    ],
)
def test_host_with_the_word_in_its_name_is_retried(message: str) -> None:
    assert build_network_error(message).retryable


@pytest.mark.parametrize(
    "reason",
    [
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch",
        "[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate",
        "self-signed certificate in certificate chain",
    ],
)
def test_reasons_of_certificates_are_final(reason: str) -> None:
    assert not build_network_error(f"cannot reach x: {reason}").retryable


def test_untrusted_certificate_is_final_and_names_the_variable() -> None:
    error = build_network_error(SELF_SIGNED)
    assert not error.retryable
    assert str(error) == f"{SELF_SIGNED.rstrip('.')}: {CERTIFICATE_REMEDY}"
    assert "SSL_CERT_FILE" in CERTIFICATE_REMEDY


@pytest.mark.parametrize(
    "reason",
    [
        "connection refused",
        "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol",
    ],
)
def test_other_reasons_may_pass(reason: str) -> None:
    error = build_network_error(f"cannot reach x: {reason}")
    assert error.retryable
    assert "SSL_CERT_FILE" not in str(error)
