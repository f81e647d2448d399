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
from openai_responses_common.auth.jwt import claims_of
from openai_responses_common.auth.terminal import Screen
from openai_responses_common.cli.commands import (
    Answer,
    Command,
    check_option,
    run,
    setting_options,
    settings_of,
    short_call,
)
from openai_responses_common.cli.routing_matrix import matrix_of, routing_command

from .backend import NOT_SET_UP, Found, find
from .credential import EntraCredential
from .deployments import read_deployments
from .endpoint import OWN_HOSTS
from .naming import with_names
from .person import Person
from .provider import AzureOpenaiV2Provider
from .settings import Settings

MODULE = "provider-azure-openai-v2"
PACKAGE = "amplifier_module_provider_azure_openai_v2"
# Names of a person or an application in Entra's tokens, the most telling first.
_NAMES = ("upn", "preferred_username", "unique_name", "app_displayname", "appid", "azp", "oid")


def _found(settings: Settings) -> Found:
    if settings.text("azure_endpoint") is None:
        raise ConfigurationError(NOT_SET_UP)
    found = find(settings)
    if found.problem:
        raise ConfigurationError(found.problem)
    return found


def _status(arguments: argparse.Namespace) -> Answer:
    config = settings_of(arguments, MODULE, own_hosts=OWN_HOSTS)
    found = _found(Settings(config))
    query = "".join(f"?{key}={value}" for key, value in found.place.query.items())
    rows = {
        "endpoint": found.place.host,
        "route": f"{found.place.base_url}/responses{query}",
        **asyncio.run(_caller(found)),
    }
    if arguments.check:
        rows["answer"] = short_call(AzureOpenaiV2Provider(base_url=None, config=config))
    return Answer(line="Azure OpenAI is set up.", rows=rows)


async def _caller(found: Found) -> dict[str, str]:
    """Who calls; gets a token where one is needed."""
    await found.credential.headers()
    rows = {"credential": found.credential.words}
    if isinstance(found.credential, EntraCredential) and (token := found.credential.token):
        said = claims_of(token.value)
        rows["account"] = next((str(said[name]) for name in _NAMES if said.get(name)), "not told by the token")
        rows["tenant"] = str(said.get("tid") or "not told by the token")
        rows["expires"] = f"{datetime.fromtimestamp(token.expires_at_s).astimezone():%Y-%m-%d %H:%M %Z}"
    return rows


def _person(arguments: argparse.Namespace) -> tuple[Person, str]:
    settings = Settings({**settings_of(arguments, MODULE, own_hosts=OWN_HOSTS), "auth": "entra_device_code"})
    found = _found(settings)
    return Person.of(settings, found.place), found.place.scopes[0]


def _login(arguments: argparse.Namespace) -> Answer:
    person, scope = _person(arguments)
    person.store.probe(patient=True)
    screen = Screen()
    if arguments.browser:
        screen.say("Waiting for the sign-in in the browser. Ctrl-C ends it.")
        record = person.browser(scope, screen.say)
    else:
        record = sign_in(person.device_code(scope), screen)
    person.store.save(record)
    rows = {"account": record.account, "tokens": person.store.place()}
    return Answer(line="Signed in. Sessions use it with auth entra_device_code, entra_browser or auto.", rows=rows)


def _logout(arguments: argparse.Namespace) -> Answer:
    person, _ = _person(arguments)
    places = person.store.delete()
    return Answer(line=f"Signed out: removed from {', '.join(places)}." if places else "Nobody was signed in.")


def _matrix(arguments: argparse.Namespace) -> str:
    deployments = read_deployments(settings_of(arguments, MODULE).get("deployments"))
    text = matrix_of(PACKAGE)
    return with_names(text, deployments) if deployments else text


def _browser_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--browser", action="store_true", help="in this machine's browser, instead of with a code")


COMMANDS = (
    Command(name="status", help="show endpoint, route and who calls", run=_status, options=check_option),
    Command(name="login", help="sign in as a person", run=_login, options=_browser_option),
    Command(name="logout", help="forget the person's tokens", run=_logout),
    routing_command(PACKAGE, "azure-openai-v2", text=_matrix),
)

if __name__ == "__main__":
    sys.exit(run(COMMANDS, package=PACKAGE, description="Who calls Azure OpenAI, and where.", options=setting_options))
