"""The command `status`: what the settings resolve to, where they come from, and what a call would refuse.

It signs nobody in and saves nothing. Only with `--check` it makes a call, which refreshes a token that has expired.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amplifier_core.llm_errors import ConfigurationError, LLMError
from amplifier_core.message_models import ChatRequest, Message

from ..provider.provider import ResponsesProvider
from .commands import Result
from .settings import CommandSettings

NOT_ASKED = "No call was made; --check makes a short one."
"""The end of a summary without a test call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCall:
    """The outcome of the call that `--check` makes.

    Attributes:
        summary: the outcome in one sentence.
        description: which model responded, or why none did.
        ok: whether the service responded.
    """

    summary: str
    description: str
    ok: bool


def add_check_option(parser: argparse.ArgumentParser) -> None:
    """Add the option with which `status` also makes a call; see `make_test_call`."""
    parser.add_argument("--check", action="store_true", help="also make one short call, which costs a few tokens")


def check_settings(settings: CommandSettings, provider: ResponsesProvider) -> None:
    """Check that no setting is such that every call fails; sends nothing.

    Raises:
        ConfigurationError: the settings that are not valid, each with its origin.
    """
    problems = [settings.add_origin(problem) for problem in provider.find_problems()]
    if len(problems) == 1:
        raise ConfigurationError(problems[0])
    if problems:
        raise ConfigurationError("\n  ".join(["some settings are not valid", *problems]))


def make_test_call(provider: ResponsesProvider, *, max_output_tokens: int | None = 200) -> TestCall:
    """Make one short call, blocking, and close the provider.

    Tries a failure once more at most, because a user waits in front of a silent terminal.

    Args:
        provider: the provider.
        max_output_tokens: the limit of the call; 200 by default. None for a service that accepts no limit.
    """
    messages = [Message(role="user", content="Answer with the word ok.")]
    request = ChatRequest(messages=messages, max_output_tokens=max_output_tokens)

    async def call() -> str:
        try:
            response = await provider.complete(request, reasoning_effort="low", max_continuations=0, max_retries=1)
        finally:
            await provider.close()
        return str((response.metadata or {}).get("openai:model"))

    try:
        response_model = asyncio.run(call())
    except LLMError as error:
        return TestCall(summary="The test call failed.", description=str(error), ok=False)
    description = f"{provider.default_model} responds, served by {response_model}"
    return TestCall(summary="The service responds.", description=description, ok=True)


def build_status(
    settings: CommandSettings,
    rows: Mapping[str, str],
    *,
    provider: ResponsesProvider,
    variables: Mapping[str, Sequence[str]],
    test_call: TestCall | None,
    summary: str = f"The settings are valid. {NOT_ASKED}",
) -> Result:
    """Return the result of `status`: the instance, the rows of the module, and the origin of each setting.

    Args:
        settings: the settings of the command.
        rows: the rows of the module.
        provider: the provider that the settings make.
        variables: the environment variables that can set a setting, by its name.
        test_call: the outcome of the test call. None if none was made.
        summary: the result without a test call; by default, that the settings are valid.
    """
    all_rows = {
        "instance": settings.describe_instance(),
        **rows,
        "transport": provider.describe_transport(),
        "settings": settings.describe_origins(variables),
    }
    if test_call is None:
        return Result(summary=summary, details=all_rows)
    return Result(summary=test_call.summary, details={**all_rows, "test call": test_call.description}, ok=test_call.ok)


def describe_default_model(provider: ResponsesProvider) -> str:
    """Return the default model, and when the service ends it if that is near; sends nothing."""
    ending = provider.describe_shutdown()
    model = provider.default_model or "the one that the server lists, if it lists only one"
    return f"{model} ({ending})" if ending else model
