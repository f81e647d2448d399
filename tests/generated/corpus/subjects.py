"""Which provider module is under test, and which recordings are about its service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from openai_responses_common import ResponsesProvider
from responses_emulator.chatgpt.surface import refusal_message

from tests.generated.corpus.recordings import BackendName
from tests.support import chatgpt_token_file as signed_in

# One recorded answer for one request: no second attempt, and no second request for an answer that was cut off.
_CONFIG = {"max_retries": 0, "max_continuations": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One provider module.

    Attributes:
        package: of the module.
        provider: class in it.
        arguments: keyword arguments of the class, from the address of the service.
        backends: whose recordings are played through it.
        floors: least counts of a whole run, so that it cannot pass by reading nothing.
        refusal: why its service would not take a request that the module made; None where nobody judges that.
    """

    package: str
    provider: str
    arguments: Callable[[str], dict[str, Any]]
    backends: frozenset[BackendName]
    floors: Mapping[str, int]
    refusal: Callable[[dict[str, Any]], str | None] | None = None

    @property
    def all_recordings(self) -> bool:
        return len(self.backends) > 1

    def connect(self, base_url: str) -> ResponsesProvider:
        """A provider that talks to `base_url`."""
        kind = getattr(import_module(self.package), self.provider)
        arguments = self.arguments(base_url)
        return kind(**{**arguments, "config": {**arguments.get("config", {}), **_CONFIG}})


# The floors are what langchain-openai 1.7.4 holds.
SUBJECTS: Mapping[str, Subject] = {
    "openai-v2": Subject(
        package="amplifier_module_provider_openai_v2",
        provider="OpenaiV2Provider",
        arguments=lambda base_url: {"base_url": base_url, "api_key": "sk-corpus"},
        backends=frozenset({"openai", "chatgpt"}),
        floors={
            "files": 96,
            "ChatGPT files": 66,
            "exchanges": 174,
            "streams": 128,
            "ChatGPT streams": 103,
            "whole responses": 45,
            "refusals": 1,
            "files with several requests": 56,
            "follow-ups": 34,
            "requests that continue another": 37,
            "events": 4_606,
            "events as the SDK's types": 4_606,
            "items": 260,
            "calls": 41,
            "ciphertexts": 8,
            "annotations": 39,
            "hosted items": 24,
        },
    ),
    "chatgpt-oauth": Subject(
        package="amplifier_module_provider_chatgpt_oauth",
        provider="ChatgptOauthProvider",
        arguments=lambda base_url: {"config": signed_in.settings(base_url, signed_in.TOKEN)},
        backends=frozenset({"chatgpt"}),
        floors={
            "files": 66,
            "ChatGPT files": 66,
            "exchanges": 104,
            "ChatGPT streams": 103,
            "refusals": 1,
            "files with several requests": 31,
            "follow-ups": 6,
            "requests that continue another": 6,
            "events": 1_971,
            "events as the SDK's types": 1_971,
            "items": 128,
            "texts": 79,
            "calls": 24,
            "reasoning items": 25,
        },
        refusal=refusal_message,
    ),
}
