"""The OpenAI Responses API for Amplifier: translation, streaming and the engine that every provider module shares.

A script needs nothing else::

    from openai_responses_common import ChatRequest, Message, create_provider

    openai = create_provider("openai:gpt-5.6-sol")
    async for delta in openai.deltas(ChatRequest(messages=[Message(role="user", content="Hello")])):
        ...                      # BlockStart, BlockDelta, BlockEnd, Aborted; last the response
"""

from amplifier_core.message_models import ChatRequest, ChatResponse, Message

from .decode import DecodedResponse
from .deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta
from .mounting import mount_provider, require_version
from .options import Options
from .profile import BackendProfile
from .provider import Backend, ResponsesProvider
from .registry import create_provider, register
from .sdk_transport import SdkAccount, SdkTransport
from .settings import setting
from .transport import Reply, Transport
from .version import __version__

__all__ = [
    "Aborted",
    "Backend",
    "BackendProfile",
    "BlockDelta",
    "BlockEnd",
    "BlockStart",
    "ChatRequest",
    "ChatResponse",
    "DecodedResponse",
    "Delta",
    "Message",
    "Options",
    "Reply",
    "ResponsesProvider",
    "SdkAccount",
    "SdkTransport",
    "Transport",
    "__version__",
    "create_provider",
    "mount_provider",
    "register",
    "require_version",
    "setting",
]
