"""The questions of a setup wizard: the address, the credential and the name of the deployment.

An answer that is left empty changes nothing, so no question has a default and none is a choice: hosts save both. The
wizard asks about the two kinds of credential that people type. Every other kind is a value of `auth`.
"""

from __future__ import annotations

from functools import partial

from amplifier_core.models import ConfigField
from openai_responses_common.provider.backend import EFFORT_FIELD

from .endpoint import ENDPOINT_EXAMPLE

_APPLICATION = {"auth": "entra_client_secret"}

_optional_question = partial(ConfigField, required=False)


def build_questions(*, is_address_set: bool) -> list[ConfigField]:
    """Build the questions.

    Args:
        is_address_set: whether the settings or the environment have the address of the resource.
    """
    alternative = "; leave it empty for AZURE_OPENAI_ENDPOINT" if is_address_set else ""
    address = ConfigField(
        id="azure_endpoint",
        display_name="Endpoint",
        prompt=f"Address of the resource (like {ENDPOINT_EXAMPLE}{alternative})",
        required=not is_address_set,
    )
    return [address, *_FURTHER_QUESTIONS, EFFORT_FIELD]


_FURTHER_QUESTIONS = [
    _optional_question(
        id="auth",
        display_name="Authentication",
        prompt="Leave it empty for an API key, for `az login` or for the identity of this machine; "
        "enter entra_client_secret for a service principal",
    ),
    _optional_question(
        id="api_key",
        display_name="API key",
        field_type="secret",
        prompt="API key of the resource (leave it empty to sign in without a key)",
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
]
