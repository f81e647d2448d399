"""What this module's own settings mean, for the configuration reference."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.reference import Explained

from .catalogue import CLIENT_VERSION, DEFAULT_MODEL
from .place import TOKEN_FILE

SETTINGS: Mapping[str, Explained] = {
    "default_model": Explained(
        meaning="a model of the catalogue; the ending `-fast` asks for the fast tier",
        default=f"the one that the service shows first, `{DEFAULT_MODEL}` until it is asked",
    ),
    "login_on_mount": Explained(
        meaning="whether a session that starts offers the sign-in: `true`, `false`, or `auto`: only in a terminal",
        default="auto",
    ),
    "account": Explained(
        meaning="a label of your own, each with a sign-in of its own",
        default="default",
        variables=("CHATGPT_OAUTH_ACCOUNT",),
    ),
    "workspace": Explained(meaning="the only workspace (account id) that may sign in", default="any"),
    "token_store": Explained(
        meaning="where tokens are kept: `keyring`, `file`, `memory`, or `auto`: the keyring, and where there "
        "is none the file, with a warning",
        default="auto",
        variables=("CHATGPT_OAUTH_TOKEN_STORE",),
    ),
    "token_file_path": Explained(
        meaning="where that file is, which only you can read",
        default=f"`{TOKEN_FILE}`",
        variables=("CHATGPT_OAUTH_TOKEN_FILE",),
    ),
    "models_cache_ttl": Explained(
        meaning="seconds for which the model catalogue is good without asking", default="3600"
    ),
    "client_version": Explained(
        meaning="whose catalogue is asked for; also sent with calls once you set it", default=CLIENT_VERSION
    ),
    "base_url": Explained(
        meaning="where the service is, for tests and gateways",
        default="ChatGPT's own",
        variables=("CHATGPT_OAUTH_BASE_URL",),
    ),
    "issuer": Explained(
        meaning="where the sign-in is, likewise", default="OpenAI's own", variables=("CHATGPT_OAUTH_ISSUER",)
    ),
    "allowed_hosts": Explained(
        meaning="hosts that tokens may be sent to, beside ChatGPT's own, OpenAI's sign-in and this machine"
    ),
}

ENVIRONMENT: Mapping[str, str] = {}
