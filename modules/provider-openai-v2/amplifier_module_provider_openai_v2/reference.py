"""What this module's settings and variables mean, for the configuration page."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.setting import Setting

from . import settings
from .settings import DEFAULT_MODEL

SETTINGS: Mapping[str, Setting] = {
    "default_model": Setting(
        meaning="The model to use when a call does not name one.",
        default=f"`{DEFAULT_MODEL}`; at another server the only model that it lists",
    ),
    **settings.SETTINGS,
}

ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "OPENAI_CUSTOM_HEADERS": "Additional headers, for a gateway: one `Name: value` per line.",
}
