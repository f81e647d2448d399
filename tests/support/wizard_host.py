"""The setup wizard of Amplifier's CLI, as far as a provider notices it, and the person who answers.

Source: amplifier-app-cli as of August 2026 ("older") and of November 2026 ("newer"), described in our own words. Where
the two differ: the older one tries shapes of the constructor with an empty config, never signs anybody in, and saves
the first choice of a question that is left alone; the newer one passes what was answered so far, offers the sign-in of
a provider that says it has one, and saves nothing of an optional choice without a default.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

GENERATIONS = ("older", "newer")
_PATTERNS = ("not_contains", "contains", "not_startswith", "startswith")

PLACEHOLDER = "http://placeholder"


def probed(provider_class: Any, url: str, key: str) -> Any:
    """A provider as the CLI makes one to list models: the constructor shapes that it tries, in its order."""
    shapes: list[dict[str, Any]] = [
        {"api_key": key, "config": {}},
        {"base_url": url, "api_key": key, "config": {}},
        {"base_url": url, "config": {}},
        {"host": url, "config": {}},
        {"config": {}},
        {},
    ]
    for shape in shapes:
        try:
            return provider_class(**shape)
        except (TypeError, ValueError, RuntimeError):
            continue
    raise AssertionError("no shape fits")


@dataclass(slots=True, kw_only=True)
class Wizard:
    """One run of it.

    Attributes:
        provider_class: what it looked up.
        generation: which CLI.
        answers: what the person types, by question; Enter where there is nothing.
        model: what she picks from the menu, or types where there is none; empty for the first model of the menu.
        keep: puts a secret into keys.env, and with it into the environment.
        signs_in: her answer to the offer of a sign-in.
        existing: the config of an instance that is set up again; empty for a new one.
        variables: the variable of this instance in place of one that a question names, if another instance has that.
        asked: the questions that she was asked, in order.
        menu: the models that she could pick from.
        told: what she had to read.
    """

    provider_class: Any
    generation: str
    answers: Mapping[str, str]
    model: str
    keep: Callable[[str, str], None]
    signs_in: bool = True
    existing: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    asked: list[str] = field(default_factory=list[str])
    menu: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])

    def run(self) -> dict[str, str]:
        """Ask everything, and give what is saved in the settings file."""
        info = self.made({}).get_info().model_dump()
        fields: list[dict[str, Any]] = info["config_fields"]
        saved: dict[str, str] = {}
        self._phase([each for each in fields if not each["requires_model"]], saved)
        if "deployment_name" in saved:
            saved["default_model"] = saved["deployment_name"]
        else:
            self.menu = self._models(info["capabilities"], saved)
            self.asked.append("default_model")
            if model := self.model or self.existing.get("default_model") or next(iter(self.menu), ""):
                saved["default_model"] = model
        self._phase([each for each in fields if each["requires_model"]], saved)
        return saved

    def made(self, collected: Mapping[str, str]) -> Any:
        """A provider, made in the way of this generation."""
        values = {key: expanded(value) for key, value in collected.items()}
        key = values.get("api_key") or ""
        url = values.get("base_url") or values.get("azure_endpoint") or PLACEHOLDER
        if self.generation == "newer":
            known = {"api_key": key, "base_url": url, "host": "http://localhost:11434"}
            parameters = inspect.signature(self.provider_class).parameters
            return self.provider_class(
                config=values, **{name: value for name, value in known.items() if name in parameters}
            )
        return probed(self.provider_class, url, key)

    def _phase(self, fields: list[dict[str, Any]], saved: dict[str, str]) -> None:
        for each in fields:
            if not shown(each, saved):
                continue
            self.asked.append(each["id"])
            if (value := self._answer(each)) is not None:
                saved[each["id"]] = value

    def _answer(self, each: dict[str, Any]) -> str | None:
        variable = self.variables.get(each["env_var"], each["env_var"])
        typed = self.answers.get(each["id"], "")
        earlier = expanded(self.existing.get(each["id"], ""))
        match each["field_type"]:
            case "choice":
                preset = earlier or each["default"]
                if preset is None and not each["required"] and self.generation == "newer" and not typed:
                    return None
                first = preset if preset in each["choices"] else each["choices"][0]
                assert not typed or typed in each["choices"], f"{typed} is not offered"
                return typed or first
            case "boolean":
                return typed or earlier or str(each["default"] or "false")
            case "secret":
                value = typed or os.environ.get(variable or "", "")
            case _:
                value = typed or (os.environ.get(variable) if variable else "") or earlier or each["default"] or ""
        if each["required"] and not value:
            raise ValueError(f"{each['display_name']} is required")
        if value and variable:
            self.keep(variable, value)
            return f"${{{variable}}}"
        return value or None

    def _models(self, capabilities: list[str], saved: Mapping[str, str]) -> list[str]:
        provider = self.made(saved)
        if self.generation == "newer" and any(each.startswith("auth:") for each in capabilities):
            try:
                status = provider.auth_status()
            except Exception as error:  # noqa: BLE001 - the CLI goes on as if somebody were signed in
                self.told.append(str(error))
                status = "authenticated"
            assert status in {"authenticated", "expired", "unauthenticated"}
            if status != "authenticated" and self.signs_in:
                assert isinstance(provider.login(print_fn=self.told.append), bool)

        async def listed() -> list[Any]:
            try:
                return await provider.list_models()
            finally:
                await provider.close()

        try:
            models = asyncio.run(listed())
        except Exception as error:  # noqa: BLE001 - the CLI prints whatever comes, and asks for the name of a model
            self.told.append(str(error))
            return []
        assert all(each.display_name for each in models)
        return [each.id for each in models]


def shown(each: Mapping[str, Any], saved: Mapping[str, str]) -> bool:
    """Whether a question is asked: all of its conditions hold, in lower case."""
    for key, wanted in (each["show_when"] or {}).items():
        actual, kind, text = str(saved.get(key, "")).lower(), "", str(wanted).lower()
        for pattern in _PATTERNS:
            if text.startswith(f"{pattern}:"):
                kind, text = pattern, text.removeprefix(f"{pattern}:")
                break
        holds = {
            "contains": text in actual,
            "not_contains": text not in actual,
            "startswith": actual.startswith(text),
            "not_startswith": not actual.startswith(text),
        }.get(kind, actual == text)
        if not holds:
            return False
    return True


def expanded(value: str) -> str:
    """A saved value as a session gets it."""
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], ""), value)
