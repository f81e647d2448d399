"""The questions of a setup wizard: the address, the credential and the name of the deployment."""

from __future__ import annotations

from functools import partial

from amplifier_core.models import ConfigField
from openai_responses_common.provider.backend import EFFORT_FIELD

from .auth.choose import AUTH_MODE_NAMES
from .endpoint import ENDPOINT_EXAMPLE

# The modes that need an application. A condition of the wizard knows no "or", so a question that belongs to several
# modes is listed once for each; the wizard asks at most one of them.
_APPLICATION_MODES = ("startswith:entra_client", "entra_browser", "entra_device_code")

_optional_question = partial(ConfigField, required=False)
_secret_question = partial(_optional_question, field_type="secret")
_choice_question = partial(_optional_question, field_type="choice")

WIZARD_QUESTIONS = [
    ConfigField(
        id="azure_endpoint", display_name="Endpoint", prompt=f"Address of the resource (like {ENDPOINT_EXAMPLE})"
    ),
    _choice_question(
        id="auth",
        display_name="Authentication",
        prompt="How to sign in (auto: the API key if there is one, else an identity that this machine offers)",
        choices=[mode for mode in AUTH_MODE_NAMES if mode != "azure_identity"],
        default="auto",
    ),
    _secret_question(
        id="api_key",
        display_name="API key",
        prompt="API key of the resource",
        env_var="AZURE_OPENAI_API_KEY",
        show_when={"auth": "api_key"},
    ),
    *(
        _optional_question(id=key, display_name=name, prompt=prompt, show_when={"auth": mode})
        for key, name, prompt in (
            ("tenant_id", "Tenant", "Id or domain of the Entra tenant"),
            ("client_id", "Application", "Client id of the Entra application"),
        )
        for mode in _APPLICATION_MODES
    ),
    _secret_question(
        id="client_secret",
        display_name="Client secret",
        prompt="Client secret of the application",
        env_var="AZURE_CLIENT_SECRET",
        show_when={"auth": "entra_client_secret"},
    ),
    _optional_question(
        id="client_certificate_path",
        display_name="Certificate",
        prompt="Absolute path of the certificate with its key (PEM or PFX)",
        show_when={"auth": "entra_client_certificate"},
    ),
    _optional_question(
        id="managed_identity_client_id",
        display_name="Managed identity",
        prompt="Client id of a user-assigned identity (leave it empty to use AZURE_CLIENT_ID or, if that is not set, "
        "the system-assigned identity)",
        show_when={"auth": "entra_managed_identity"},
    ),
    _optional_question(
        id="deployment_name", display_name="Deployment", prompt="Name of the deployment, as it is called in Azure"
    ),
    EFFORT_FIELD,
]
