"""`amplifier-azure-openai-v2 status | login | logout | routing`.

The settings come from Amplifier's files and, if a file does not have one, from the environment. `--set KEY=VALUE` wins
over both.
"""

from __future__ import annotations

from .stand_in import exit_if_unusable

# Before the imports that fail if the module cannot be used.
exit_if_unusable()

import argparse
import asyncio
import sys
from dataclasses import replace
from datetime import datetime

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.auth.device_code import sign_in
from openai_responses_common.auth.jwt import read_claims
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.cli.command_line import command_line
from openai_responses_common.cli.commands import Command, Result, run_command, sign_out_result
from openai_responses_common.cli.routing_matrix import build_routing_command, read_matrix
from openai_responses_common.cli.settings import read_settings
from openai_responses_common.cli.status import (
    add_check_option,
    build_status,
    check_settings,
    describe_default_model,
    make_test_call,
)

from .auth.credential import EntraCredential
from .auth.signed_in_user import SignedInUser, open_token_store
from .backend import NOT_SET_UP, ResolvedSettings, resolve_settings
from .deployment_matrix import replace_models_with_deployments
from .endpoint import SERVICE_HOSTS
from .models import read_deployments
from .provider import AzureOpenaiV2Provider
from .settings import SCRIPT, SETTINGS, Settings

MODULE = "provider-azure-openai-v2"
PACKAGE = "amplifier_module_provider_azure_openai_v2"
# The claims of Entra's tokens that name a user or an application, the most readable first.
_ACCOUNT_CLAIMS = ("upn", "preferred_username", "unique_name", "app_displayname", "appid", "azp", "oid")
_UNKNOWN_CLAIM = "unknown (the token does not say)"


def _require_setup(settings: Settings) -> ResolvedSettings:
    if settings.azure_endpoint is None:
        raise ConfigurationError(NOT_SET_UP)
    resolved = resolve_settings(settings)
    if resolved.problem:
        raise ConfigurationError(resolved.problem)
    return resolved


def _show_status(arguments: argparse.Namespace) -> Result:
    command_settings = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS)
    settings = Settings.from_config(command_settings.config)
    if settings.azure_endpoint is None:
        raise ConfigurationError(NOT_SET_UP)
    provider = AzureOpenaiV2Provider(base_url=None, config=command_settings.config)
    check_settings(command_settings, provider)
    resolved = resolve_settings(replace(settings, is_read_only=True))
    query = "".join(f"?{key}={value}" for key, value in resolved.endpoint.query.items())
    rows = {
        "endpoint": resolved.endpoint.host,
        "route": f"{resolved.endpoint.base_url}/responses{query}",
        **asyncio.run(_describe_credential(resolved)),
        "deployment": _describe_deployment(provider, resolved),
    }
    variables = {key: SETTINGS[key].variables for key in settings.texts if key not in settings.config_texts}
    test_call = make_test_call(provider) if arguments.check else None
    return build_status(command_settings, rows, provider=provider, variables=variables, test_call=test_call)


def _describe_deployment(provider: AzureOpenaiV2Provider, resolved: ResolvedSettings) -> str:
    model = resolved.deployments.get(provider.default_model)
    return f"{describe_default_model(provider)}{f', which serves {model}' if model else ''}"


async def _describe_credential(resolved: ResolvedSettings) -> dict[str, str]:
    """The credential and its account, after obtaining a token if one is needed."""
    await resolved.credential.lease()
    rows = {"credential": resolved.credential.description}
    if isinstance(resolved.credential, EntraCredential) and (token := resolved.credential.token):
        claims = read_claims(token.value)
        rows["account"] = next((str(claims[name]) for name in _ACCOUNT_CLAIMS if claims.get(name)), _UNKNOWN_CLAIM)
        rows["tenant"] = str(claims.get("tid") or _UNKNOWN_CLAIM)
        rows["expires"] = f"{datetime.fromtimestamp(token.expires_at_s).astimezone():%Y-%m-%d %H:%M %Z}"
    return rows


def _read_signed_in_user(arguments: argparse.Namespace) -> tuple[SignedInUser, str]:
    config = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS, needs_choice=True).config
    settings = Settings.from_config({**config, "auth": "entra_device_code"})
    resolved = _require_setup(settings)
    return SignedInUser.from_settings(settings, resolved.endpoint), resolved.endpoint.scopes[0]


def _sign_in(arguments: argparse.Namespace) -> Result:
    user, scope = _read_signed_in_user(arguments)
    user.store.probe(wait_for_unlock=True)
    terminal = Terminal()
    if arguments.browser:
        terminal.print_text("Waiting for the sign-in in the browser. Press Ctrl-C to stop.")
        record = user.sign_in_with_browser(scope, terminal.print_text)
    else:
        record = sign_in(user.prepare_device_code_sign_in(scope), terminal)
    user.store.save(record)
    return Result(
        summary="Signed in. Sessions use this sign-in if `auth` is auto, entra_device_code or entra_browser.",
        details={"account": record.account, "tokens": user.store.location()},
    )


def _sign_out(arguments: argparse.Namespace) -> Result:
    """Delete the tokens. It needs no resource, because the settings may have changed since the sign-in."""
    settings = Settings.from_config(read_settings(arguments, MODULE, needs_choice=True).config)
    return sign_out_result(open_token_store(settings).delete())


def _build_matrix(arguments: argparse.Namespace) -> str:
    deployments = read_deployments(read_settings(arguments, MODULE).config.get("deployments"))
    matrix = read_matrix(PACKAGE)
    return replace_models_with_deployments(matrix, deployments) if deployments else matrix


def _add_browser_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--browser",
        action="store_true",
        help="sign in with the browser on this machine instead of a device code",
    )


COMMANDS = (
    Command(
        name="status",
        help="show the endpoint, the credential, the account and the deployment in use, and the origin of each setting",
        run=_show_status,
        add_options=add_check_option,
    ),
    Command(
        name="login",
        help="sign in to Microsoft Entra and save the tokens for sessions",
        run=_sign_in,
        add_options=_add_browser_option,
    ),
    Command(name="logout", help="delete the stored sign-in", run=_sign_out),
    build_routing_command(PACKAGE, "azure-openai-v2", build_matrix=_build_matrix),
)


def main() -> int:
    """Run the command that the arguments of the process name; return the exit code."""
    return run_command(
        COMMANDS,
        program=command_line(PACKAGE, SCRIPT),
        description="Show or change how this provider connects to Azure OpenAI.",
    )


if __name__ == "__main__":
    sys.exit(main())
