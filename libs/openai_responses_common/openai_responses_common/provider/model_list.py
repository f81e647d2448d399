"""The models of a list as the host sees them: what the tables, the service and the user say about each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from amplifier_core.llm_errors import ProviderUnavailableError
from amplifier_core.models import ModelInfo

from ..facts.model_ids import has_snapshot_date
from ..options.model_info import ModelOverrides
from .shutdowns import describe_shutdown, has_ended

if TYPE_CHECKING:
    from ..facts.listed_models import ListedModel


def read_model_list(document: object) -> list[ListedModel]:
    """Return the models of a response to `GET /models`; see `read_listed_models`.

    Raises:
        ProviderUnavailableError: the response is not a model list.
    """
    from ..facts.listed_models import read_listed_models  # not needed to mount a provider

    models = read_listed_models(document)
    if models is None:
        raise ProviderUnavailableError("the response of the service is not a model list", retryable=False)
    return models


def read_models(
    document: object, *, hide_dated: bool, model_info: ModelOverrides, default: str = ""
) -> list[ModelInfo]:
    """Return the models of a response to `GET /models` that can do agent work, in the order of `rank_models`.

    Args:
        document: the response, `{"data": [{"id": …}]}` or another form of a list; see `read_listed_models`.
        hide_dated: True to leave out snapshots with a date in their id.
        model_info: the user's overrides, by model. Each model in them is part of the result.
        default: the model that comes first; empty, by default, if there is none.

    Raises:
        ProviderUnavailableError: the response is not a model list.
    """
    ids = [model.id for model in read_model_list(document) if model.can_do_agent_work]
    return describe_all([*ids, *model_info.entries], hide_dated=hide_dated, model_info=model_info, default=default)


def describe_all(
    models: Sequence[str], *, hide_dated: bool, model_info: ModelOverrides, default: str
) -> list[ModelInfo]:
    """Return what is known about each model; see `read_models`."""
    from ..facts.model_ranking import rank_models  # not needed to mount a provider

    ids = [model for model in dict.fromkeys(models) if not (hide_dated and has_snapshot_date(model))]
    ended = {model for model in ids if has_ended(_find_last_day(model, model_info))}
    ranked = rank_models(ids, default=default, ended=ended, find_table_id=model_info.find_table_id)
    return [describe(model, model_info) for model in ranked]


def describe(model: str, model_info: ModelOverrides, *, priced: bool = True) -> ModelInfo:
    """Return what the tables and the user's overrides say about a model.

    The display name says when the service ends the model, if that is within 30 days.

    Args:
        model: its id.
        model_info: the user's overrides, by model.
        priced: False if the service does not charge by the token, so that the result has no price. True by default.
    """
    traits = model_info.traits_of(model)
    price = model_info.price_of(model, datetime.now(UTC).date()) if priced else None
    ending = describe_shutdown(_find_last_day(model, model_info), traits.successor)
    # A keyword through a dict, because kernels before 2.0 have no such field.
    pricing: dict[str, Any] = {"pricing": price.pricing_fields() if price else None}
    defaults: dict[str, Any] = {"max_output_tokens": traits.max_output_tokens}
    if traits.efforts:
        defaults |= {"reasoning_efforts": list(traits.efforts), "reasoning_effort": traits.default_effort}
    return ModelInfo(
        id=model,
        display_name=f"{model} ({ending})" if ending else model,
        context_window=traits.context_window,
        max_output_tokens=traits.max_output_tokens,
        capabilities=traits.list_capabilities(),
        defaults=defaults,
        **pricing,
    )


def _find_last_day(model: str, model_info: ModelOverrides) -> str | None:
    """The last day of a model as the service or the user says it, not the table."""
    return model_info.find_entry(model).traits.get("shutdown")
