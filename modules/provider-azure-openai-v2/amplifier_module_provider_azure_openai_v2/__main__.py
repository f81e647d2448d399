"""`python -m amplifier_module_provider_azure_openai_v2 status | login | logout | routing`.

The settings are those of Amplifier's files, else the environment's; `--set KEY=VALUE` wins over both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.auth.device_code import sign_in
from openai_responses_common.auth.jwt import read_claims
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.cli.commands import (
    Command,
    Result,
    add_check_option,
    add_setting_options,
    make_short_call,
    read_settings,
    run_command,
)
from openai_responses_common.cli.routing_matrix import build_routing_command, read_matrix

from .auth.credential import EntraCredential
from .auth.signed_in_user import SignedInUser
from .backend import NOT_SET_UP, ResolvedSettings, resolve_settings
from .deployment_matrix import replace_models_with_deployments
from .endpoint import SERVICE_HOSTS
from .models import read_deployments
from .provider import AzureOpenaiV2Provider
from .settings import Settings

MODULE = "provider-azure-openai-v2"
PACKAGE = "amplifier_module_provider_azure_openai_v2"
# Names of a person or an application in Entra's tokens, the most telling first.
_ACCOUNT_CLAIMS = ("upn", "preferred_username", "unique_name", "app_displayname", "appid", "azp", "oid")


def _require_setup(settings: Settings) -> ResolvedSettings:
    if settings.text("azure_endpoint") is None:
        raise ConfigurationError(NOT_SET_UP)
    found = resolve_settings(settings)
    if found.problem:
        raise ConfigurationError(found.problem)
    return found


def _show_status(arguments: argparse.Namespace) -> Result:
    config = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS)
    found = _require_setup(Settings(config))
    query = "".join(f"?{key}={value}" for key, value in found.endpoint.query.items())
    rows = {
        "endpoint": found.endpoint.host,
        "route": f"{found.endpoint.base_url}/responses{query}",
        **asyncio.run(_describe_caller(found)),
    }
    if arguments.check:
        rows["answer"] = make_short_call(AzureOpenaiV2Provider(base_url=None, config=config))
    return Result(summary="Azure OpenAI is set up.", details=rows)


async def _describe_caller(resolved: ResolvedSettings) -> dict[str, str]:
    """Who calls; gets a token where one is needed."""
    await resolved.credential.lease()
    rows = {"credential": resolved.credential.description}
    if isinstance(resolved.credential, EntraCredential) and (token := resolved.credential.token):
        said = read_claims(token.value)
        rows["account"] = next((str(said[name]) for name in _ACCOUNT_CLAIMS if said.get(name)), "not told by the token")
        rows["tenant"] = str(said.get("tid") or "not told by the token")
        rows["expires"] = f"{datetime.fromtimestamp(token.expires_at_s).astimezone():%Y-%m-%d %H:%M %Z}"
    return rows


def _read_signed_in_user(arguments: argparse.Namespace) -> tuple[SignedInUser, str]:
    settings = Settings({**read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS), "auth": "entra_device_code"})
    found = _require_setup(settings)
    return SignedInUser.from_settings(settings, found.endpoint), found.endpoint.scopes[0]


def _sign_in(arguments: argparse.Namespace) -> Result:
    person, scope = _read_signed_in_user(arguments)
    person.store.probe(wait_for_unlock=True)
    screen = Terminal()
    if arguments.browser:
        screen.print_text("Waiting for the sign-in in the browser. Ctrl-C ends it.")
        record = person.sign_in_with_browser(scope, screen.print_text)
    else:
        record = sign_in(person.prepare_device_code_sign_in(scope), screen)
    person.store.save(record)
    rows = {"account": record.account, "tokens": person.store.location()}
    return Result(
        summary="Signed in. Sessions use it with auth entra_device_code, entra_browser or auto.", details=rows
    )


def _sign_out(arguments: argparse.Namespace) -> Result:
    person, _ = _read_signed_in_user(arguments)
    places = person.store.delete()
    return Result(summary=f"Signed out: removed from {', '.join(places)}." if places else "Nobody was signed in.")


def _build_matrix(arguments: argparse.Namespace) -> str:
    deployments = read_deployments(read_settings(arguments, MODULE).get("deployments"))
    text = read_matrix(PACKAGE)
    return replace_models_with_deployments(text, deployments) if deployments else text


def _add_browser_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--browser", action="store_true", help="in this machine's browser, instead of with a code")


COMMANDS = (
    Command(name="status", help="show endpoint, route and who calls", run=_show_status, add_options=add_check_option),
    Command(name="login", help="sign in as a person", run=_sign_in, add_options=_add_browser_option),
    Command(name="logout", help="forget the person's tokens", run=_sign_out),
    build_routing_command(PACKAGE, "azure-openai-v2", build_matrix=_build_matrix),
)

if __name__ == "__main__":
    sys.exit(
        run_command(
            COMMANDS, package=PACKAGE, description="Who calls Azure OpenAI, and where.", add_options=add_setting_options
        )
    )
