"""What this module's own settings mean, for the configuration reference."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.reference import Setting

from .settings import DEFAULT_CLIENT_VERSION, DEFAULT_MODEL, DEFAULT_TOKEN_FILE

SETTINGS: Mapping[str, Setting] = {
    "default_model": Setting(
        meaning="a model of the catalogue; the ending `-fast` asks for the fast tier",
        default=f"the one that the service shows first, `{DEFAULT_MODEL}` until it is asked",
    ),
    "login_on_mount": Setting(
        meaning="whether a session that starts offers the sign-in: `true`, `false`, or `auto`: only in a terminal",
        default="auto",
    ),
    "account": Setting(
        meaning="a label of your own, each with a sign-in of its own",
        default="default",
        variables=("CHATGPT_OAUTH_ACCOUNT",),
    ),
    "workspace": Setting(meaning="the only workspace (account id) that may sign in", default="any"),
    "token_store": Setting(
        meaning="where tokens are kept: `keyring`, `file`, `memory`, or `auto`: the keyring, and where there "
        "is none the file, with a warning",
        default="auto",
        variables=("CHATGPT_OAUTH_TOKEN_STORE",),
    ),
    "token_file_path": Setting(
        meaning="where that file is, which only you can read",
        default=f"`{DEFAULT_TOKEN_FILE}`",
        variables=("CHATGPT_OAUTH_TOKEN_FILE",),
    ),
    "models_cache_ttl": Setting(meaning="seconds for which the model catalogue is good without asking", default="3600"),
    "client_version": Setting(
        meaning="whose catalogue is asked for; also sent with calls once you set it", default=DEFAULT_CLIENT_VERSION
    ),
    "base_url": Setting(
        meaning="where the service is, for tests and gateways",
        default="ChatGPT's own",
        variables=("CHATGPT_OAUTH_BASE_URL",),
    ),
    "issuer": Setting(
        meaning="where the sign-in is, likewise", default="OpenAI's own", variables=("CHATGPT_OAUTH_ISSUER",)
    ),
    "allowed_hosts": Setting(
        meaning="hosts that tokens may be sent to, beside ChatGPT's own, OpenAI's sign-in and this machine"
    ),
}

ENVIRONMENT_VARIABLES: Mapping[str, str] = {}
