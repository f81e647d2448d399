"""What this module's settings mean, for the configuration page."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.setting import Setting

from . import settings
from .settings import DEFAULT_MODEL

SETTINGS: Mapping[str, Setting] = {
    "default_model": Setting(
        meaning="A model of your plan. The ending `-fast` requests the fast tier.",
        default=f"the first model that the service lists; `{DEFAULT_MODEL}` until the list is fetched",
    ),
    **settings.SETTINGS,
}

ENVIRONMENT_VARIABLES: Mapping[str, str] = {}
