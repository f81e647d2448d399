"""What this module's own settings mean, for the configuration reference."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.reference import Setting

from .settings import ALIASES, DEFAULT_MODEL, DEFAULT_TOKEN_FILE, VARIABLES_BY_SETTING

_MEANINGS: Mapping[str, str] = {
    "azure_endpoint": "where the resource is: any form of its address",
    "default_model": "the deployment of calls that name none, by the name that you gave it",
    "deployment_name": "the same as `default_model`, which wins",
    "default_deployment": "the same",
    "deployments": "your deployments and the model behind each, as `name: model`",
    "deployment_type": "which price list: `global`, `us`, `eu`; with `provisioned` (`PTU`) costs are unknown, as "
    "they are paid by the hour",
    "resource_id": "`/subscriptions/…/accounts/NAME`: lists the real deployments, with an Entra identity",
    "api_version": "leave it out for the v1 route; `preview`, `latest` or a preview from 2025-03-01 on also work",
    "image_generation_deployment": "the deployment that makes the pictures of the hosted tool `image_generation`",
    "auth": "which credential: `auto`, `api_key`, `entra_token`, `entra_client_secret`, `entra_client_certificate`, "
    "`entra_workload_identity`, `entra_managed_identity`, `entra_azure_cli`, `entra_browser`, `entra_device_code`, "
    "`azure_identity`",
    "api_key": "a key of the resource",
    "azure_ad_token": "a token that something else renews",
    "tenant_id": "the Entra tenant, an id or a domain",
    "client_id": "the Entra application",
    "client_secret": "its secret",
    "client_certificate_path": "its certificate with the key, PEM or PFX",
    "client_certificate_password": "the password of that file",
    "send_certificate_chain": "sends the certificate's chain, which applications that trust by issuer need",
    "federated_token_file": "a workload's assertion",
    "use_managed_identity": "`true` takes the machine's identity; `false` keeps ids of one from choosing it",
    "managed_identity_client_id": "a user-assigned identity; `null` is the machine's own, whatever a variable says",
    "managed_identity_object_id": "the same, by its object id",
    "managed_identity_resource_id": "the same, by its resource id",
    "use_default_credential": "`true` looks for an identity although the environment has a key",
    "credential": "in Python: an object with `get_token`",
    "credentials": "a place for any of these that Amplifier hides whole in its files",
    "authority_host": "where Entra is",
    "cloud": "`public`, `usgov` or `china`",
    "scope": "whom tokens are for",
    "allowed_hosts": "hosts outside Azure that may get Entra tokens",
    "token_timeout": "the longest wait for a token, in seconds",
    "token_store": "where a `login` is kept: `auto` (the system's keyring, else a file that only you can read), "
    "`keyring`, `file`, `memory`",
    "token_file_path": "where that file is",
    "account": "a label, for those who have several sign-ins",
}

_DEFAULTS: Mapping[str, str] = {
    "default_model": f"the first of `deployments`, else `{DEFAULT_MODEL}`",
    "deployment_type": "global",
    "auth": "auto",
    "authority_host": "that of the cloud",
    "cloud": "that of the address",
    "scope": "that of the address",
    "token_timeout": "30",
    "token_store": "auto",
    "token_file_path": f"`{DEFAULT_TOKEN_FILE}`",
    "account": "default",
}

# Read apart from the others: one that has no Responses API is passed over there, and refused in the config.
_API_VERSION_VARIABLES = ("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")

SETTINGS: Mapping[str, Setting] = {
    **{
        key: Setting(
            meaning=meaning,
            default=_DEFAULTS.get(key, ""),
            variables=_API_VERSION_VARIABLES if key == "api_version" else VARIABLES_BY_SETTING.get(key, ()),
        )
        for key, meaning in _MEANINGS.items()
    },
    **{
        alias: Setting(meaning=f"the same as `{key}`, whose name wins")
        for key, aliases in ALIASES.items()
        for alias in aliases
    },
}

ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "AZURE_TOKEN_CREDENTIALS": "narrows the search of `auth: auto`, as in the Azure SDKs: `prod`, `dev`, or the name "
    "of one credential",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "where a machine's identity is asked for, instead of the metadata address",
    "IDENTITY_ENDPOINT": "set by App Service, Functions, Container Apps, Arc, Service Fabric: their managed identity",
    "IDENTITY_SERVER_THUMBPRINT": "set by Service Fabric: the certificate of that endpoint",
    "MSI_ENDPOINT": "set by older platforms: the same as `IDENTITY_ENDPOINT`",
}
