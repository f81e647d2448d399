"""`amplifier-chatgpt status | login | logout | routing`.

The settings come from Amplifier's files and, if a file does not have one, from the environment. `--set KEY=VALUE` wins
over both.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
import time
from collections.abc import Mapping
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, LLMError
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.cli.command_line import command_line
from openai_responses_common.cli.commands import Command, Result, read_settings, run_command, sign_out_result
from openai_responses_common.cli.routing_matrix import build_routing_command
from openai_responses_common.failures.durations import format_duration
from openai_responses_common.failures.failure import Failure
from openai_responses_common.transport.credential import UNAUTHORIZED, Lease
from openai_responses_common.transport.http_client import BlockingHttp, JsonReply
from openai_responses_common.wire.json_values import as_object, as_objects

from .auth.credential import ChatgptCredential
from .auth.tokens import Tokens
from .provider import ChatgptOauthProvider
from .quirks import CLIENT_HEADERS, LIMIT_WINDOWS
from .settings import LOGIN_COMMAND, SCRIPT, SERVICE_HOSTS

MODULE = "provider-chatgpt-oauth"
PACKAGE = "amplifier_module_provider_chatgpt_oauth"
_UNKNOWN_CLAIM = "unknown (the tokens do not say)"


def _build_provider(arguments: argparse.Namespace) -> ChatgptOauthProvider:
    return ChatgptOauthProvider(config=read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS))


def _show_status(arguments: argparse.Namespace) -> Result:
    provider = _build_provider(arguments)
    provider.check_settings()
    account, login = provider.require_account(), _describe_login(arguments)
    tokens = account.load_tokens()
    if tokens is None:
        return Result(summary=f"Nobody is signed in. Run `{login}`.", ok=False)
    limits: dict[str, str] = {}
    summary = "Signed in to ChatGPT."
    try:
        if not arguments.offline:
            limits = asyncio.run(_fetch_limits(account.settings.usage_url, ChatgptCredential(account)))
    except _RefusedToken as error:
        limits = {"reason": str(error)}
        summary = f"ChatGPT does not accept the sign-in any more. Run `{login}`."
    if account.get_status() != "authenticated":
        summary = f"The sign-in has expired. Run `{login}`."
    return Result(
        summary=summary,
        details={
            **_describe_tokens(account.load_tokens() or tokens),
            "tokens": account.describe_location(),
            **limits,
        },
        ok=login not in summary,
    )


def _describe_login(arguments: argparse.Namespace) -> str:
    """Return the line that signs in the instance of these arguments."""
    return f"{LOGIN_COMMAND} --instance {shlex.quote(arguments.instance)}" if arguments.instance else LOGIN_COMMAND


def _describe_tokens(tokens: Tokens) -> dict[str, str]:
    left_s = tokens.remaining_s()
    end = time.strftime("%Y-%m-%d %H:%M", time.localtime(tokens.expires_at))
    refresh = ", refreshed automatically" if tokens.refresh_token and not tokens.end_code else ""
    return {
        "account": tokens.email or _UNKNOWN_CLAIM,
        "plan": tokens.plan or _UNKNOWN_CLAIM,
        "workspace": tokens.account,
        "token expires": f"{end} (in {format_duration(left_s)}{refresh})" if left_s > 60 else f"{end}{refresh}",
    }


class _RefusedToken(Exception):
    """The service refuses the access token, and also one that was refreshed just now."""


async def _fetch_limits(url: str, credential: ChatgptCredential) -> dict[str, str]:
    """Return how much of the plan is used, for `status`. The request may refresh the token.

    Raises:
        _RefusedToken: the service refuses the token, and a refresh does not help.
    """
    http = BlockingHttp(CLIENT_HEADERS)
    try:
        lease = await credential.lease()
        reply = http.send("GET", url, headers=lease.headers)
        if _refuses_token(reply):
            reply = http.send("GET", url, headers=await _replace_token(credential, lease, reply.read_failure()))
        if reply.status == 200:
            return describe_usage(reply.body_fields)
        problem = f"HTTP {reply.status}"
    except LLMError as error:
        problem = str(error)
    else:
        if _refuses_token(reply):
            raise _RefusedToken(reply.read_failure().message)
    return {"limits": f"cannot be fetched: {problem}"}


async def _replace_token(credential: ChatgptCredential, lease: Lease, failure: Failure) -> Mapping[str, str]:
    """Return the headers with another token than the refused one."""
    try:
        if not await credential.refresh(lease, failure):
            raise _RefusedToken(failure.message)
        return (await credential.lease()).headers
    except AuthenticationError as error:
        raise _RefusedToken(str(error)) from error


def _refuses_token(reply: JsonReply) -> bool:
    """Return whether the service refuses the token; the page of a proxy does not speak for the service."""
    return reply.status == UNAUTHORIZED and reply.body_fields != {}


def _sign_in(arguments: argparse.Namespace) -> Result:
    provider = _build_provider(arguments)
    if not provider.login():
        return Result(summary="Not signed in.", ok=False)
    try:
        models = asyncio.run(_list_models(provider))
    except LLMError as error:
        Terminal().print_text(f"The tokens are saved, but the service did not list its models: {error}")
        return Result(summary="Signed in.")
    return Result(summary=f"Signed in. The account has {len(models)} models; the default is {provider.default_model}.")


async def _list_models(provider: ChatgptOauthProvider) -> list[str]:
    """List the models. It is also a first use of the tokens, so that a problem shows now."""
    try:
        return [model.id for model in await provider.list_models()]
    finally:
        await provider.close()


def _sign_out(arguments: argparse.Namespace) -> Result:
    return sign_out_result(_build_provider(arguments).logout())


def _add_offline_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--offline", action="store_true", help="do not ask the service how much of the plan is used")


COMMANDS = (
    Command(
        name="status",
        help="show the account that you are signed in as, and the limits of its plan",
        run=_show_status,
        add_options=_add_offline_option,
    ),
    Command(
        name="login",
        help="sign in with a code that you enter in a browser, and save the tokens for sessions",
        run=_sign_in,
    ),
    Command(name="logout", help="delete the stored sign-in and end it at OpenAI", run=_sign_out),
    build_routing_command(PACKAGE, "chatgpt-oauth"),
)


def main() -> int:
    """Run the command that the arguments of the process name; return the exit code."""
    return run_command(
        COMMANDS,
        program=command_line(PACKAGE, SCRIPT),
        description="Show or change how this provider connects to ChatGPT.",
    )


# A window is named by its length in minutes, because its position in the document has no meaning.
_WINDOW_NAMES = {300: "5 hours", 1440: "day", 10_080: "week", 43_200: "month"}


def describe_usage(usage: Mapping[str, Any]) -> dict[str, str]:
    """Describe a usage document for a user: one line per limit, by name."""
    details = _describe_limit("", as_object(usage.get("rate_limit")))
    for more in as_objects(usage.get("additional_rate_limits")):
        details |= _describe_limit(
            f"{more.get('limit_name') or more.get('metered_feature')}, ", as_object(more.get("rate_limit"))
        )
    paid = as_object(usage.get("credits"))
    if paid.get("unlimited") is True:
        details["credits"] = "unlimited"
    elif paid.get("has_credits") is True:
        details["credits"] = str(paid.get("balance"))
    if reached := as_object(usage.get("rate_limit_reached_type")).get("type"):
        details["limit reached"] = str(reached)
    return details


def _describe_limit(prefix: str, limit: Mapping[str, Any]) -> dict[str, str]:
    windows: dict[int, dict[str, Any]] = {}
    for name in LIMIT_WINDOWS:
        if window := as_object(limit.get(f"{name}_window")):
            windows[int(window.get("limit_window_seconds") or 0) // 60] = window
    return {
        f"limit per {prefix}{_WINDOW_NAMES.get(minutes) or format_duration(minutes * 60.0)}": _describe_window(
            windows[minutes]
        )
        for minutes in sorted(windows)
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
