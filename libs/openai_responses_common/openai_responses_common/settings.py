"""Settings of a module: from its config, else from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{(\w+)\}")

# What a host's setup wizard passes where the user gave nothing.
_ABSENT = frozenset({"", "http://placeholder"})


def setting(config: Mapping[str, Any], key: str, *variables: str) -> str | None:
    """A text setting: the config's value, else the first environment variable that is set; `""` counts as absent.

    `${NAME}` in a config value is the variable's value, also under hosts that do not expand it themselves.
    """
    for value in (config.get(key), *(os.environ.get(name) for name in variables)):
        text = _REFERENCE.sub(lambda match: os.environ.get(match[1], ""), str(value or "")).strip()
        if text not in _ABSENT:
            return text
    return None
