"""The models of a resource: what its deployments are called, and what serves them.

A deployment's name says nothing about its model. What the user says of it counts first, then what a reply reported; a
name that is a model's own is taken for that model until then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from amplifier_core.llm_errors import AccessDeniedError, ConfigurationError, ProviderUnavailableError
from amplifier_core.models import ModelInfo
from openai_responses_common import Credential, Fetch, Models, Options, Token, TokenSource, describe
from openai_responses_common.auth.background import joined, start
from openai_responses_common.auth.bearer import bearer
from openai_responses_common.facts.traits import is_agent_model
from openai_responses_common.wire.json_values import record, records

from .credential import EntraCredential
from .endpoint import Place
from .token_http import fetched

logger = logging.getLogger(__name__)

# Source: Azure Resource Manager reference of Microsoft.CognitiveServices, seen 2026-11-21.
_MANAGER_VERSION = "2025-06-01"
_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource as Azure Resource Manager knows it, and who asks it for the resource's deployments."""

    resource_id: str
    manager: str
    source: TokenSource

    async def deployments(self) -> dict[str, str]:
        """Name and model of each deployment.

        Raises:
            LLMError: the list cannot be had.
        """
        token = await self.source.get()
        return await joined(start(lambda: self._read(token)))

    def _read(self, token: Token) -> dict[str, str]:
        site = f"https://{self.manager}/"
        url = f"{site}{quote(self.resource_id.strip('/'))}/deployments?api-version={_MANAGER_VERSION}"
        found: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = fetched("GET", url, headers=bearer(token))
            page = self._page(answer.status_code, answer.text)
            found |= {name: model for row in records(page["value"]) for name, model in _named(row)}
            url = str(page.get("nextLink") or "")
            if not url:
                break
            if not url.startswith(site):
                logger.warning("%s names a page of another host, which is not followed: the list is cut", self.manager)
                break
        return found

    def _page(self, status: int, text: str) -> dict[str, Any]:
        if status in {401, 403, 404}:
            raise AccessDeniedError(
                f"{self.manager} shows no deployments of {self.resource_id} (HTTP {status}): check resource_id; to "
                "read them takes the role Reader or Cognitive Services OpenAI User on the resource",
                status_code=status,
            )
        try:
            page = record(json.loads(text))
        except ValueError:
            page = {}
        if status != 200 or "value" not in page:
            raise ProviderUnavailableError(f"{self.manager} gave no list of deployments (HTTP {status})")
        return page


def _named(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The name and the model of a deployment; none where it cannot do agent work."""
    name, model = row.get("name"), record(record(row.get("properties")).get("model")).get("name")
    return [(str(name), str(model))] if name and model and is_agent_model(str(model)) else []


class Deployments(Models):
    """The models of one resource.

    Args:
        told: model of each deployment, as the user says.
        resource: where the real list is, if it may be asked for.
    """

    def __init__(self, told: Mapping[str, str], resource: Resource | None) -> None:
        self._told = dict(told)
        self._learned: dict[str, str] = {}
        self._resource = resource

    def info(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Models.info`."""
        return {name: {"model": model} for name, model in {**self._learned, **self._told}.items()}

    def served(self, asked: str, model: str) -> None:
        """See `Models.served`."""
        if model != asked:
            self._learned[asked] = model

    async def listed(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """The deployments, as far as anybody tells them; else the models that the resource offers, marked as such."""
        if self._resource is not None:
            self._learned |= await self._resource.deployments()
        names = {**self._learned, **self._told} if self._resource else self._told
        if names:
            return [_deployment(name, self.info(), options) for name in sorted(names)]
        if self._resource:
            logger.warning("%s has no deployment that can do agent work", self._resource.resource_id)
        return [_marked(model) for model in await super().listed(fetch, options)]


def _deployment(name: str, known: Mapping[str, Mapping[str, Any]], options: Options) -> ModelInfo:
    info = {name: {**known.get(name, {}), **options.model_info.get(name, {})}}
    return describe(name, info).model_copy(update={"display_name": f"{name} ({info[name].get('model', name)})"})


def _marked(model: ModelInfo) -> ModelInfo:
    return model.model_copy(update={"display_name": f"{model.display_name} (a model: give your deployment's name)"})


def read_deployments(value: object) -> dict[str, str]:
    """The setting `deployments`: `{name: model}`, also as JSON.

    Raises:
        ConfigurationError: it is something else.
    """
    try:
        found: object = json.loads(value) if isinstance(value, str) and value.strip() else value or {}
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise ConfigurationError("setting 'deployments' takes {name: model}, as in {my-deployment: gpt-5.6-sol}")
    return {str(name): str(model) for name, model in cast("Mapping[object, object]", found).items()}


def resource_of(place: Place, resource_id: str | None, credential: Credential) -> Resource | None:
    """Whom to ask for the deployments: needs the resource's id and an identity, since a key says nothing to ARM."""
    if not resource_id or not isinstance(credential, EntraCredential):
        return None
    manager = place.cloud.manager
    source = credential.identity.source(f"https://{manager}/.default")
    return Resource(resource_id=resource_id, manager=manager, source=source)
