"""Tests of the check of URLs that a credential may be sent to."""

from __future__ import annotations

import pytest
from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.auth.urls import is_within, read_url, require_https

EXAMPLE = "https://api.example.com/v1"


@pytest.mark.parametrize(
    "url",
    [EXAMPLE, "http://localhost:8080", "https://a_b.example", "https://[::1]/v1", "https://10.0.0.1:443/x%20y"],
)
def test_valid_url_is_parsed(url: str) -> None:
    assert read_url("base_url", url, example=EXAMPLE).geturl() == url


REFUSED = {
    "api.example.com": "is not an http or https address",
    "ftp://api.example.com": "is not an http or https address",
    "https://": "is not an http or https address",
    "https://api.example.com:port": "is not a valid URL",
    "https://[::1": "is not a valid URL",
    "https://api.example.com /v1": "contains a space",
    "https://api.example.com\\@evil.example": "contains a space, a control character or a backslash",
    "https://user@api.example.com": "must not contain a user or password",
    "https://user:word@api.example.com": "must not contain a user or password",
    "https://-a.example": "does not name a valid host",
    "https://a..example": "does not name a valid host",
    "https://api.example.\u017fervice": "does not name a valid host",
    "https://\u212aey.example": "does not name a valid host",
    "https://api.example.com/v1?x=1": "must end before the '?' or '#'",
    "https://api.example.com/v1#x": "must end before the '?' or '#'",
    "https://api.example.com/a/../b": "must not contain '..'",
    "https://api.example.com/a/%2E%2e/b": "must not contain '..'",
}


@pytest.mark.parametrize(("url", "problem"), REFUSED.items())
def test_other_url_is_refused_with_the_setting_and_an_example(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_url("base_url", url, example=EXAMPLE)
    assert str(caught.value).startswith(f"setting 'base_url' {problem}")
    assert str(caught.value).endswith(f"Example: {EXAMPLE}")


@pytest.mark.parametrize(
    "url",
    ["https://canary@a.example", "https://a.example?canary", "https://a.example#canary", "https://a.example:canary"],
)
def test_secret_in_a_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_url("base_url", url, example=EXAMPLE)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://10.0.0.1", "http://localhost:8080", "http://127.0.0.1", "http://[::1]/v1"])
def test_credential_may_go_over_https_and_to_this_machine(url: str) -> None:
    require_https("base_url", read_url("base_url", url, example=EXAMPLE))


@pytest.mark.parametrize("url", ["http://api.example.com", "http://10.0.0.1", "http://localhost.example"])
def test_credential_may_not_go_to_another_machine_over_http(url: str) -> None:
    with pytest.raises(ConfigurationError, match="setting 'base_url' must begin with https"):
        require_https("base_url", read_url("base_url", url, example=EXAMPLE))


def test_host_is_within_its_domain() -> None:
    assert is_within("example.com", ["example.com"])
    assert is_within("API.example.com", ["other.com", "example.com"])
    assert not is_within("badexample.com", ["example.com"])
    assert not is_within("example.com.evil.com", ["example.com"])
