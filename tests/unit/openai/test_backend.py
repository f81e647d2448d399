"""The profile of an OpenAI account, and that of another server that speaks the Responses API."""

from __future__ import annotations

import pytest
from amplifier_module_provider_openai_v2.backend import build_openai_backend


@pytest.mark.parametrize(
    ("base_url", "role"),
    [
        ("", "developer"),
        ("https://api.openai.com/v1", "developer"),
        ("https://eu.api.openai.com/v1", "developer"),
        ("https://api.openai.com.example/v1", "system"),
        ("http://127.0.0.1:8000/v1", "system"),
    ],
)
def test_only_openai_itself_is_sent_developer_messages(base_url: str, role: str) -> None:
    assert build_openai_backend({"base_url": base_url, "api_key": "k"}).profile.system_text_role == role
