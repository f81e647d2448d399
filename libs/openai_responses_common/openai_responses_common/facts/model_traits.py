"""What models accept: one table of traits with its evidence, and a lookup that always returns a row.

A model that is not listed gets the row of its family, and an unknown one a row that passes on everything that the
caller asked for. A row says what the service accepts, not what is wise. The setting `model_info` wins over every row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from .model_ids import remove_snapshot_date, table_name

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All efforts, weakest first."""

LONG_CONTEXT_TOKENS = 400_000
"""The context window, in tokens, from which a model has the capability `long_context`: between those of 272,000 and of
900,000."""

Sampling = Literal["always", "effort_none", "never"]

LeadingSystem = Literal["instructions", "developer"]

OPENAI_CIPHERTEXT = "openai"
"""The ciphertext family of OpenAI's hosted models: one reads what another one encrypted, or the service leaves it out
and says so (from gpt-6.2 on). Source: its guide on preserved reasoning, and recordings, seen 2026-11-21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTraits:
    """The facts about one model, or the best guess.

    Attributes:
        context_window: how many input tokens it accepts, without output: context managers budget the input by it.
        max_output_tokens: how many output tokens it writes at most, reasoning included.
        efforts: the values of `reasoning.effort` that it accepts, weakest first; empty if it accepts none. None if they
            are not known.
        default_effort: its effort if a request has none. None if that is not published, or if it accepts no effort.
        sampling: when it accepts `temperature` and `top_p`: always, only while its effort is `none`, or never.
        verbosity: whether it accepts `text.verbosity`; true by default.
        vision: whether it sees images; true by default.
        leading_system: where the text of leading system messages goes; `instructions` by default.
        is_listed: whether a row or a family vouches for the model, whatever a user's overrides say; true by default.
        tools: whether it calls functions; true by default.
        reasoning_guess: whether it reasons; read only while `efforts` is None. None if nobody knows.
        ciphertext_family: the models that read each other's ciphertext and raw reasoning; empty for a model that reads
            only its own. None if it is not known, as for a deployment's name.
        shutdown: its announced last day at OpenAI, for display; Azure announces later days. None by default.
        extra_capabilities: names of further capabilities; none by default.
    """

    context_window: int
    max_output_tokens: int
    efforts: tuple[str, ...] | None
    default_effort: str | None
    sampling: Sampling
    verbosity: bool = True
    vision: bool = True
    leading_system: LeadingSystem = "instructions"
    is_listed: bool = True
    tools: bool = True
    reasoning_guess: bool | None = None
    ciphertext_family: str | None = OPENAI_CIPHERTEXT
    shutdown: str | None = None
    extra_capabilities: tuple[str, ...] = ()

    @property
    def can_reason(self) -> bool | None:
        """Whether the model reasons at some effort; None if nobody knows."""
        return self.reasoning_guess if self.efforts is None else bool(self.efforts)

    def list_capabilities(self) -> list[str]:
        """Return the names of Amplifier's well-known capabilities that the model has, then its further ones."""
        capabilities = {
            "tools": self.tools,
            "streaming": True,
            "thinking": self.can_reason is True,
            "vision": self.vision,
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


def _traits(
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


# Limits of the 1,050,000-token models: the service reserves 128,000 for output, so the input may have 922,000 ("Input
# tokens exceed the configured limit of 922000 tokens", the API's own words, seen Aug-Sep 2026; the same in litellm
# 1.109.1 for gpt-6 and Azure). For gpt-5.6 one measurement had 908k accepted and 928k refused: the 900,000 used
# upstream is the safe number. The 400,000-token models accept 272,000 in the same way. Older models share one window
# between input and output.
_O_SERIES = _traits(window=200_000, output=100_000, efforts="low..high", default="medium", verbosity=False, extras="")

_CHAT_MODEL = _traits(window=128_000, output=16_384, efforts="medium", default="medium", verbosity=False, extras="")

_DEEP_RESEARCH = replace(
    _O_SERIES, efforts=None, reasoning_guess=True, tools=False, extra_capabilities=("web_search", "deep_research")
)


# Efforts and defaults: recorded API probes ("Supported values are: ..."), Aug-Oct 2026, unless a row says otherwise.
# Windows, hosted tools, shutdown days: litellm 1.109.1 and openai 3.52.0, seen 2026-11-21.
MODEL_TRAITS: dict[str, ModelTraits] = {
    # Out 2026-11-17. Limits and efforts of sol: OpenAI's model page, seen 2026-11-30 (it refuses `none` and `minimal`);
    # astra: secondary, third-party pages that say the same. Secondary too (litellm discussion, blogs): `instructions`
    # counts for one turn and is billed uncached, so the leading text goes into the first developer message.
    "gpt-6.2-astra": _traits(
        window=922_000, output=128_000, efforts="low..max", leading_system="developer", extras="web_search computer_use"
    ),
    "gpt-6.2-sol": _traits(
        window=922_000, output=128_000, efforts="low..max", leading_system="developer", extras="web_search computer_use"
    ),
    # Default medium is echoed by astra, sol and luna (2026-09-24); we assume the same of the 6.1 models.
    "gpt-6.1-sol": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use"
    ),
    "gpt-6.1-terra": _traits(
        window=922_000, output=128_000, efforts="none low..max", default="medium", extras="web_search computer_use"
    ),
    "gpt-6-astra": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use"
    ),
    "gpt-6-astra-law": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use"
    ),
    # Secondary: litellm 1.110.2 has the limits of daybreak, and only prices of the two rosalind models, for which a
    # window of 272,000 is the careful guess. No list of efforts is published. Seen 2026-11-30.
    "gpt-daybreak-blue-latest": _traits(window=922_000, output=128_000, efforts=None, reasoning_guess=True),
    **dict.fromkeys(
        ("gpt-daybreak-red-latest", "gpt-rosalind-research", "gpt-rosalind-discovery"),
        _traits(window=272_000, output=128_000, efforts=None, reasoning_guess=True),
    ),
    "gpt-6-rosalind": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use"
    ),
    "gpt-6-sol": _traits(
        window=922_000, output=128_000, efforts="none low..max", default="medium", extras="web_search computer_use"
    ),
    "gpt-6-luna": _traits(
        window=922_000, output=128_000, efforts="none low..max", default="medium", extras="web_search computer_use fast"
    ),
    # `max` is not in litellm's flags, but in OpenAI's pages and accepted by the API (2026-09-03).
    "gpt-5.6": _traits(
        window=900_000, output=128_000, efforts="none low..max", default="medium", extras="web_search computer_use"
    ),  # alias of sol
    "gpt-5.6-sol": _traits(
        window=900_000, output=128_000, efforts="none low..max", default="medium", extras="web_search computer_use"
    ),
    "gpt-5.6-terra": _traits(window=900_000, output=128_000, efforts="none low..max", default="medium"),
    "gpt-5.6-luna": _traits(
        window=900_000, output=128_000, efforts="none low..max", default="medium", extras="web_search fast"
    ),
    # Trusted access; 400,000 in all. No list of efforts is published.
    "gpt-5.6-cyber": _traits(
        window=272_000, output=128_000, efforts=None, reasoning_guess=True, extras="web_search computer_use"
    ),
    # Secondary: litellm 1.110.2 has its price and the day only; the limits are those of its family.
    "gpt-5.5-cyber-preview": _traits(
        window=272_000, output=128_000, efforts=None, reasoning_guess=True, shutdown="2027-02-01"
    ),
    "gpt-5.5": _traits(window=922_000, output=128_000, efforts="none low..xhigh", default="medium"),
    "gpt-5.5-pro": _traits(window=922_000, output=128_000, efforts="medium..xhigh"),
    "gpt-5.4": _traits(window=922_000, output=128_000, efforts="none low..xhigh", default="none"),
    "gpt-5.4-pro": _traits(window=922_000, output=128_000, efforts="medium..xhigh"),
    "gpt-5.4-mini": _traits(
        window=272_000, output=128_000, efforts="none low..xhigh", default="none", extras="web_search fast"
    ),
    "gpt-5.4-nano": _traits(
        window=272_000,
        output=128_000,
        efforts="none low..xhigh",
        default="none",
        shutdown="2027-04-01",
        extras="web_search fast",
    ),
    # Some pages say medium; a probe got a temperature accepted without an effort, so the default is none.
    "gpt-5.3-codex": _traits(
        window=272_000, output=128_000, efforts="none low..xhigh", default="none", shutdown="2027-04-01"
    ),
    "gpt-5.2": _traits(window=272_000, output=128_000, efforts="none low..xhigh", default="none"),
    "gpt-5.2-pro": _traits(window=272_000, output=128_000, efforts="medium..xhigh"),
    "gpt-5.1": _traits(window=272_000, output=128_000, efforts="none low..high", default="none", shutdown="2027-04-01"),
    # Off at OpenAI, still on Azure; text.verbosity accepts only medium (error text of 5.1-codex-max, 5.2-codex).
    "gpt-5.2-codex": _traits(
        window=272_000, output=128_000, efforts="low..xhigh", default="medium", verbosity=False, shutdown="2026-07-23"
    ),
    "gpt-5.1-codex-max": _traits(
        window=272_000, output=128_000, efforts="low..xhigh", default="medium", verbosity=False, shutdown="2026-07-23"
    ),
    "gpt-5.1-codex": _traits(
        window=272_000, output=128_000, efforts="low..high", default="medium", verbosity=False, shutdown="2026-07-23"
    ),
    "gpt-5.1-codex-mini": _traits(
        window=272_000,
        output=128_000,
        efforts="low..high",
        default="medium",
        verbosity=False,
        shutdown="2026-07-23",
        extras="fast",
    ),
    "gpt-5-codex": _traits(
        window=272_000, output=128_000, efforts="low..high", default="medium", verbosity=False, shutdown="2026-07-23"
    ),
    "gpt-5": _traits(
        window=272_000, output=128_000, efforts="minimal low..high", default="medium", shutdown="2026-12-11"
    ),
    **dict.fromkeys(
        ("gpt-5-mini", "gpt-5-nano"),
        _traits(
            window=272_000,
            output=128_000,
            efforts="minimal low..high",
            default="medium",
            shutdown="2026-12-11",
            extras="web_search fast",
        ),
    ),
    # OpenAI's page says 272,000 out of 400,000, Azure's 272,000 in and 128,000 out: these two numbers suit both.
    "gpt-5-pro": _traits(window=272_000, output=128_000, efforts="high", default="high", shutdown="2026-12-11"),
    "chat-latest": _traits(window=272_000, output=128_000, efforts="medium", default="medium", verbosity=False),
    **dict.fromkeys(("o3", "o3-pro"), replace(_O_SERIES, shutdown="2026-12-11", extra_capabilities=("web_search",))),
    "o3-mini": replace(_O_SERIES, shutdown="2026-10-23", vision=False),
    "o4-mini": _traits(
        window=200_000,
        output=100_000,
        efforts="low..high",
        default="medium",
        verbosity=False,
        shutdown="2026-10-23",
        extras="web_search fast",
    ),
    **dict.fromkeys(("o1", "o1-pro"), replace(_O_SERIES, shutdown="2026-10-23")),
    "o3-deep-research": replace(_DEEP_RESEARCH, shutdown="2026-07-23"),
    "o4-mini-deep-research": replace(_DEEP_RESEARCH, shutdown="2026-07-23"),
    # The SDK dates these aliases too, the price table only their snapshots.
    "gpt-4.1": _traits(window=1_047_576, output=32_768, efforts="", verbosity=False, shutdown="2027-01-14"),
    "gpt-4.1-mini": _traits(
        window=1_047_576, output=32_768, efforts="", verbosity=False, shutdown="2027-01-14", extras="web_search fast"
    ),
    "gpt-4.1-nano": _traits(
        window=1_047_576, output=32_768, efforts="", verbosity=False, shutdown="2026-10-23", extras="fast"
    ),
    "gpt-4o": _traits(window=128_000, output=16_384, efforts="", verbosity=False, shutdown="2027-01-14", extras=""),
    "gpt-4o-mini": _traits(
        window=128_000, output=16_384, efforts="", verbosity=False, shutdown="2027-01-14", extras="fast"
    ),
    "gpt-4o-2024-05-13": _traits(
        window=128_000, output=4_096, efforts="", verbosity=False, shutdown="2026-10-23", extras=""
    ),
}


# The rows of models that are not listed, by the family that their id begins with: the smallest window of the family,
# and every effort that the caller asks for.
FAMILY_TRAITS: dict[str, ModelTraits] = {
    "gpt-6.2": _traits(window=922_000, output=128_000, efforts=None, reasoning_guess=True, leading_system="developer"),
    "gpt-6": _traits(window=922_000, output=128_000, efforts=None, reasoning_guess=True),
    "gpt-5.6": _traits(window=900_000, output=128_000, efforts=None, reasoning_guess=True),
    "gpt-5": _traits(window=272_000, output=128_000, efforts=None, reasoning_guess=True),
    # Chat variants, off at OpenAI: one effort (recorded probes), a small window (litellm).
    **dict.fromkeys(("gpt-5.1-chat", "gpt-5.2-chat", "gpt-5.3-chat"), _CHAT_MODEL),
    "gpt-4.1": _traits(window=1_047_576, output=32_768, efforts="", verbosity=False, extras=""),
    "gpt-4o": _traits(window=128_000, output=16_384, efforts="", verbosity=False, extras=""),
    "gpt-4": _traits(window=128_000, output=4_096, efforts="", verbosity=False, extras=""),
    "gpt-3.5": _traits(window=16_385, output=4_096, efforts="", verbosity=False, vision=False, extras=""),
    "o1": _O_SERIES,
    "o3": _O_SERIES,
    "o4": _O_SERIES,
    # 131,072 for input and output; a local server refuses a request for more, so the output's share is taken off.
    # Raw reasoning_text, sampling and three efforts (vLLM, Ollama; output limit as of litellm's hosted rows).
    "gpt-oss": _traits(
        window=98_304,
        output=32_768,
        efforts="low..high",
        default="medium",
        sampling="always",
        verbosity=False,
        vision=False,
        ciphertext_family="",
        extras="",
    ),
    # A later generation than these rows: every general model since gpt-5 reasons and accepts at least this much.
    "gpt": _traits(window=272_000, output=128_000, efforts=None, reasoning_guess=True, is_listed=False, extras=""),
}


# A deployment's name, or a model of another maker: the smallest hosted limits still in service (gpt-4o), because too
# small a window compacts early while too large a window fails the call. Every option that the caller asked for is sent.
UNKNOWN_TRAITS = _traits(
    window=128_000, output=16_384, efforts=None, sampling="always", is_listed=False, ciphertext_family=None, extras=""
)


def find_traits(model: str) -> ModelTraits:
    """Return the row of a model: its own, that of the model whose snapshot it is, its family's, or `UNKNOWN_TRAITS`.

    The id may be that of a fine-tuned model ("ft:gpt-4o:…") or have a maker in front ("openai/gpt-oss-120b").
    """
    name = table_name(model.lower().removeprefix("ft:"))
    row = MODEL_TRAITS.get(name) or MODEL_TRAITS.get(remove_snapshot_date(name))
    while row is None and name:
        row = FAMILY_TRAITS.get(name)
        name = name[: max(name.rfind("-"), name.rfind("."), name.rfind(":"), 0)]
    return row or UNKNOWN_TRAITS
