"""`python -m amplifier_module_provider_chatgpt_oauth status | login | logout | routing`.

The settings are those of Amplifier's files, else the environment's; `--set KEY=VALUE` wins over both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from amplifier_core.llm_errors import LLMError
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.cli.commands import Command, Result, add_setting_options, read_settings, run_command
from openai_responses_common.cli.routing_matrix import build_routing_command
from openai_responses_common.failures.durations import format_duration
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.transport.http_client import BlockingHttp

from .credential import ChatgptCredential
from .limits import describe_usage as limit_rows
from .place import CLIENT_HEADERS, SERVICE_HOSTS
from .provider import ChatgptOauthProvider
from .tokens import LOGIN_COMMAND, Tokens

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
            return limit_rows(reply.body_fields)
        problem = f"HTTP {reply.status}"
    except LLMError as error:
        problem = str(error)
    except CallFailure as error:
        problem = error.failure.message
    return {"limits": f"cannot be read: {problem}"}


async def _get_headers(credential: ChatgptCredential) -> dict[str, str]:
    return dict(await credential.headers())


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


if __name__ == "__main__":
    sys.exit(main())
