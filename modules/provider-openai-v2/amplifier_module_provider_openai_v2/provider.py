"""The provider class, under the name by which hosts find it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_responses_common import AddressedProvider, Backend

from .backend import build_openai_backend


class OpenaiV2Provider(AddressedProvider):
    """A provider for one OpenAI account, or one server that speaks the Responses API."""

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend from the settings; see `AddressedProvider.build_backend`."""
        return build_openai_backend(config)
