"""What the output of one turn depends on: the request, its model, its caller and its conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from responses_emulator.accounting.prompt_cache import PromptUsage
from responses_emulator.facts.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext:
    """A validated request in its context.

    Attributes:
        body: the request.
        items: all items of the conversation, those of stored predecessors included.
        model: the model that the request names.
        effort: how much the model reasons. None for a model that does not reason.
        account: who owns the ciphertext.
        endpoint: what the ciphertext is bound to besides the account.
        prompt: the tokens of the prompt, and how many of them the cache had.
        cache_diagnostics: why the cache missed, if the request asks for that. None if it does not.
        prefix: a digest of the conversation up to here.
        transformations: what the service removed from the input, as the reply lists it.
    """

    body: dict[str, Any]
    items: list[dict[str, Any]]
    model: Model
    effort: str | None
    account: str
    endpoint: str
    prompt: PromptUsage
    cache_diagnostics: dict[str, Any] | None = None
    prefix: str = ""
    transformations: tuple[dict[str, Any], ...] = ()
