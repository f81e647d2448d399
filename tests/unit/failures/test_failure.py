"""The record of a failure, the exception that carries it, and its texts without the credential."""

from __future__ import annotations

from openai_responses_common.failures.failure import CallFailure, Failure, scrub_failure


def test_a_call_failure_carries_the_record_and_reads_as_its_message() -> None:
    failure = Failure(kind="network", message="connection refused")
    assert CallFailure(failure).failure is failure
    assert str(CallFailure(failure)) == "connection refused"


def test_an_echoed_credential_is_taken_out_of_every_text() -> None:
    failure = Failure(kind="status", status=401, message="bad sk-1", code="sk-1", type="x sk-1", param=None)
    assert scrub_failure(failure, lambda text: text.replace("sk-1", "[key]")) == Failure(
        kind="status", status=401, message="bad [key]", code="[key]", type="x [key]", param=None
    )
