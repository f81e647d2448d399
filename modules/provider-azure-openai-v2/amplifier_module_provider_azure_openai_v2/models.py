"""The deployments of a resource, and the model that serves each.

The name of a deployment does not tell its model. The setting `deployments` counts first, then the model that a response
reported. Until then, a name that equals a model's is taken for that model.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from amplifier_core.llm_errors import AccessDeniedError, ConfigurationError, ProviderUnavailableError
from amplifier_core.models import ModelInfo
from openai_responses_common import Credential, Fetch, Models, Options, Token, TokenSource
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.auth.bearer import build_bearer_headers
from openai_responses_common.facts.model_ids import is_agent_model
from openai_responses_common.options.model_info import read_model_info
from openai_responses_common.provider.model_list import describe_all, read_model_list
from openai_responses_common.transport.http_client import BlockingHttp, JsonReply
from openai_responses_common.wire.json_values import as_object, as_objects, loads_or_none

from .auth.credential import EntraCredential
from .endpoint import AzureEndpoint
from .settings import DEFAULT_MODEL

logger = logging.getLogger(__name__)

# Source: Azure Resource Manager reference of Microsoft.CognitiveServices, seen 2026-11-21.
_ARM_API_VERSION = "2025-06-01"
_MAX_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResource:
    """A resource in Azure Resource Manager (ARM), with the token source for requests about it."""

    resource_id: str
    arm_host: str
    token_source: TokenSource

    async def list_deployments(self) -> dict[str, str]:
        """Fetch the model of each deployment, by name.

        Raises:
            LLMError: the list cannot be fetched.
        """
        token = await self.token_source.get()
        return await wait_for(run_in_thread(lambda: self._fetch_deployments(token)))

    def _fetch_deployments(self, token: Token) -> dict[str, str]:
        site = f"https://{self.arm_host}/"
        url = f"{site}{quote(self.resource_id.strip('/'))}/deployments?api-version={_ARM_API_VERSION}"
        deployments: dict[str, str] = {}
        for _ in range(_MAX_PAGES):
            page = self._read_page(BlockingHttp().send("GET", url, headers=build_bearer_headers(token)))
            for row in as_objects(page["value"]):
                deployments |= _read_deployment_row(row)
            url = str(page.get("nextLink") or "")
            if not url:
                break
            if not url.startswith(site):
                logger.warning(
                    "the next page of the deployments is not on %s and is not fetched: the list is incomplete",
                    self.arm_host,
                )
                break
        return deployments

    def _read_page(self, reply: JsonReply) -> dict[str, Any]:
        status, page = reply.status, reply.body_fields
        if status in {401, 403, 404}:
            raise AccessDeniedError(
                f"{self.arm_host} does not list the deployments of {self.resource_id} (HTTP {status}): check "
                "resource_id, and assign the role Reader or Cognitive Services OpenAI User on the resource",
                status_code=status,
            )
        if status != 200 or "value" not in page:
            raise ProviderUnavailableError(f"{self.arm_host} did not return a list of deployments (HTTP {status})")
        return page


def _read_deployment_row(row: Mapping[str, Any]) -> dict[str, str]:
    """The model of a deployment, by name; empty if the model cannot do agent work."""
    name, model = row.get("name"), as_object(as_object(row.get("properties")).get("model")).get("name")
    return {str(name): str(model)} if name and model and is_agent_model(str(model)) else {}


class DeploymentModels(Models):
    """The models of one resource.

    Args:
        config_models: the model of each deployment, from the settings.
        resource: lists the deployments. None if the settings name no resource or the credential is a key.
    """

    def __init__(self, config_models: Mapping[str, str], resource: ArmResource | None) -> None:
        self._config_models = dict(config_models)
        self._reported_models: dict[str, str] = {}
        self._resource = resource

    def model_info(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Models.model_info`."""
        return {name: {"model": model} for name, model in {**self._reported_models, **self._config_models}.items()}

    def on_response_model(self, requested_model: str, response_model: str) -> None:
        """See `Models.on_response_model`."""
        if response_model != requested_model:
            self._reported_models[requested_model] = response_model

    async def list_models(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """List the deployments of the resource, or those that the settings name if the resource does not list them.

        The service's own list has the models that could be deployed, so nothing of it is shown. If no setting names the
        default, its name says so, because somebody may have called a deployment like this model.
        """
        if self._resource is not None:
            self._reported_models |= await self._resource.list_deployments()
            names = {**self._reported_models, **self._config_models}
            if not names:
                logger.warning("%s has no deployment whose model can do agent work", self._resource.resource_id)
            return self._describe_deployments(names, options)
        if not self._config_models:
            read_model_list(await fetch("/models"))  # a wrong address or key shows here, not in the first call
        names = {**self._config_models, **options.model_info.entries}
        models = self._describe_deployments([*names, options.model], options)
        return [_mark_as_guess(model) if model.id == DEFAULT_MODEL not in names else model for model in models]

    def _describe_deployments(self, names: Iterable[str], options: Options) -> list[ModelInfo]:
        overrides = options.model_info.over(read_model_info(self.model_info()))
        models = describe_all(sorted(names), hide_dated=False, model_info=overrides, default=options.model)
        return [_append_model_name(model, overrides.find_table_id(model.id)) for model in models]


def _mark_as_guess(model: ModelInfo) -> ModelInfo:
    hint = "(if a deployment has this name; choose custom to enter another name)"
    return model.model_copy(update={"display_name": f"{model.id} {hint}"})


def _append_model_name(deployment: ModelInfo, model: str) -> ModelInfo:
    if model == deployment.id:
        return deployment
    return deployment.model_copy(update={"display_name": f"{deployment.id} ({model})"})


def read_deployments(value: object) -> dict[str, str]:
    """Read the setting `deployments`: `{name: model}`, also as JSON text.

    Raises:
        ConfigurationError: it is not a mapping.
    """
    mapping: object = loads_or_none(value) if isinstance(value, str) and value.strip() else value or {}
    if not isinstance(mapping, Mapping):
        raise ConfigurationError("setting 'deployments' takes {name: model}, such as {my-deployment: gpt-5.6-sol}")
    return {str(name): str(model) for name, model in cast("Mapping[object, object]", mapping).items()}


def build_arm_resource(endpoint: AzureEndpoint, resource_id: str | None, credential: Credential) -> ArmResource | None:
    """The resource that lists the deployments.

    None if the resource id is not set or the credential is an API key, which ARM does not accept.
    """
    if not resource_id or not isinstance(credential, EntraCredential):
        return None
    arm_host = endpoint.cloud.arm_host
    source = credential.identity.get_source(f"https://{arm_host}/.default")
    return ArmResource(resource_id=resource_id, arm_host=arm_host, token_source=source)
