"""Amplifier provider for OpenAI API keys, and for every server that speaks the Responses API."""

from .installation import check_installation
from .stand_in import build_stand_in

__version__ = "0.1.0"
__amplifier_module_type__ = "provider"
__all__ = ["OpenaiV2Provider", "create", "mount", "on_session_ready"]

try:
    check_installation(__name__, __version__, needs={"aiohttp": "3.14", "openai": "3.30"})
    from .provider import OpenaiV2Provider, create, mount, on_session_ready
except KeyboardInterrupt:
    raise
except BaseException as error:  # noqa: BLE001  (whatever it is, also an exit: the first call says it)
    from .stand_in import on_session_ready

    OpenaiV2Provider, create, mount = build_stand_in(__name__, error)
