"""The routing matrix of a resource whose deployments are not called what their models are called."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import yaml
from openai_responses_common.facts.traits import remove_snapshot_date
from openai_responses_common.wire.json_values import as_object, as_objects


def replace_models_with_deployments(matrix: str, deployments: Mapping[str, str]) -> str:
    """The matrix with the names of deployments in place of patterns for models.

    Where several deployments serve what a pattern asks for, they stand in the order of `deployments`. A role that none
    of them serves gets the first.

    Args:
        matrix: as YAML.
        deployments: model of each, by name; at least one.
    """
    document = as_object(yaml.safe_load(matrix))
    document["roles"] = {
        role: _replace_candidates(as_object(entry), deployments) for role, entry in as_object(document["roles"]).items()
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _replace_candidates(role: Mapping[str, Any], deployments: Mapping[str, str]) -> dict[str, Any]:
    candidates = as_objects(role["candidates"])
    found = [
        {**candidate, "model": name}
        for candidate in candidates
        for name, model in deployments.items()
        if fnmatchcase(remove_snapshot_date(model.lower()), str(candidate["model"]))
    ]
    return {**role, "candidates": found or [{**candidates[0], "model": next(iter(deployments))}]}
