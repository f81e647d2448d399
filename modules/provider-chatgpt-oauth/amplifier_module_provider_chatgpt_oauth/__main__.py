"""`amplifier-chatgpt status | login | logout | export | import | routing`.

The settings come from Amplifier's files and, if a file does not have one, from the environment. `--set KEY=VALUE` wins
over both.
"""

from __future__ import annotations

from .stand_in import exit_if_unusable

# Before the imports that fail if the module cannot be used.
exit_if_unusable()

import argparse
import asyncio
import shlex
import sys
import time
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from amplifier_core.llm_errors import LLMError
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.cli.command_line import command_line
from openai_responses_common.cli.commands import Command, Result, run_command, sign_out_result
from openai_responses_common.cli.routing_matrix import build_routing_command
from openai_responses_common.cli.settings import CommandSettings, read_settings
from openai_responses_common.cli.status import (
    NOT_ASKED,
    add_check_option,
    build_status,
    check_settings,
    describe_default_model,
    make_test_call,
)
from openai_responses_common.failures.durations import format_duration
from openai_responses_common.transport.credential import UNAUTHORIZED
from openai_responses_common.transport.http_client import BlockingHttp, JsonReply

from .auth.account import MIN_FIRST_LIFETIME_S, Account
from .auth.credential import ChatgptCredential
from .auth.exported import delete_sign_in, export_sign_in, import_sign_in, read_sign_in
from .auth.tokens import Tokens
from .auth_mode import AuthMode
from .backend import build_each_backend
from .plan_limits import describe_usage
from .plan_quirks import USAGE_PAGE
from .provider import ChatgptOauthProvider
from .quirks import CLIENT_HEADERS
from .settings import LOGIN_COMMAND, SCRIPT, SERVICE_HOSTS, SETTINGS

MODULE = "provider-chatgpt-oauth"
PACKAGE = "amplifier_module_provider_chatgpt_oauth"
_UNKNOWN_CLAIM = "unknown (the tokens do not say)"


def _build_provider(arguments: argparse.Namespace, *, auth_mode: str | None = None) -> ChatgptOauthProvider:
    settings = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS, needs_choice=True)
    auth_mode = auth_mode or arguments.auth_mode
    return ChatgptOauthProvider(config={**settings.config, **({"auth_mode": auth_mode} if auth_mode else {})})


def _show_status(arguments: argparse.Namespace) -> Result:
    settings = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS)
    provider = ChatgptOauthProvider(config={**settings.config, "login_on_use": False})
    check_settings(settings, provider)
    account, login = provider.require_account(), _describe_login(settings)
    mode = account.settings.mode
    if account.load_tokens() is None:
        return _report_nobody(provider, f"Run `{login}`.", "see the setting 'auth_mode'")
    test_call = make_test_call(provider, max_output_tokens=None) if arguments.check else None
    tokens = account.load_tokens()
    if tokens is None:
        return Result(summary=f"Nobody is signed in any more. Run `{login}`.", ok=False)
    problem, limits = "", dict[str, str]()
    if not tokens.can_be_used:
        problem = f"The sign-in has expired. Run `{login}`."
    elif mode == "plan":
        limits = {"limits": f"the service does not say; see {USAGE_PAGE}"}
    elif not arguments.offline:
        problem, limits = asyncio.run(_fetch_limits(account, tokens))
    rows = {
        "sign-in": mode,
        **_describe_tokens(tokens, mode),
        "tokens": account.describe_location(),
        **({"other sign-in": "{}, {} (not used)".format(*other)} if (other := _find_other_sign_in(provider)) else {}),
        "model": describe_default_model(provider),
        **limits,
    }
    result = build_status(
        settings,
        rows,
        provider=provider,
        variables={key: row.variables for key, row in SETTINGS.items()},
        test_call=test_call,
        summary=problem or f"Signed in to ChatGPT. {NOT_ASKED}",
    )
    return replace(result, ok=result.ok and not problem)


def _report_nobody(provider: ChatgptOauthProvider, remedy: str, other_remedy: str) -> Result:
    """Say that there is no sign-in of the way that was chosen, and whether there is one of the other way.

    Args:
        provider: the provider.
        remedy: what makes a sign-in; empty if there is nothing to say.
        other_remedy: what chooses the other way, for which `{}` stands.
    """
    sentences = ["Nobody is signed in.", remedy]
    if other := _find_other_sign_in(provider):
        way, person = other
        mode = provider.require_account().settings.mode
        hint = f"There is a sign-in with {way} ({person}): {other_remedy.format(way.replace('_', '-'))}."
        sentences = [f"Nobody is signed in with {mode}.", remedy, hint]
    return Result(summary=" ".join(filter(None, sentences)), ok=False)


def _find_other_sign_in(provider: ChatgptOauthProvider) -> tuple[str, str] | None:
    """Return the way that was not chosen, and whose sign-in it has. None if it has none."""
    ((mode, account),) = [
        (name, backend.account)
        for name, backend in build_each_backend(provider.config).items()
        if name != provider.require_account().settings.mode
    ]
    try:
        tokens = account.load_tokens() if account.has_stored_files() else None
    except LLMError as error:
        return mode, f"it cannot be read: {error}"
    return None if tokens is None else (mode, f"{_name_person(tokens)}{'' if tokens.can_be_used else ', expired'}")


def _name_person(tokens: Tokens) -> str:
    return tokens.email or tokens.account


def _describe_login(settings: CommandSettings) -> str:
    """Return the line that signs in the instance of these settings."""
    host_config = settings.host_config
    name = f" --instance {shlex.quote(host_config.instance)}" if host_config.other_instances else ""
    return f"{LOGIN_COMMAND}{name}"


def _describe_tokens(tokens: Tokens, mode: AuthMode) -> dict[str, str]:
    left_s = tokens.remaining_s()
    end = time.strftime("%Y-%m-%d %H:%M", time.localtime(tokens.expires_at))
    refresh = ", refreshed automatically" if tokens.refresh_token and not tokens.end_code else ""
    # Sign in with ChatGPT tells neither the plan nor the workspace.
    more = {"plan": tokens.plan or _UNKNOWN_CLAIM, "workspace": tokens.account} if mode == "device_code" else {}
    return {
        "account": tokens.email or _UNKNOWN_CLAIM,
        **more,
        "token expires": f"{end} (in {format_duration(left_s)}{refresh})" if left_s > 60 else f"{end}{refresh}",
    }


async def _fetch_limits(account: Account, tokens: Tokens) -> tuple[str, dict[str, str]]:
    """Return a problem of the sign-in, and how much of the plan is used; refreshes no token.

    The problem is empty if the service accepts the token, or does not say that it refuses it.
    """
    if tokens.remaining_s() < MIN_FIRST_LIFETIME_S:
        return "", {"limits": "not fetched, because the next call refreshes the token first (as does --check)"}
    try:
        lease = await ChatgptCredential(account).lease()
        reply = BlockingHttp(CLIENT_HEADERS).send("GET", account.settings.usage_url, headers=lease.headers)
    except LLMError as error:
        return "", {"limits": f"cannot be fetched: {error}"}
    if reply.status == HTTPStatus.OK:
        return "", describe_usage(reply.body_fields)
    if not _refuses_token(reply):
        return "", {"limits": f"cannot be fetched: HTTP {reply.status}"}
    return (
        "ChatGPT does not accept the saved token. Try to refresh it with --check.",
        {"reason": reply.read_failure().message},
    )


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


def _add_mode_options(parser: argparse.ArgumentParser) -> None:
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument(
        "--plan",
        dest="auth_mode",
        action="store_const",
        const="plan",
        help="Sign in with ChatGPT, in a browser here or on another machine: the way that OpenAI supports",
    )
    modes.add_argument(
        "--device-code",
        dest="auth_mode",
        action="store_const",
        const="device_code",
        help="the sign-in with a code, as in OpenAI's own client, which OpenAI does not support for other programs",
    )


def _export(arguments: argparse.Namespace) -> Result:
    file = Path(arguments.file).absolute()
    provider = _build_provider(arguments)
    account = provider.require_account()
    if account.load_tokens() is None:
        return _report_nobody(provider, "", "use `--{}`")
    if file.is_dir():
        return Result(summary=f"{file} is a folder: add the name of a file.", ok=False)
    if file.exists() or file.is_symlink():
        if not Terminal().ask_to_continue(f"{file} exists. Press Enter to replace it, or Ctrl-C to stop."):
            return Result(summary=f"{file} exists: choose another name, or delete it.", ok=False)
        delete_sign_in(file)
    tokens = export_sign_in(account, file)
    if tokens is None:
        return _report_nobody(provider, "", "use `--{}`")
    mode = account.settings.mode
    return Result(
        summary=f"The sign-in of {_name_person(tokens)} with {mode} is in {file}, and no longer on this machine.",
        details={"next": f"copy the file to the other machine, run `{SCRIPT} import FILE` there, and delete it here"},
    )


def _import(arguments: argparse.Namespace) -> Result:
    file = Path(arguments.file).absolute()
    mode, tokens = read_sign_in(file)
    if arguments.auth_mode not in (None, mode):
        return Result(summary=f"The sign-in in {file} is one with {mode}.", ok=False)
    import_sign_in(_build_provider(arguments, auth_mode=mode).require_account(), tokens)
    delete_sign_in(file)
    return Result(summary=f"The sign-in of {_name_person(tokens)} with {mode} is saved, and {file} is deleted.")


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    _add_mode_options(parser)
    parser.add_argument("file", help="the path of the file, which only you can read")


def _add_status_options(parser: argparse.ArgumentParser) -> None:
    add_check_option(parser)
    parser.add_argument("--offline", action="store_true", help="do not ask the service how much of the plan is used")


COMMANDS = (
    Command(
        name="status",
        help="show the account, the limits of its plan and the model in use, and the origin of each setting",
        run=_show_status,
        add_options=_add_status_options,
    ),
    Command(
        name="login",
        help="sign in with your browser or with a code, and save the tokens for sessions",
        run=_sign_in,
        add_options=_add_mode_options,
    ),
    Command(
        name="logout",
        help="delete the stored sign-ins and end them at OpenAI",
        run=_sign_out,
        add_options=_add_mode_options,
    ),
    Command(
        name="export",
        help="move the sign-in to a file, for a machine without a browser",
        run=_export,
        add_options=_add_file_options,
    ),
    Command(
        name="import",
        help="take over the sign-in that another machine exported, and delete the file",
        run=_import,
        add_options=_add_file_options,
    ),
    build_routing_command(PACKAGE, "chatgpt-oauth"),
)


def main() -> int:
    """Run the command that the arguments of the process name; return the exit code."""
    return run_command(
        COMMANDS,
        program=command_line(PACKAGE, SCRIPT),
        description="Show or change how this provider connects to ChatGPT.",
    )


if __name__ == "__main__":
    sys.exit(main())
