"""Writes the configuration reference from the tables in the code: `python -m docs.configuration`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from amplifier_module_provider_chatgpt_oauth.quirks import REFUSED_FIELDS
from openai_responses_common.options.options import SHARED_SETTINGS as SETTING_ROWS
from openai_responses_common.options.options import Options
from openai_responses_common.options.reference import (
    CALL_SETTINGS,
    ENVIRONMENT_VARIABLES,
    MODEL_INFO_MEANINGS,
    PRICE_MEANINGS,
    SHARED_SETTINGS,
    Setting,
)

PAGE = Path(__file__).with_suffix(".md")
MODULES = ("provider-openai-v2", "provider-azure-openai-v2", "provider-chatgpt-oauth")

_HEAD = """\
<!-- Written by `nox -s docs` from the tables in the code; change those. -->
# Configuration

Settings stand in Amplifier's settings file, below the provider; `create_provider` of the
[library](library.md) takes the same ones as keyword arguments.

```yaml
# ~/.amplifier/settings.yaml
config:
  providers:
    - module: provider-openai-v2
      config:
        api_key: ${OPENAI_API_KEY}
        default_model: gpt-5.6-sol
        reasoning_effort: medium
```

Every value may be a string, as setup wizards write them (`"false"`, `"30"`); an empty one counts as not set. A setting
wins over the environment variable that says the same. A value that cannot be read is an error of the first call, which
names the setting; an unknown setting is a warning with the nearest known name.

What a call says wins over all of this: keyword arguments of `complete()`, then the fields of the request, then the
settings, then the model's own default. What a model or a service does not take is left out, told once in the log, and
named in the `dropped` list of [`llm:request`](events.md#llmrequest).
"""

_MODEL_INFO = """\
A new model works on its first day, and a model of your own server is known by its true limits:

```yaml
config:
  providers:
    - module: provider-openai-v2
      config:
        default_model: gpt-7
        model_info:
          gpt-7:
            context_window: 1500000
            max_output_tokens: 200000
            efforts: low, medium, high
            prices: {input: 3, cache_read: 0.3, output: 15}
```
"""


def package(module: str) -> str:
    """The import name of a module."""
    return f"amplifier_module_{module.replace('-', '_')}"


def reference(module: str) -> Any:
    """What a module says of its own settings."""
    return importlib.import_module(f"{package(module)}.reference")


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Settings of every module\n", _table(_shared_rows(), "setting", "default", "meaning")]
    for module in MODULES:
        told = f"Of its own, beside those above. Its page is [{module}](../modules/{module}/README.md).\n"
        parts += [f"## {module}\n", told, _module_table(module)]
    parts.append(f"Its service takes none of {', '.join(f'`{key}`' for key in REFUSED_FIELDS)}.\n")
    calls = [(f"`{key}`", row.meaning) for key, row in CALL_SETTINGS.items()]
    parts += [
        "## One call\n",
        "`complete(request, **options)` and `deltas(request, **options)` take the settings of every module, and:\n",
        _table(calls, "option", "meaning"),
        "## model_info\n",
        _MODEL_INFO,
        _table(_named(MODEL_INFO_MEANINGS), "key", "meaning"),
        "Of `prices`, in US dollars per million tokens:\n",
        _table(_named(PRICE_MEANINGS), "key", "meaning"),
        "## Further environment variables\n",
        _table(_named(_environment()), "variable", "meaning"),
    ]
    return "\n".join(parts)


def _shared_rows() -> list[tuple[str, ...]]:
    return [(f"`{key}`", _default(key, row), row.meaning) for key, row in SHARED_SETTINGS.items()]


def _default(key: str, row: Setting) -> str:
    """In words, else the value that the options hold where nobody sets one."""
    value = getattr(Options(), SETTING_ROWS[key][0])
    if row.default or row.meaning.startswith("the same as") or value in (None, (), {}):
        return row.default
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _module_table(module: str) -> str:
    rows = [
        (f"`{key}`", ", ".join(f"`{name}`" for name in row.variables), row.default, row.meaning)
        for key, row in reference(module).SETTINGS.items()
    ]
    return _table(rows, "setting", "environment", "default", "meaning")


def _environment() -> dict[str, str]:
    found: dict[str, str] = {}
    for module in MODULES:
        found |= reference(module).ENVIRONMENT_VARIABLES
    return found | dict(ENVIRONMENT_VARIABLES)


def _named(rows: Mapping[str, str]) -> list[tuple[str, ...]]:
    return [(f"`{key}`", meaning) for key, meaning in rows.items()]


def _table(rows: Iterable[tuple[str, ...]], *head: str) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name} is written")
