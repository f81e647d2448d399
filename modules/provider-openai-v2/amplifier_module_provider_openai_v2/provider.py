"""The provider class that hosts find by name."""

from __future__ import annotations

from openai_responses_common import AddressedProvider

from .backend import build_openai_backend


class OpenaiV2Provider(AddressedProvider):
    """A provider for one OpenAI account, or one server that speaks the Responses API."""

    build_backend = staticmethod(build_openai_backend)
