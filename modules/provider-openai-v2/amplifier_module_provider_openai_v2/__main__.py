"""`python -m amplifier_module_provider_openai_v2 status | routing`.

The settings are those of Amplifier's files, else the environment's; `--set KEY=VALUE` wins over both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.cli.commands import (
    Answer,
    Command,
    check_option,
    run,
    setting_options,
    settings_of,
    short_call,
)
from openai_responses_common.cli.routing_matrix import routing_command

from .backend import OWN_HOSTS, find
from .provider import OpenaiV2Provider

MODULE = "provider-openai-v2"
PACKAGE = "amplifier_module_provider_openai_v2"


def _status(arguments: argparse.Namespace) -> Answer:
    config = settings_of(arguments, MODULE, own_hosts=OWN_HOSTS)
    found = find(config)
    if found.problem:
        raise ConfigurationError(found.problem)
    asyncio.run(found.credential.headers())  # raises where a key is needed and none is there
    provider = OpenaiV2Provider(base_url=None, config=config)
    rows = {"where": found.base_url, "credential": found.credential.words, "model": provider.default_model}
    rows |= {name.removeprefix("OpenAI-").lower(): value for name, value in found.paying.items()}
    if arguments.check:
        rows["answer"] = short_call(provider)
    return Answer(line="The service is set up.", rows=rows)


COMMANDS = (
    Command(name="status", help="show where the service is and who calls", run=_status, options=check_option),
    routing_command(PACKAGE, "openai-v2"),
)

if __name__ == "__main__":
    sys.exit(run(COMMANDS, package=PACKAGE, description="Who calls OpenAI, and where.", options=setting_options))
