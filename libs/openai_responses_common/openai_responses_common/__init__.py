"""The OpenAI Responses API for Amplifier: translation, streaming and the engine that every provider module shares.

A script needs nothing else::

    from openai_responses_common import ChatRequest, Message, create_provider

    openai = create_provider("openai:gpt-5.6-sol")
    async for delta in openai.deltas(ChatRequest(messages=[Message(role="user", content="Hello")])):
        ...                      # BlockStart, BlockDelta, BlockEnd, Aborted; last the response
"""

from amplifier_core.message_models import ChatRequest, ChatResponse, Message

from .catalogue import Fetch, Models, describe, read_models
from .credential import ApiKey, BearerToken, Credential
from .decode import DecodedResponse
from .deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta
from .http_transport import HttpTransport
from .mounting import mount_provider, require_package, require_version
from .options import Options
from .profile import BackendProfile, KnownError, LimitTable, Meaning
from .provider import AddressedProvider, Backend, ResponsesProvider
from .registry import create_provider, register
from .sdk_transport import SdkTransport
from .settings import sendable, setting, words
from .token_source import Token, TokenSource
from .transport import Document, Endpoint, Reply, Transport
from .urls import is_loopback, is_within, read_url
from .version import __version__

__all__ = [
    "Aborted",
    "AddressedProvider",
    "ApiKey",
    "Backend",
    "BackendProfile",
    "BearerToken",
    "BlockDelta",
    "BlockEnd",
    "BlockStart",
    "ChatRequest",
    "ChatResponse",
    "Credential",
    "DecodedResponse",
    "Delta",
    "Document",
    "Endpoint",
    "Fetch",
    "HttpTransport",
    "KnownError",
    "LimitTable",
    "Meaning",
    "Message",
    "Models",
    "Options",
    "Reply",
    "ResponsesProvider",
    "SdkTransport",
    "Token",
    "TokenSource",
    "Transport",
    "__version__",
    "create_provider",
    "describe",
    "is_loopback",
    "is_within",
    "mount_provider",
    "read_models",
    "read_url",
    "register",
    "require_package",
    "require_version",
    "sendable",
    "setting",
    "words",
]
