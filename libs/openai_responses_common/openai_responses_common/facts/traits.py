"""The facts about one model, and how a row of the table is written.

A row says what the service accepts, not what is wise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All efforts, weakest first."""

VERBOSITIES = ("low", "medium", "high")
"""All verbosities, shortest first."""

LONG_CONTEXT_TOKENS = 400_000
"""The context window, in tokens, from which a model has the capability `long_context`: between those of 272,000 and of
900,000."""

Sampling = Literal["always", "effort_none", "never"]

LeadingSystem = Literal["instructions", "developer"]

SystemTextRole = Literal["developer", "system", "user"]

OPENAI_CIPHERTEXT = "openai"
"""The ciphertext family of OpenAI's hosted models: one reads what another one encrypted, or the service leaves it out
and says so (from gpt-6.2 on). Source: its guide on preserved reasoning, and recordings, seen 2026-11-21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTraits:
    """The facts about one model, or the best guess.

    Attributes:
        context_window: how many input tokens it accepts, without output: context managers budget the input by it.
        max_output_tokens: how many output tokens it writes at most, reasoning included.
        shares_window: whether its output takes place in the context window, too; false by default.
        efforts: the values of `reasoning.effort` that it accepts, weakest first; empty if it accepts none. None if they
            are not known.
        default_effort: its effort if a request has none. None if that is not published, or if it accepts no effort.
        sampling: when it accepts `temperature` and `top_p`: always, only while its effort is `none`, or never.
        verbosity: whether it accepts `text.verbosity`; true by default.
        default_verbosity: the verbosity that its service lists as its default; None by default.
        vision: whether images are sent to it; true by default.
        vision_guess: whether `vision` is a guess, which no list of models repeats; false by default.
        leading_system: where the text of leading system messages goes; `instructions` by default.
        is_listed: whether a row or a family vouches for the model, whatever a user's overrides say; true by default.
        tools: whether it calls functions; true by default.
        reasoning_guess: whether it reasons; read only while `efforts` is None. None if nobody knows.
        ciphertext_family: the models that read each other's ciphertext and raw reasoning; empty for a model that reads
            only its own. None if it is not known, as for a deployment's name.
        shutdown: its announced last day at OpenAI, for display; Azure announces later days. None by default.
        effort_updates: whether an item of the input may change its effort; false by default.
        cache_options: whether it takes `prompt_cache_options` and says why a cache missed; false by default.
        successor: the model that OpenAI recommends after that day. None, by default, if none is known.
        extra_capabilities: names of further capabilities; none by default.
    """

    context_window: int
    max_output_tokens: int
    efforts: tuple[str, ...] | None
    default_effort: str | None
    sampling: Sampling
    shares_window: bool = False
    verbosity: bool = True
    default_verbosity: str | None = None
    vision: bool = True
    vision_guess: bool = False
    leading_system: LeadingSystem = "instructions"
    is_listed: bool = True
    tools: bool = True
    reasoning_guess: bool | None = None
    ciphertext_family: str | None = OPENAI_CIPHERTEXT
    shutdown: str | None = None
    successor: str | None = None
    effort_updates: bool = False
    cache_options: bool = False
    extra_capabilities: tuple[str, ...] = ()

    @property
    def can_reason(self) -> bool | None:
        """Whether the model reasons at some effort; None if nobody knows."""
        return self.reasoning_guess if self.efforts is None else bool(self.efforts)

    def find_input_limit(self, max_output_tokens: int | None) -> int:
        """Return how many input tokens a request may have.

        Args:
            max_output_tokens: the limit of its output. None if it has no other one than the model's.
        """
        if not self.shares_window:
            return self.context_window
        output = min(max_output_tokens or self.max_output_tokens, self.max_output_tokens)
        return max(self.context_window - output, 1)

    def list_capabilities(self) -> list[str]:
        """Return the names of Amplifier's well-known capabilities that the model has, then its further ones."""
        capabilities = {
            "tools": self.tools,
            "streaming": True,
            "thinking": self.can_reason is True,
            "vision": self.vision and not self.vision_guess,
            "json_mode": True,
            "long_context": self.context_window >= LONG_CONTEXT_TOKENS,
        }
        return [*(name for name, holds in capabilities.items() if holds), *self.extra_capabilities]


def _expand_efforts(text: str) -> tuple[str, ...]:
    """The efforts of "none low..high": two dots stand for everything between."""
    names: list[str] = []
    for word in text.split():
        first, _, last = word.partition("..")
        names += EFFORTS[EFFORTS.index(first) : EFFORTS.index(last or first) + 1]
    return tuple(names)


def build_traits(
    *,
    window: int,
    output: int,
    efforts: str | None,
    default: str | None = None,
    sampling: Sampling | None = None,
    extras: str = "web_search",
    **further_traits: Any,
) -> ModelTraits:
    """One row of a table.

    Args:
        window: `context_window`, in tokens.
        output: `max_output_tokens`.
        efforts: as in "none low..high"; "" for a model without efforts, None if they are not known.
        default: `default_effort`; None by default.
        sampling: by default, sampling is accepted exactly while the model does not reason.
        extras: `extra_capabilities`, with spaces between them; the hosted web search by default.
        further_traits: other fields of `ModelTraits`.
    """
    names = None if efforts is None else _expand_efforts(efforts)
    if sampling is None:
        # The rule of every hosted model: it accepts sampling exactly while it does not reason. Seen in recorded probes
        # of the API (o1 to gpt-5.6, Aug 2026; gpt-6-astra/-sol/-luna, 2026-09-24): 400 unless the effort is none.
        sampling = "always" if names == () else "effort_none" if names is None or "none" in names else "never"
    return ModelTraits(
        context_window=window,
        max_output_tokens=output,
        efforts=names,
        default_effort=default,
        sampling=sampling,
        extra_capabilities=tuple(extras.split()),
        **further_traits,
    )
