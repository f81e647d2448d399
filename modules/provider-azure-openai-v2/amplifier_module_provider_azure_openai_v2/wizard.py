"""The questions of a setup wizard: the address, the credential and the name of the deployment.

The wizard offers the three kinds of credential that people have at hand. Every other kind is a value of `auth`.
"""

from __future__ import annotations

from functools import partial

from amplifier_core.models import ConfigField
from openai_responses_common.provider.backend import EFFORT_FIELD

from .endpoint import ENDPOINT_EXAMPLE

_APPLICATION = {"auth": "entra_client_secret"}

_optional_question = partial(ConfigField, required=False)

WIZARD_QUESTIONS = [
    ConfigField(
        id="azure_endpoint", display_name="Endpoint", prompt=f"Address of the resource (like {ENDPOINT_EXAMPLE})"
    ),
    _optional_question(
        id="auth",
        display_name="Authentication",
        field_type="choice",
        prompt="How to sign in (auto: an API key or, without one, `az login` or the identity of this machine; "
        "entra_client_secret: a service principal)",
        choices=["auto", "api_key", "entra_client_secret"],
        default="auto",
    ),
    _optional_question(
        id="api_key",
        display_name="API key",
        field_type="secret",
        prompt="API key of the resource (with auto, leave it empty to sign in without a key)",
        env_var="AZURE_OPENAI_API_KEY",
        show_when={"auth": "not_startswith:entra"},
    ),
    _optional_question(
        id="tenant_id", display_name="Tenant", prompt="Id or domain of the Entra tenant", show_when=_APPLICATION
    ),
    _optional_question(
        id="client_id", display_name="Application", prompt="Client id of the Entra application", show_when=_APPLICATION
    ),
    _optional_question(
        id="client_secret",
        display_name="Client secret",
        field_type="secret",
        prompt="Client secret of the application",
        env_var="AZURE_CLIENT_SECRET",
        show_when=_APPLICATION,
    ),
    _optional_question(
        id="deployment_name", display_name="Deployment", prompt="Name of the deployment, as it is called in Azure"
    ),
    EFFORT_FIELD,
]
