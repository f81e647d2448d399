"""What this module's settings and variables mean, for the configuration page."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.setting import Setting

from . import settings
from .settings import DEFAULT_MODEL

SETTINGS: Mapping[str, Setting] = {
    "default_model": Setting(
        meaning="The deployment to use when a call does not name one, under the name that you gave it in Azure.",
        default=f"the first of `deployments`, else `{DEFAULT_MODEL}`",
    ),
    **settings.SETTINGS,
}

ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "AZURE_TOKEN_CREDENTIALS": "Limits the search of `auth: auto`, as in the Azure SDKs: `prod`, `dev`, or the name of "
    "one credential.",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "The address of the managed identity service, instead of the metadata "
    "address.",
    "IDENTITY_ENDPOINT": "Set by App Service, Functions, Container Apps and Arc: the address of their managed identity "
    "service.",
    "MSI_ENDPOINT": "Set by older platforms: the same as `IDENTITY_ENDPOINT`.",
}
