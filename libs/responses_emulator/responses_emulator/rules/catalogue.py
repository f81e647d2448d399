"""All rules by section, and their names. The name of a rule is that of its constant, as `missing-parameter`.

The name of the file stands before it, except for the rules of the API.
"""

from __future__ import annotations

from types import ModuleType

from responses_emulator.rules import (
    azure,
    background,
    chatgpt,
    chatgpt_plan,
    chatgpt_plan_sign_in,
    conversations,
    entra,
    http,
    machines,
    requests,
    resource_manager,
    schemas,
    servers,
    sign_in,
    websocket,
)
from responses_emulator.rules.rule import Rule

_MODULES: dict[str, ModuleType] = {
    "Keys, paths and limits": http,
    "Requests": requests,
    "Schemas of functions and formats": schemas,
    "Conversations": conversations,
    "Stored and background responses": background,
    "WebSockets": websocket,
    "ChatGPT": chatgpt,
    "The sign-in of ChatGPT": sign_in,
    "ChatGPT plans in other programs": chatgpt_plan,
    "Sign in with ChatGPT": chatgpt_plan_sign_in,
    "Azure OpenAI": azure,
    "Microsoft Entra": entra,
    "Managed identities": machines,
    "Azure Resource Manager": resource_manager,
    "Other servers": servers,
}


def _rules_of(module: ModuleType) -> dict[str, Rule]:
    prefix = "" if module in (http, requests, conversations) else f"{module.__name__.rpartition('.')[2]}-"
    return {
        (prefix + name).lower().replace("_", "-"): value
        for name, value in vars(module).items()
        if isinstance(value, Rule)
    }


SECTIONS: dict[str, dict[str, Rule]] = {title: _rules_of(module) for title, module in _MODULES.items()}
RULES: dict[str, Rule] = {name: rule for section in SECTIONS.values() for name, rule in section.items()}
_NAMES = {id(rule): name for name, rule in RULES.items()}


def rule_name(rule: Rule) -> str:
    """Return the name of a rule."""
    return _NAMES[id(rule)]
