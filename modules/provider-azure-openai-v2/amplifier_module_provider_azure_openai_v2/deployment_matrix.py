"""Rewrite a routing matrix for a resource whose deployments do not have the names of their models."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from openai_responses_common.facts.model_ids import remove_snapshot_date
from openai_responses_common.wire.json_values import as_object, as_objects

from .installation import importing


def replace_models_with_deployments(matrix: str, deployments: Mapping[str, str]) -> str:
    """Return the matrix, as YAML, with names of deployments in place of patterns for models.

    If several deployments match a pattern, they appear in the order of `deployments`. A role without a match gets the
    first deployment.

    Args:
        matrix: a routing matrix, as YAML.
        deployments: the model of each deployment, by name; at least one.
    """
    with importing():
        import yaml

    document = as_object(yaml.safe_load(matrix))
    document["roles"] = {
        role: _replace_candidates(as_object(entry), deployments) for role, entry in as_object(document["roles"]).items()
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _replace_candidates(role: Mapping[str, Any], deployments: Mapping[str, str]) -> dict[str, Any]:
    candidates = as_objects(role["candidates"])
    replaced = [
        {**candidate, "model": name}
        for candidate in candidates
        for name, model in deployments.items()
        if fnmatchcase(remove_snapshot_date(model.lower()), str(candidate["model"]))
    ]
    return {**role, "candidates": replaced or [{**candidates[0], "model": next(iter(deployments))}]}
