"""What the user set, in the config or in the environment, under the names that Azure's own tools use.

An empty value counts as none. A value of the config wins over the environment; which of the two it was matters where a
credential is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import (
    sendable,
    setting,
    word_list,
)

# Sources: the Azure SDKs' environment variables (azure-identity 1.27, openai 3.52) and Microsoft's Amplifier module,
# seen 2026-11-21.
VARIABLES_BY_SETTING: Mapping[str, tuple[str, ...]] = {
    "azure_endpoint": ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"),
    "api_key": ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY"),
    "azure_ad_token": ("AZURE_OPENAI_AD_TOKEN",),
    "tenant_id": ("AZURE_TENANT_ID",),
    "client_id": ("AZURE_CLIENT_ID",),
    "client_secret": ("AZURE_CLIENT_SECRET",),
    "client_certificate_path": ("AZURE_CLIENT_CERTIFICATE_PATH",),
    "client_certificate_password": ("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
    "send_certificate_chain": ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
    "authority_host": ("AZURE_AUTHORITY_HOST",),
    "use_managed_identity": ("AZURE_USE_MANAGED_IDENTITY",),
    "use_default_credential": ("AZURE_USE_DEFAULT_CREDENTIAL",),
    "managed_identity_client_id": ("AZURE_MANAGED_IDENTITY_CLIENT_ID", "AZURE_CLIENT_ID"),
}

ALIASES: Mapping[str, tuple[str, ...]] = {"azure_endpoint": ("endpoint", "base_url")}

SETTING_KEYS = (
    *VARIABLES_BY_SETTING,
    *(alias for aliases in ALIASES.values() for alias in aliases),
    *("api_version", "auth", "credentials", "credential", "cloud", "scope", "allowed_hosts", "token_timeout"),
    *("managed_identity_object_id", "managed_identity_resource_id", "token_store", "token_file_path", "account"),
    *("deployment_name", "default_deployment", "deployments", "deployment_type", "resource_id"),
    "image_generation_deployment",
)
"""The config keys of this module, beside those of every provider."""

_FLAG_VALUES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Settings:
    """Reads one provider's settings.

    Args:
        config: as the host gave it; what stands below `credentials`, which hosts redact whole, counts as its own.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        nested = config.get("credentials")
        below: Mapping[str, Any] = cast("Mapping[str, Any]", nested) if isinstance(nested, Mapping) else {}
        self._config: Mapping[str, Any] = {**config, **below}

    def __repr__(self) -> str:
        return "Settings()"

    def config_text(self, key: str) -> str | None:
        """The text that the config itself gives."""
        found = (setting(self._config, name) for name in (key, *ALIASES.get(key, ())))
        return next((text for text in found if text), None)

    def text(self, key: str) -> str | None:
        """The text of the config, else of the environment."""
        return self.config_text(key) or setting({}, key, *VARIABLES_BY_SETTING.get(key, ()))

    def required_text(self, key: str) -> str:
        """The same.

        Raises:
            ConfigurationError: nobody gives it.
        """
        text = self.text(key)
        if text is None:
            raise ConfigurationError(f"{describe_setting(key)} is not set")
        return text

    def header_secret(self, key: str) -> str:
        """The same, for what goes into a header.

        Raises:
            ConfigurationError: nobody gives it, or it fits into none.
        """
        return sendable(describe_setting(key), self.required_text(key))

    def flag(self, key: str) -> bool:
        """Whether something is switched on.

        Raises:
            ConfigurationError: neither yes nor no.
        """
        text = self.text(key)
        if text is None:
            return False
        if text.lower() not in _FLAG_VALUES:
            raise ConfigurationError(f"setting {key!r} takes true or false, not {text!r}")
        return _FLAG_VALUES[text.lower()]

    def config_flag(self, key: str) -> bool:
        """Whether the config itself switches something on; the same."""
        return self.config_text(key) is not None and self.flag(key)

    def is_null(self, key: str) -> bool:
        """Whether the config says that there is none, so that the environment is not asked."""
        return key in self._config and self._config[key] is None

    def word_list(self, key: str) -> tuple[str, ...]:
        """A list, or words between commas.

        Raises:
            ConfigurationError: something else.
        """
        return word_list(self._config, key)

    def seconds(self, key: str, default: float) -> float:
        """A time.

        Raises:
            ConfigurationError: no number above 0.
        """
        text = self.text(key)
        try:
            number = float(text) if text else default
        except ValueError:
            number = 0.0
        if number <= 0:
            raise ConfigurationError(f"setting {key!r} takes a number of seconds above 0, not {text!r}")
        return number

    def config_value(self, key: str) -> object:
        """What the config holds, as it is."""
        return self._config.get(key)


def describe_setting(key: str) -> str:
    """Where a setting can be given, for messages: "tenant_id (AZURE_TENANT_ID)"."""
    variables = ", ".join(VARIABLES_BY_SETTING.get(key, ()))
    return f"{key} ({variables})" if variables else key


DEFAULT_MODEL = "gpt-5.6-sol"


LOGIN_HINT = "run `python -m amplifier_module_provider_azure_openai_v2 login`"


STATUS_HINT = "`python -m amplifier_module_provider_azure_openai_v2 status` shows what is found"


DEFAULT_TOKEN_FILE = "~/.amplifier/azure-openai-sign-in.json"
