"""The rows of the table: what is done, what plays it, and which repositories it needs beside the required ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.amplifier import behaviours
from tests.amplifier.behaviours import NAMES, Play
from tests.amplifier.machine import KEYS, MODEL

_LOOPS = ("loop-basic", "loop-streaming")
_MATRIX = ("amplifier-bundle-routing-matrix",)
_BUNDLES = (
    *("amplifier-module-hooks-streaming-ui", "amplifier-module-hooks-status-context", "amplifier-module-tool-todo"),
    *("amplifier-module-hooks-todo-reminder", "amplifier-bundle-redaction", "amplifier-module-tool-web"),
    "amplifier-module-tool-search",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table.

    Attributes:
        name: what is done.
        play: plays it.
        options: the keyword arguments of `play`.
        needs: repositories beside the required ones.
    """

    name: str
    play: Play
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    needs: tuple[str, ...] = ()


def _set_up(what: str, name: str, *, keys: bool, answers: Mapping[str, str], **saved: str) -> Row:
    options = {"name": name, "answers": answers, "keys": keys, **saved}
    return Row(name=f"provider add {name}: {what}", play=behaviours.set_up, options=options)


def _route(matrix: str, provider: str, role: str, model: str, effort: str | None = None) -> Row:
    options = {"matrix": matrix, "provider": provider, "role": role, "model": model, "effort": effort}
    return Row(name=f"routing use {matrix}: {role}", play=behaviours.route, options=options, needs=_MATRIX)


def _lack(name: str, reason: str, remedy: str, **settings: Any) -> Row:
    options = {"name": name, "reason": reason, "remedy": remedy, **settings}
    return Row(name=f"no credential: {name}", play=behaviours.lack_credential, options=options)


def _break(what: str, requirement: str) -> Row:
    return Row(
        name=f"a module that cannot be used: {what}", play=behaviours.break_module, options={"requirement": requirement}
    )


ROWS = [
    Row(name="module list", play=behaviours.list_modules),
    _set_up(
        "Enter through, key and address in the environment",
        "openai-v2",
        keys=True,
        answers={"Default Model": "1"},  # this menu takes no Enter
    ),
    _set_up(
        "with answers",
        "openai-v2",
        keys=False,
        answers={
            "API key": KEYS["openai-v2"],
            "Base URL": "{openai}",
            "Default Model": "gpt-6.1-sol",
            "Reasoning effort": "low",
        },
        base_url="{openai}",
        default_model="gpt-6.1-sol",
        reasoning_effort="low",
    ),
    _set_up(
        "Enter through after address and deployment, key in the environment",
        "azure-openai-v2",
        keys=True,
        answers={"Address": "{azure}", "Name of the deployment": MODEL},
        default_model=MODEL,
    ),
    _set_up(
        "with answers",
        "azure-openai-v2",
        keys=False,
        answers={
            "Address": "{azure}",
            "API key of": KEYS["azure-openai-v2"],
            "Name of the deployment": MODEL,
            "Reasoning effort": "high",
        },
        azure_endpoint="{azure}",
        default_model=MODEL,
        reasoning_effort="high",
    ),
    _set_up("Enter through, signed in", "chatgpt-oauth", keys=False, answers={"Default Model": "1"}),
    _set_up(
        "with answers",
        "chatgpt-oauth",
        keys=False,
        answers={"Default Model": "GPT-6.1 Terra", "Reasoning effort": "medium"},
        default_model="gpt-6.1-terra",
        reasoning_effort="medium",
    ),
    Row(name="provider list", play=behaviours.list_providers),
    Row(name="provider test", play=behaviours.test_providers),
    *(Row(name=f"provider models {name}", play=behaviours.list_models, options={"name": name}) for name in NAMES),
    *(
        Row(
            name=f"a turn with a tool: {name}, {loop}",
            play=behaviours.use_tools,
            options={"name": name, "loop": loop},
            needs=(f"amplifier-module-{loop}",),
        )
        for loop in _LOOPS
        for name in NAMES
    ),
    Row(name="the streaming UI", play=behaviours.show_stream, needs=("amplifier-module-hooks-streaming-ui",)),
    Row(name="a resumed session", play=behaviours.continue_session),
    Row(name="openai, azure, chatgpt, openai in one conversation", play=behaviours.switch_providers),
    _route("openai-v2", "openai-v2", "fast", "gpt-*-luna", "low"),
    _route("azure-openai-v2", "azure-openai-v2", "critique", "gpt-*-sol", "xhigh"),
    _route("chatgpt-oauth", "chatgpt-oauth", "writing", "gpt-*-terra", "medium"),
    _route("openai-family", "openai-v2", "reasoning", "gpt-*-astra", "high"),
    _route("openai", "openai-v2=openai", "fast", "gpt-?.?-luna*"),
    *(
        Row(
            name=f"run --bundle bundles/{file}",
            play=behaviours.use_bundle,
            options={"name": name, "file": file},
            needs=_BUNDLES,
        )
        for name, file in zip(NAMES, ("openai-coding.md", "azure-openai-coding.md", "chatgpt-coding.md"), strict=True)
    ),
    *(
        Row(name=f"a bundle with behaviors/{name}.yaml", play=behaviours.use_behavior, options={"name": name})
        for name in NAMES
    ),
    *(
        Row(
            name=f"Ctrl-C twice in the chat: {name}, {loop}",
            play=behaviours.cancel,
            options={"name": name, "loop": loop},
            needs=(f"amplifier-module-{loop}",),
        )
        for name, loop in (
            ("openai-v2", "loop-basic"),
            ("openai-v2", "loop-streaming"),
            ("chatgpt-oauth", "loop-streaming"),
        )
    ),
    Row(name="the first call offers the sign-in to ChatGPT: approved", play=behaviours.sign_in),
    Row(name="the first call offers the sign-in to ChatGPT: declined", play=behaviours.decline_sign_in),
    Row(name="no sign-in for who does not use ChatGPT", play=behaviours.see_no_sign_in),
    _lack("openai-v2", "provide an API key. You need", "or OPENAI_API_KEY in the environment"),
    _lack("azure-openai-v2", "no credential for Azure OpenAI", "AZURE_OPENAI_API_KEY", allowed_hosts="127.0.0.1"),
    # Somebody who has switched the offer of a sign-in off.
    _lack("chatgpt-oauth", "nobody is signed in to ChatGPT", "run COMMAND", login_on_use=False),
    Row(name="the first run, without settings", play=behaviours.start_unconfigured, needs=_BUNDLES),
    # These change the environment, and repair it.
    _break("openai is too old", "install openai==2.20"),
    _break("openai is missing", "uninstall openai"),
    Row(name="the commands of the pages", play=behaviours.take_commands_of_pages, needs=(*_MATRIX, *_BUNDLES)),
]
