"""`amplifier-openai-v2 status | routing`.

The settings come from Amplifier's files and, if a file does not have one, from the environment. `--set KEY=VALUE` wins
over both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from openai_responses_common.cli.command_line import command_line
from openai_responses_common.cli.commands import (
    Command,
    Result,
    add_check_option,
    describe_default_model,
    make_short_call,
    read_settings,
    run_command,
)
from openai_responses_common.cli.routing_matrix import build_routing_command

from .provider import OpenaiV2Provider
from .settings import SERVICE_HOSTS, resolve_settings

MODULE = "provider-openai-v2"
PACKAGE = "amplifier_module_provider_openai_v2"
SCRIPT = "amplifier-openai-v2"


def _show_status(arguments: argparse.Namespace) -> Result:
    config = read_settings(arguments, MODULE, service_hosts=SERVICE_HOSTS)
    resolved = resolve_settings(config)
    provider = OpenaiV2Provider(base_url=None, config=config)
    provider.check_settings()
    asyncio.run(resolved.credential.lease())  # raises if the service needs a key and none is set
    rows = {
        "endpoint": resolved.base_url,
        "credential": resolved.credential.description,
        "model": describe_default_model(provider),
    }
    rows |= {name.removeprefix("OpenAI-").lower(): value for name, value in resolved.billing_headers.items()}
    if arguments.check:
        rows["test call"] = make_short_call(provider)
    return Result(summary="The service is set up.", details=rows)


COMMANDS = (
    Command(
        name="status",
        help="show the endpoint and the credential in use",
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
