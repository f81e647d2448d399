"""The rows of the plan: each code of the service has a class, a retry or none, and a remedy."""

from __future__ import annotations

import pytest
from amplifier_module_provider_chatgpt_oauth.plan_quirks import PLAN_PROFILE, USAGE_PAGE
from openai_responses_common.failures.classify import classify_failure
from openai_responses_common.failures.failure import Failure
from responses_emulator import PLAN_ERROR_CODES

MEANINGS = {
    "subscription_sharing_usage_limit_exceeded": ("QuotaExceededError", False, USAGE_PAGE),
    "subscription_sharing_usage_unavailable": ("ProviderUnavailableError", True, "try again later"),
    "subscription_sharing_user_unavailable": ("ProviderUnavailableError", True, "try again later"),
    "subscription_sharing_user_not_eligible": ("AccessDeniedError", False, "provider-openai-v2"),
    "subscription_sharing_route_not_supported": ("AccessDeniedError", False, "plan_base_url"),
    "subscription_sharing_invalid_user": ("AuthenticationError", False, "login"),
    "subscription_sharing_unsupported_capability": ("InvalidRequestError", False, "provider-openai-v2"),
    "chatpass_scope_not_authorized": ("AccessDeniedError", False, "allow this app"),
    "chatpass_invalid_authorization_context": ("AccessDeniedError", False, "sign in again"),
}
FAMILIES = ("subscription_sharing_", "chatpass_")


@pytest.mark.parametrize("code", MEANINGS)
@pytest.mark.parametrize("version", ["", "v2_"])
def test_code_has_class_and_remedy_in_one_line(code: str, version: str) -> None:
    family = next(family for family in FAMILIES if code.startswith(family))
    sent = f"{family}{version}{code.removeprefix(family)}"
    failure = Failure(kind="event", message="No.", code=sent)
    error = classify_failure(failure, profile=PLAN_PROFILE, model="m", max_retry_delay_s=1)
    name, retryable, remedy = MEANINGS[code]
    assert (type(error).__name__, error.retryable) == (name, retryable)
    assert remedy in str(error)
    assert "\n" not in str(error)


def test_every_code_of_the_service_is_a_row() -> None:
    known = {row.code for row in PLAN_PROFILE.errors}
    assert set(PLAN_ERROR_CODES) <= known
    assert len(known) == 2 * len(MEANINGS)
