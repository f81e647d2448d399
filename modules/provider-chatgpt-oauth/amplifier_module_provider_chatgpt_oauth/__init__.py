"""Amplifier provider for ChatGPT plans: a user signs in with a code, and calls count towards the plan."""

from .installation import check_installation
from .stand_in import build_stand_in

__version__ = "0.1.0"
__amplifier_module_type__ = "provider"
__all__ = ["ChatgptOauthProvider", "create", "mount", "on_session_ready"]

try:
    check_installation(__name__, __version__, needs={"aiohttp": "3.14"})
    from .provider import ChatgptOauthProvider, create, mount, on_session_ready
except KeyboardInterrupt:
    raise
except BaseException as error:  # noqa: BLE001  (whatever it is, also an exit: the first call says it)
    from .stand_in import on_session_ready

    ChatgptOauthProvider, create, mount = build_stand_in(__name__, error)
