"""The models of a resource: what its deployments are called, and what serves them.

A deployment's name says nothing about its model. What the user says of it counts first, then what a reply reported; a
name that is a model's own is taken for that model until then.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from amplifier_core.llm_errors import AccessDeniedError, ConfigurationError, ProviderUnavailableError
from amplifier_core.models import ModelInfo
from openai_responses_common import Credential, Fetch, Models, Options, Token, TokenSource, describe
from openai_responses_common.auth.background import run_in_thread, wait_for
from openai_responses_common.auth.bearer import build_bearer_headers
from openai_responses_common.facts.traits import is_agent_model
from openai_responses_common.wire.json_values import as_object, as_objects, loads_object_or_none, loads_or_none

from .auth.credential import EntraCredential
from .auth.token_endpoint import send_request
from .endpoint import AzureEndpoint

logger = logging.getLogger(__name__)

# Source: Azure Resource Manager reference of Microsoft.CognitiveServices, seen 2026-11-21.
_ARM_API_VERSION = "2025-06-01"
_MAX_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResource:
    """A resource as Azure Resource Manager knows it, and who asks it for the resource's deployments."""

    resource_id: str
    arm_host: str
    token_source: TokenSource

    async def list_deployments(self) -> dict[str, str]:
        """Name and model of each deployment.

        Raises:
            LLMError: the list cannot be had.
        """
        token = await self.token_source.get()
        return await wait_for(run_in_thread(lambda: self._fetch_deployments(token)))

    def _fetch_deployments(self, token: Token) -> dict[str, str]:
        site = f"https://{self.arm_host}/"
        url = f"{site}{quote(self.resource_id.strip('/'))}/deployments?api-version={_ARM_API_VERSION}"
        found: dict[str, str] = {}
        for _ in range(_MAX_PAGES):
            answer = send_request("GET", url, headers=build_bearer_headers(token))
            page = self._parse_page(answer.status_code, answer.text)
            found |= {name: model for row in as_objects(page["value"]) for name, model in _read_deployment_row(row)}
            url = str(page.get("nextLink") or "")
            if not url:
                break
            if not url.startswith(site):
                logger.warning("%s names a page of another host, which is not followed: the list is cut", self.arm_host)
                break
        return found

    def _parse_page(self, status: int, text: str) -> dict[str, Any]:
        if status in {401, 403, 404}:
            raise AccessDeniedError(
                f"{self.arm_host} shows no deployments of {self.resource_id} (HTTP {status}): check resource_id; to "
                "read them takes the role Reader or Cognitive Services OpenAI User on the resource",
                status_code=status,
            )
        page = loads_object_or_none(text) or {}
        if status != 200 or "value" not in page:
            raise ProviderUnavailableError(f"{self.arm_host} gave no list of deployments (HTTP {status})")
        return page


def _read_deployment_row(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The name and the model of a deployment; none where it cannot do agent work."""
    name, model = row.get("name"), as_object(as_object(row.get("properties")).get("model")).get("name")
    return [(str(name), str(model))] if name and model and is_agent_model(str(model)) else []


class DeploymentModels(Models):
    """The models of one resource.

    Args:
        told: model of each deployment, as the user says.
        resource: where the real list is, if it may be asked for.
    """

    def __init__(self, config_models: Mapping[str, str], resource: ArmResource | None) -> None:
        self._config_models = dict(config_models)
        self._reported_models: dict[str, str] = {}
        self._resource = resource

    def model_info(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Models.info`."""
        return {name: {"model": model} for name, model in {**self._reported_models, **self._config_models}.items()}

    def on_response_model(self, requested_model: str, response_model: str) -> None:
        """See `Models.served`."""
        if response_model != requested_model:
            self._reported_models[requested_model] = response_model

    async def list_models(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """The deployments, as far as anybody tells them; else the models that the resource offers, marked as such."""
        if self._resource is not None:
            self._reported_models |= await self._resource.list_deployments()
        names = {**self._reported_models, **self._config_models} if self._resource else self._config_models
        if names:
            return [_describe_deployment(name, self.model_info(), options) for name in sorted(names)]
        if self._resource:
            logger.warning("%s has no deployment that can do agent work", self._resource.resource_id)
        return [_mark_as_model(model) for model in await super().list_models(fetch, options)]


def _describe_deployment(name: str, base_info: Mapping[str, Mapping[str, Any]], options: Options) -> ModelInfo:
    info = {name: {**base_info.get(name, {}), **options.model_info.get(name, {})}}
    return describe(name, info).model_copy(update={"display_name": f"{name} ({info[name].get('model', name)})"})


def _mark_as_model(model: ModelInfo) -> ModelInfo:
    return model.model_copy(update={"display_name": f"{model.display_name} (a model: give your deployment's name)"})


def read_deployments(value: object) -> dict[str, str]:
    """The setting `deployments`: `{name: model}`, also as JSON.

    Raises:
        ConfigurationError: it is something else.
    """
    found: object = loads_or_none(value) if isinstance(value, str) and value.strip() else value or {}
    if not isinstance(found, Mapping):
        raise ConfigurationError("setting 'deployments' takes {name: model}, as in {my-deployment: gpt-5.6-sol}")
    return {str(name): str(model) for name, model in cast("Mapping[object, object]", found).items()}


def build_arm_resource(endpoint: AzureEndpoint, resource_id: str | None, credential: Credential) -> ArmResource | None:
    """Whom to ask for the deployments: needs the resource's id and an identity, since a key says nothing to ARM."""
    if not resource_id or not isinstance(credential, EntraCredential):
        return None
    manager = endpoint.cloud.arm_host
    source = credential.identity.get_source(f"https://{manager}/.default")
    return ArmResource(resource_id=resource_id, arm_host=manager, token_source=source)
