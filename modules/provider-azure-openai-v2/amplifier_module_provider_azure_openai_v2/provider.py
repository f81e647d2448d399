"""The provider class, under the name by which hosts find it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_responses_common import AddressedProvider, Backend

from .backend import build_azure_backend


class AzureOpenaiV2Provider(AddressedProvider):
    """A provider for one Azure OpenAI resource; `base_url` is the address of the resource."""

    address_key = "azure_endpoint"

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend from the settings; see `AddressedProvider.build_backend`."""
        return build_azure_backend(config)
