"""`python -m amplifier_module_provider_chatgpt_oauth status | login | logout | routing`.

The settings are those of Amplifier's files, else the environment's; `--set KEY=VALUE` wins over both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from amplifier_core.llm_errors import LLMError
from openai_responses_common.auth.terminal import Screen
from openai_responses_common.cli.commands import Answer, Command, run, setting_options, settings_of
from openai_responses_common.cli.routing_matrix import routing_command
from openai_responses_common.failures.durations import in_words
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.transport.http_client import BlockingHttp

from .credential import ChatgptCredential
from .limits import rows as limit_rows
from .place import HEADERS, OWN_HOSTS
from .provider import ChatgptOauthProvider
from .tokens import LOGIN, Tokens

MODULE = "provider-chatgpt-oauth"
PACKAGE = "amplifier_module_provider_chatgpt_oauth"


def _provider(arguments: argparse.Namespace) -> ChatgptOauthProvider:
    return ChatgptOauthProvider(config=settings_of(arguments, MODULE, own_hosts=OWN_HOSTS))


def _status(arguments: argparse.Namespace) -> Answer:
    account = _provider(arguments).signed_in()
    tokens = account.stored()
    if tokens is None:
        return Answer(line=f"Nobody is signed in. Run `{LOGIN}`.", ok=False)
    limits = {} if arguments.offline else _limits(account.place.usage_url, ChatgptCredential(account))
    status = account.status()
    tokens = account.stored() or tokens
    line = {"authenticated": "Signed in to ChatGPT."}.get(status, f"The sign-in has expired. Run `{LOGIN}`.")
    return Answer(line=line, rows={**_rows(tokens), "tokens": account.where(), **limits}, ok=status == "authenticated")


def _rows(tokens: Tokens) -> dict[str, str]:
    left_s = tokens.lives_s()
    end = time.strftime("%Y-%m-%d %H:%M", time.localtime(tokens.expires_at))
    renewed = ", renewed by itself" if tokens.refresh and not tokens.ended else ""
    return {
        "account": tokens.email or "not told by the tokens",
        "plan": tokens.plan or "not told by the tokens",
        "workspace": tokens.account,
        "token ends": f"{end} (in {in_words(left_s)}{renewed})" if left_s > 60 else f"{end}{renewed}",
    }


def _limits(url: str, credential: ChatgptCredential) -> dict[str, str]:
    """How much of the plan is used; getting that may renew the token."""
    try:
        headers = asyncio.run(_headers(credential))
        reply = BlockingHttp(HEADERS).send("GET", url, headers=headers)
        if reply.status == 200:
            return limit_rows(reply.fields)
        problem = f"HTTP {reply.status}"
    except LLMError as error:
        problem = str(error)
    except CallFailure as error:
        problem = error.failure.message
    return {"limits": f"cannot be read: {problem}"}


async def _headers(credential: ChatgptCredential) -> dict[str, str]:
    return dict(await credential.headers())


def _login(arguments: argparse.Namespace) -> Answer:
    provider = _provider(arguments)
    if not provider.login():
        return Answer(line="Not signed in.", ok=False)
    try:
        models = asyncio.run(_models(provider))
    except LLMError as error:
        Screen().say(f"The tokens are kept, but the service did not list its models: {error}")
        return Answer(line="Signed in.")
    return Answer(line=f"Signed in. The account has {len(models)} models, {provider.default_model} first.")


async def _models(provider: ChatgptOauthProvider) -> list[str]:
    """Also a first use of the tokens, so that what does not work shows now."""
    try:
        return [model.id for model in await provider.list_models()]
    finally:
        await provider.close()


def _logout(arguments: argparse.Namespace) -> Answer:
    places = _provider(arguments).logout()
    return Answer(line=f"Signed out; removed from {' and '.join(places)}." if places else "Nobody was signed in.")


def _offline_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--offline", action="store_true", help="do not ask how much of the plan is used")


COMMANDS = (
    Command(name="status", help="show who is signed in, and the plan's limits", run=_status, options=_offline_option),
    Command(name="login", help="sign in with a code that is entered in a browser", run=_login),
    Command(name="logout", help="end the sign-in, here and at OpenAI", run=_logout),
    routing_command(PACKAGE, "chatgpt-oauth"),
)


def main() -> int:
    """Run the command of the process's arguments."""
    return run(COMMANDS, package=PACKAGE, description="The ChatGPT account of Amplifier.", options=setting_options)


if __name__ == "__main__":
    sys.exit(main())
