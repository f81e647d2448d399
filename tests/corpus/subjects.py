"""Which provider module is under test, and which recordings are about its service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from openai_responses_common import ResponsesProvider

from tests.corpus.recordings import BackendName

# One recorded answer for one request: no second attempt, and no second request for an answer that was cut off.
_CONFIG = {"max_retries": 0, "max_continuations": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One provider module.

    Attributes:
        package: of the module.
        provider: class in it.
        given: keyword arguments of the class beside `base_url` and `config`.
        backends: whose recordings are played through it.
        floors: least counts of a whole run, so that it cannot pass by reading nothing.
    """

    package: str
    provider: str
    given: Mapping[str, Any]
    backends: frozenset[BackendName]
    floors: Mapping[str, int]

    @property
    def all_recordings(self) -> bool:
        return len(self.backends) > 1

    def connect(self, base_url: str) -> ResponsesProvider:
        """A provider that talks to `base_url`."""
        kind = getattr(import_module(self.package), self.provider)
        return kind(base_url=base_url, config=_CONFIG, **self.given)


# The floors are what langchain-openai 1.7.4 holds.
SUBJECTS: Mapping[str, Subject] = {
    "openai-v2": Subject(
        package="amplifier_module_provider_openai_v2",
        provider="OpenaiV2Provider",
        given={"api_key": "sk-corpus"},
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
            "items": 260,
            "calls": 41,
            "ciphertexts": 8,
            "annotations": 39,
            "hosted items": 24,
        },
    ),
}
