"""The provider class that hosts find by name."""

from __future__ import annotations

from openai_responses_common import AddressedProvider

from .backend import build_azure_backend


class AzureOpenaiV2Provider(AddressedProvider):
    """A provider for one Azure OpenAI resource; `base_url` is its address."""

    address_key = "azure_endpoint"
    build_backend = staticmethod(build_azure_backend)
