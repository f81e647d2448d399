"""The OpenAI Responses API for Amplifier: what all provider modules share.

The names of `__all__` are the surface for scripts. Authors of backends may use every name of the library that does not
begin with an underscore; docs/backend.md lists where they are. A script needs only this::

    from openai_responses_common import ChatRequest, Message, create_provider

    openai = create_provider("openai:gpt-5.6-sol")
    async for delta in openai.deltas(ChatRequest(messages=[Message(role="user", content="Hello")])):
        ...  # BlockStart, BlockDelta, BlockEnd or Aborted; the response comes last
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from amplifier_core.message_models import ChatRequest, ChatResponse, Message

from .auth.api_key import ApiKey, sendable
from .auth.urls import is_within, read_url
from .facts.backend_profile import BackendProfile, ErrorMeaning, KnownError, LimitTable
from .options.options import Options
from .provider.addressed_provider import AddressedProvider
from .provider.backend import Backend, Fetch, Models
from .provider.environment import setting, word_list
from .provider.model_list import describe, read_models
from .provider.mounting import mount_provider, prepare_session
from .provider.provider import ResponsesProvider
from .transport.base import Document, Endpoint, Reply, Transport
from .transport.credential import Credential, Lease
from .transport.http_transport import HttpTransport
from .transport.proxies import is_loopback
from .version import __version__
from .wire.request_body import RequestBody

if TYPE_CHECKING:
    from .auth.bearer import BearerToken
    from .auth.token_source import Token, TokenSource
    from .provider.registry import create_provider, register
    from .translate.decode import DecodedResponse
    from .translate.deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta

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
    "ErrorMeaning",
    "Fetch",
    "HttpTransport",
    "KnownError",
    "Lease",
    "LimitTable",
    "Message",
    "Models",
    "Options",
    "Reply",
    "RequestBody",
    "ResponsesProvider",
    "Token",
    "TokenSource",
    "Transport",
    "__version__",
    "create_provider",
    "describe",
    "is_loopback",
    "is_within",
    "mount_provider",
    "prepare_session",
    "read_models",
    "read_url",
    "register",
    "sendable",
    "setting",
    "word_list",
]

_LAZY_NAMES = {
    **dict.fromkeys(("Aborted", "BlockDelta", "BlockEnd", "BlockStart", "Delta"), "translate.deltas"),
    "BearerToken": "auth.bearer",
    "DecodedResponse": "translate.decode",
    **dict.fromkeys(("Token", "TokenSource"), "auth.token_source"),
    **dict.fromkeys(("create_provider", "register"), "provider.registry"),
}


def __getattr__(name: str) -> object:
    """Import a name on first use that not every module needs before its first call.

    Hosts import every module of a session before anybody makes a call.
    """
    if name not in _LAZY_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY_NAMES[name]}", __name__), name)
