"""`amplifier-openai-v2 status | routing`.

The settings come from Amplifier's files and, if a file does not have one, from the environment. `--set KEY=VALUE` wins
over both.
"""

from __future__ import annotations

from .stand_in import exit_if_unusable

# Before the imports that fail if the module cannot be used.
exit_if_unusable()

import argparse
import asyncio
import re
import sys
from urllib.parse import urlsplit

from openai_responses_common.cli.command_line import command_line
from openai_responses_common.cli.commands import Command, Result, run_command
from openai_responses_common.cli.routing_matrix import build_routing_command
from openai_responses_common.cli.settings import read_settings
from openai_responses_common.cli.status import (
    add_check_option,
    build_status,
    check_settings,
    describe_default_model,
    make_test_call,
)

from .provider import OpenaiV2Provider
from .settings import SERVICE_HOSTS, SETTINGS, resolve_settings

MODULE = "provider-openai-v2"
PACKAGE = "amplifier_module_provider_openai_v2"
SCRIPT = "amplifier-openai-v2"


def _show_status(arguments: argparse.Namespace) -> Result:
    settings = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS)
    resolved = resolve_settings(settings.config)
    provider = OpenaiV2Provider(base_url=None, config=settings.config)
    check_settings(settings, provider)
    asyncio.run(resolved.credential.lease())  # raises if the service needs a key and none is set
    rows = {
        "endpoint": f"{resolved.base_url}{_doubt_path(resolved.base_url)}",
        "credential": resolved.credential.description,
        "model": describe_default_model(provider),
    }
    rows |= {name.removeprefix("OpenAI-").lower(): value for name, value in resolved.billing_headers.items()}
    test_call = make_test_call(provider) if arguments.check else None
    return build_status(
        settings,
        rows,
        provider=provider,
        variables={key: row.variables for key, row in SETTINGS.items()},
        test_call=test_call,
    )


def _doubt_path(base_url: str) -> str:
    """Return a hint for an address whose path is not that of the API on most servers; empty for the others."""
    segments = urlsplit(base_url).path.split("/")
    if "responses" in segments:
        return " (most servers need it without /responses)"
    return (
        "" if any(re.fullmatch(r"v\d\w*", segment) for segment in segments) else " (most servers need /v1 at its end)"
    )


COMMANDS = (
    Command(
        name="status",
        help="show the endpoint, the credential and the model in use, and the origin of each setting",
        run=_show_status,
        add_options=add_check_option,
    ),
    build_routing_command(PACKAGE, "openai-v2"),
)


def main() -> int:
    """Run the command that the arguments of the process name; return the exit code."""
    return run_command(
        COMMANDS,
        program=command_line(PACKAGE, SCRIPT),
        description="Show or change how this provider connects to OpenAI.",
    )


if __name__ == "__main__":
    sys.exit(main())
