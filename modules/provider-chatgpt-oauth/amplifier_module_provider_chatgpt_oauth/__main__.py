"""`python -m amplifier_module_provider_chatgpt_oauth status | login | logout | routing`.

The settings are those of Amplifier's files, else the environment's; `--set KEY=VALUE` wins over both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any

from amplifier_core.llm_errors import LLMError
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.cli.commands import Command, Result, add_setting_options, read_settings, run_command
from openai_responses_common.cli.routing_matrix import build_routing_command
from openai_responses_common.failures.durations import format_duration
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.transport.http_client import BlockingHttp
from openai_responses_common.wire.json_values import as_object, as_objects

from .auth.credential import ChatgptCredential
from .auth.tokens import Tokens
from .provider import ChatgptOauthProvider
from .quirks import CLIENT_HEADERS, LIMIT_WINDOWS
from .settings import LOGIN_COMMAND, SERVICE_HOSTS

MODULE = "provider-chatgpt-oauth"
PACKAGE = "amplifier_module_provider_chatgpt_oauth"


def _build_provider(arguments: argparse.Namespace) -> ChatgptOauthProvider:
    return ChatgptOauthProvider(config=read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS))


def _show_status(arguments: argparse.Namespace) -> Result:
    account = _build_provider(arguments).require_account()
    tokens = account.load_tokens()
    if tokens is None:
        return Result(summary=f"Nobody is signed in. Run `{LOGIN_COMMAND}`.", ok=False)
    limits = {} if arguments.offline else _fetch_limits(account.settings.usage_url, ChatgptCredential(account))
    status = account.get_status()
    tokens = account.load_tokens() or tokens
    line = {"authenticated": "Signed in to ChatGPT."}.get(status, f"The sign-in has expired. Run `{LOGIN_COMMAND}`.")
    return Result(
        summary=line,
        details={**_describe_tokens(tokens), "tokens": account.describe_location(), **limits},
        ok=status == "authenticated",
    )


def _describe_tokens(tokens: Tokens) -> dict[str, str]:
    left_s = tokens.remaining_s()
    end = time.strftime("%Y-%m-%d %H:%M", time.localtime(tokens.expires_at))
    renewed = ", renewed by itself" if tokens.refresh_token and not tokens.end_code else ""
    return {
        "account": tokens.email or "not told by the tokens",
        "plan": tokens.plan or "not told by the tokens",
        "workspace": tokens.account,
        "token ends": f"{end} (in {format_duration(left_s)}{renewed})" if left_s > 60 else f"{end}{renewed}",
    }


def _fetch_limits(url: str, credential: ChatgptCredential) -> dict[str, str]:
    """How much of the plan is used; getting that may renew the token."""
    try:
        headers = asyncio.run(_get_headers(credential))
        reply = BlockingHttp(CLIENT_HEADERS).send("GET", url, headers=headers)
        if reply.status == 200:
            return describe_usage(reply.body_fields)
        problem = f"HTTP {reply.status}"
    except LLMError as error:
        problem = str(error)
    except CallFailure as error:
        problem = error.failure.message
    return {"limits": f"cannot be read: {problem}"}


async def _get_headers(credential: ChatgptCredential) -> dict[str, str]:
    return dict((await credential.lease()).headers)


def _sign_in(arguments: argparse.Namespace) -> Result:
    provider = _build_provider(arguments)
    if not provider.login():
        return Result(summary="Not signed in.", ok=False)
    try:
        models = asyncio.run(_list_models(provider))
    except LLMError as error:
        Terminal().print_text(f"The tokens are kept, but the service did not list its models: {error}")
        return Result(summary="Signed in.")
    return Result(summary=f"Signed in. The account has {len(models)} models, {provider.default_model} first.")


async def _list_models(provider: ChatgptOauthProvider) -> list[str]:
    """Also a first use of the tokens, so that what does not work shows now."""
    try:
        return [model.id for model in await provider.list_models()]
    finally:
        await provider.close()


def _sign_out(arguments: argparse.Namespace) -> Result:
    places = _build_provider(arguments).logout()
    return Result(summary=f"Signed out; removed from {' and '.join(places)}." if places else "Nobody was signed in.")


def _add_offline_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--offline", action="store_true", help="do not ask how much of the plan is used")


COMMANDS = (
    Command(
        name="status",
        help="show who is signed in, and the plan's limits",
        run=_show_status,
        add_options=_add_offline_option,
    ),
    Command(name="login", help="sign in with a code that is entered in a browser", run=_sign_in),
    Command(name="logout", help="end the sign-in, here and at OpenAI", run=_sign_out),
    build_routing_command(PACKAGE, "chatgpt-oauth"),
)


def main() -> int:
    """Run the command of the process's arguments."""
    return run_command(
        COMMANDS, package=PACKAGE, description="The ChatGPT account of Amplifier.", add_options=add_setting_options
    )


# Which slot a window is told in says nothing: its length does.
_WINDOW_NAMES = {300: "5 hours", 1440: "day", 10_080: "week", 43_200: "month"}


def describe_usage(usage: Mapping[str, Any]) -> dict[str, str]:
    """A usage document as lines for a person, each with its name."""
    found = _describe_limit("", as_object(usage.get("rate_limit")))
    for more in as_objects(usage.get("additional_rate_limits")):
        found |= _describe_limit(
            f"{more.get('limit_name') or more.get('metered_feature')}, ", as_object(more.get("rate_limit"))
        )
    paid = as_object(usage.get("credits"))
    if paid.get("unlimited") is True:
        found["credits"] = "unlimited"
    elif paid.get("has_credits") is True:
        found["credits"] = str(paid.get("balance"))
    if reached := as_object(usage.get("rate_limit_reached_type")).get("type"):
        found["limit reached"] = str(reached)
    return found


def _describe_limit(prefix: str, limit: Mapping[str, Any]) -> dict[str, str]:
    found: dict[int, dict[str, Any]] = {}
    for slot in LIMIT_WINDOWS:
        if window := as_object(limit.get(f"{slot}_window")):
            found[int(window.get("limit_window_seconds") or 0) // 60] = window
    return {
        f"limit per {prefix}{_WINDOW_NAMES.get(minutes) or format_duration(minutes * 60.0)}": _describe_window(
            found[minutes]
        )
        for minutes in sorted(found)
    }


def _describe_window(window: Mapping[str, Any]) -> str:
    used = f"{window.get('used_percent')} % used"
    left_s = window.get("reset_after_seconds")
    if not isinstance(left_s, int | float):
        return used
    at = time.strftime("%a %H:%M", time.localtime(time.time() + left_s))
    return f"{used}, resets in {format_duration(left_s)} ({at})"


if __name__ == "__main__":
    sys.exit(main())
