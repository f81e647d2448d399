"""The settings of this module: one row each, and their values from the config or the environment.

An empty value counts as not set. A value in the config wins over the environment. `Settings` remembers which of the two
supplied a value, because the choice of a credential depends on it. This file knows no endpoint, credential or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import sendable, setting, word_list
from openai_responses_common.cli.command_line import command_line
from openai_responses_common.options.readers import flag, seconds
from openai_responses_common.options.readers import text as plain_text
from openai_responses_common.options.setting import Setting
from openai_responses_common.provider.environment import exact_setting

DEFAULT_MODEL = "gpt-5.6-sol"
DEFAULT_TOKEN_FILE = "~/.amplifier/credentials/azure-openai-sign-in.json"
OLD_TOKEN_FILE = "~/.amplifier/azure-openai-sign-in.json"  # of version 0.1.0
DEFAULT_TOKEN_TIMEOUT_S = 30.0

SCRIPT = "amplifier-azure-openai-v2"
LOGIN_HINT = f"run `{command_line(__name__, SCRIPT, 'login')}`"


def _row(
    meaning: str,
    *variables: str,
    default: str = "",
    aliases: tuple[str, ...] = (),
    read: Callable[[object], Any] = plain_text,
    is_text: bool = True,
    is_exact: bool = False,
    selects_identity: bool = False,
) -> Any:
    """Declare one setting as a field of `Settings`.

    Args:
        meaning: what the setting does, for the configuration page.
        variables: the environment variables that supply the same value, in order.
        default: what holds if the setting is not set, in words.
        aliases: other config keys for the same setting, in order.
        read: the reader of its values, which runs when the value is needed; plain text by default.
        is_text: False for a value that is passed on as it stands in the config.
        is_exact: True for a text whose blanks and `${…}` belong to it.
        selects_identity: True if two values of the setting mean two identities.
    """
    row = Setting(meaning=meaning, read=read, default=default, variables=variables)
    return field(
        default=None,
        metadata={
            "row": row,
            "aliases": aliases,
            "is_text": is_text,
            "setting": exact_setting if is_exact else setting,
            "selects_identity": selects_identity,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """The values of one provider's settings; each field is a row of the configuration page.

    The names and variables are those of the Azure SDKs (azure-identity 1.27, openai 3.52) and of Microsoft's Amplifier
    module, seen 2026-11-21.

    Attributes:
        texts: every text setting that has a value, by key.
        config_texts: those of them that the config supplied.
        null_keys: keys that the config sets to null, so that the environment does not count.
        is_read_only: whether the tokens of a sign-in stay as they are in their store; False by default.
    """

    azure_endpoint: str | None = _row(
        "The address of the resource, in any of its forms.",
        *("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"),
        aliases=("endpoint", "base_url"),
    )
    deployment_name: str | None = _row("The same as `default_model`, which wins.")
    default_deployment: str | None = _row("The same as `deployment_name`, which wins.")
    deployments: object = _row("Your deployments, each with the model that it serves, as `name: model`.", is_text=False)
    deployment_type: str | None = _row(
        "The price list of the deployments: `global`, `us`, `eu` or `apac`. With `provisioned` (or `ptu`) costs are "
        "unknown, because such a deployment is paid by the hour.",
        default="global",
    )
    resource_id: str | None = _row(
        "The resource id, `/subscriptions/…/accounts/NAME`. With it and an Entra identity, the model list shows the "
        "deployments of the resource."
    )
    # In the environment, a version without the Responses API is skipped; in the config it is an error.
    api_version: str | None = _row(
        "The version of the API. Leave it out for the v1 route. `preview`, `latest` and previews from 2025-03-01 on "
        "also work.",
        *("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION"),
    )
    image_generation_deployment: str | None = _row(
        "The deployment that makes the images of the hosted tool `image_generation`."
    )
    auth: str | None = _row(
        "The kind of credential: `auto`, `api_key`, `entra_token`, `entra_client_secret`, `entra_client_certificate`, "
        "`entra_workload_identity`, `entra_managed_identity`, `entra_azure_cli`, `entra_browser`, `entra_device_code` "
        "or `azure_identity`.",
        default="auto",
    )
    api_key: str | None = _row("An API key of the resource.", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY")
    azure_ad_token: str | None = _row(
        "An Entra token that another program refreshes.", "AZURE_OPENAI_AD_TOKEN", selects_identity=True
    )
    tenant_id: str | None = _row("The Entra tenant, as an id or a domain.", "AZURE_TENANT_ID", selects_identity=True)
    client_id: str | None = _row("The client id of the Entra application.", "AZURE_CLIENT_ID", selects_identity=True)
    client_secret: str | None = _row(
        "The client secret of the application.", "AZURE_CLIENT_SECRET", selects_identity=True
    )
    client_certificate_path: str | None = _row(
        "The absolute path of the application's certificate with its key (PEM or PFX).",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        selects_identity=True,
    )
    client_certificate_password: str | None = _row(
        "The password of the certificate file. Blanks at its ends and `${…}` within it belong to it.",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        is_exact=True,
        selects_identity=True,
    )
    send_certificate_chain: str | None = _row(
        "`true` sends the certificate chain. Applications that trust a certificate by its issuer need that.",
        "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        default="false",
        read=flag,
        selects_identity=True,
    )
    federated_token_file: str | None = _row(
        "Path of the file with the workload identity's federated token.",
        "AZURE_FEDERATED_TOKEN_FILE",
        selects_identity=True,
    )
    use_managed_identity: str | None = _row(
        "`true` uses the managed identity of this machine. `false` stops `managed_identity_…_id` from selecting it.",
        "AZURE_USE_MANAGED_IDENTITY",
        read=flag,
        selects_identity=True,
    )
    managed_identity_client_id: str | None = _row(
        "The client id of a user-assigned managed identity. `null` means the system-assigned one, even if a variable "
        "is set.",
        *("AZURE_MANAGED_IDENTITY_CLIENT_ID", "AZURE_CLIENT_ID"),
        selects_identity=True,
    )
    managed_identity_object_id: str | None = _row(
        "The object id of a user-assigned managed identity.", selects_identity=True
    )
    managed_identity_resource_id: str | None = _row(
        "The resource id of a user-assigned managed identity.", selects_identity=True
    )
    use_default_credential: str | None = _row(
        "`true` searches for an identity even if the environment has an API key.",
        "AZURE_USE_DEFAULT_CREDENTIAL",
        default="false",
        read=flag,
        selects_identity=True,
    )
    credential: object = _row("In Python: an object with the method `get_token`.", is_text=False)
    authority_host: str | None = _row(
        "The host of Microsoft Entra.",
        "AZURE_AUTHORITY_HOST",
        default="the host of the cloud",
        selects_identity=True,
    )
    cloud: str | None = _row("`public`, `usgov` or `china`.", default="the cloud of the address")
    scope: str | None = _row("The OAuth scope to request tokens for.", default="the scope of the address")
    allowed_hosts: object = _row("Hosts outside Azure to which Entra tokens may be sent.", is_text=False)
    token_timeout: str | None = _row(
        "The longest time, in seconds, to wait for a token.",
        default=f"{DEFAULT_TOKEN_TIMEOUT_S:g}",
        read=seconds,
        selects_identity=True,
    )
    token_store: str | None = _row(
        "Where `login` saves its tokens: `keyring`, `file`, `memory`, or `auto`. `auto` uses the system's keyring or, "
        "without a keyring, a file that only you can read.",
        default="auto",
        selects_identity=True,
    )
    token_file_path: str | None = _row(
        "The path of that file.", default=f"`{DEFAULT_TOKEN_FILE}`", selects_identity=True
    )
    account: str | None = _row(
        "A label that you choose, for several sign-ins on one machine.", default="default", selects_identity=True
    )
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    config_texts: Mapping[str, str] = field(default_factory=dict[str, str])
    null_keys: frozenset[str] = frozenset()
    is_read_only: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read every setting once; never raises.

        Args:
            config: the config from the host. Keys below `credentials` count as if they stood beside it.
        """
        nested = config.get("credentials")
        if isinstance(nested, Mapping):
            config = {**config, **cast("Mapping[str, Any]", nested)}
        texts: dict[str, str] = {}
        config_texts: dict[str, str] = {}
        objects: dict[str, Any] = {}
        for key, metadata in _METADATA_BY_KEY.items():
            if not metadata["is_text"]:
                objects[key] = config.get(key)
                continue
            names, read = (key, *metadata["aliases"]), metadata["setting"]
            if text := next((text for name in names if (text := read(config, name))), None):
                texts[key] = config_texts[key] = text
            elif text := read({}, key, *_list_variables(key)):
                texts[key] = text
        null_keys = frozenset(key for key, value in config.items() if value is None)
        values = cast("dict[str, Any]", {**texts, **objects})
        return cls(**values, texts=texts, config_texts=config_texts, null_keys=null_keys)

    def __repr__(self) -> str:
        return "Settings()"

    def require(self, key: str) -> str:
        """The text of a setting.

        Raises:
            ConfigurationError: it is not set.
        """
        if key not in self.texts:
            raise ConfigurationError(f"{describe_setting(key)} is not set")
        return self.texts[key]

    def require_secret(self, key: str) -> str:
        """The text of a setting that is sent in a header.

        Raises:
            ConfigurationError: it is not set, or a header cannot carry it.
        """
        return sendable(describe_setting(key), self.require(key))

    def read_flag(self, key: str) -> bool:
        """Whether a setting is switched on; False if it is not set.

        Raises:
            ConfigurationError: it is neither true nor false.
        """
        return key in self.texts and SETTINGS[key].parse(key, self.texts[key])

    def read_token_timeout_s(self) -> float:
        """The longest time to wait for a token, in seconds.

        Raises:
            ConfigurationError: it is not a number above 0.
        """
        if self.token_timeout is None:
            return DEFAULT_TOKEN_TIMEOUT_S
        return SETTINGS["token_timeout"].parse("token_timeout", self.token_timeout)

    def read_allowed_hosts(self) -> tuple[str, ...]:
        """The hosts outside Azure to which Entra tokens may be sent.

        Raises:
            ConfigurationError: it is not a list of names.
        """
        return word_list({"allowed_hosts": self.allowed_hosts}, "allowed_hosts")


_METADATA_BY_KEY: Mapping[str, Mapping[str, Any]] = {
    each.name: each.metadata for each in fields(Settings) if "row" in each.metadata
}

SETTINGS: Mapping[str, Setting] = {
    **{key: metadata["row"] for key, metadata in _METADATA_BY_KEY.items()},
    "credentials": Setting(
        meaning="A mapping that may hold any of these settings. Amplifier hides all of it in its files."
    ),
    **{
        alias: Setting(meaning=f"The same as `{key}`, which wins.")
        for key, metadata in _METADATA_BY_KEY.items()
        for alias in metadata["aliases"]
    },
}
"""The config keys of this module, beside those of every provider."""

IDENTITY_KEYS = tuple(key for key, metadata in _METADATA_BY_KEY.items() if metadata["selects_identity"])
"""The settings that an identity depends on."""


def _list_variables(key: str) -> tuple[str, ...]:
    """The environment variables that supply a setting without a condition."""
    return () if key == "api_version" else SETTINGS[key].variables


def describe_setting(key: str) -> str:
    """The names under which a setting can be set, for messages: "tenant_id (AZURE_TENANT_ID)"."""
    variables = ", ".join(SETTINGS[key].variables)
    return f"{key} ({variables})" if variables else key
