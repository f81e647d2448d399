"""What models accept: one table of traits with its evidence, and a lookup that always returns a row.

A model that is not listed gets the row of its family, and an unknown one a row that passes on everything that the
caller asked for. A row says what the service accepts, not what is wise. The setting `model_info` wins over every row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .model_ids import remove_snapshot_date, table_name
from .traits import ModelTraits
from .traits import build_traits as _traits

# Limits of the 1,050,000-token models: the service reserves 128,000 for output, so the input may have 922,000 ("Input
# tokens exceed the configured limit of 922000 tokens", the API's own words, seen Aug-Sep 2026; the same in litellm
# 1.109.1 for gpt-6 and Azure). For gpt-5.6 one measurement had 908k accepted and 928k refused: the 900,000 used
# upstream is the safe number. The 400,000-token models accept 272,000 in the same way. Older models share one window
# between input and output.
_O_SERIES = _traits(
    window=200_000,
    output=100_000,
    efforts="low..high",
    default="medium",
    verbosity=False,
    extras="",
    shares_window=True,
)

_CHAT_MODEL = _traits(
    window=128_000,
    output=16_384,
    efforts="medium",
    default="medium",
    verbosity=False,
    extras="",
    shares_window=True,
)

_DEEP_RESEARCH = replace(
    _O_SERIES, efforts=None, reasoning_guess=True, tools=False, extra_capabilities=("web_search", "deep_research")
)


# `prompt_cache_options`: "for gpt-5.6 and later models" (openai 3.57 and the guide on prompt cache diagnostics). The
# item that changes the effort: GPT-6 and later (the guide on reasoning, vercel/ai#20390); gpt-5.6 refuses it
# (openai/codex#44751). Seen 2026-12-01.
_GPT_5_6: dict[str, Any] = {"cache_options": True}
_GPT_6: dict[str, Any] = {**_GPT_5_6, "effort_updates": True}

# Efforts and defaults: recorded API probes ("Supported values are: ..."), Aug-Oct 2026, unless a row says otherwise.
# Windows, hosted tools, shutdown days: litellm 1.109.1 and openai 3.52.0, seen 2026-11-21.
MODEL_TRAITS: dict[str, ModelTraits] = {
    # Out 2026-11-17. Limits and efforts of sol: OpenAI's model page, seen 2026-11-30 (it refuses `none` and `minimal`);
    # astra: secondary, third-party pages that say the same. Secondary too (litellm discussion, blogs): `instructions`
    # counts for one turn and is billed uncached, so the leading text goes into the first developer message.
    "gpt-6.2-astra": _traits(
        window=922_000,
        output=128_000,
        efforts="low..max",
        leading_system="developer",
        extras="web_search computer_use",
        **_GPT_6,
    ),
    "gpt-6.2-sol": _traits(
        window=922_000,
        output=128_000,
        efforts="low..max",
        leading_system="developer",
        extras="web_search computer_use",
        **_GPT_6,
    ),
    # Default medium is echoed by astra, sol and luna (2026-09-24); we assume the same of the 6.1 models.
    "gpt-6.1-sol": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use", **_GPT_6
    ),
    "gpt-6.1-terra": _traits(
        window=922_000,
        output=128_000,
        efforts="none low..max",
        default="medium",
        extras="web_search computer_use",
        **_GPT_6,
    ),
    "gpt-6-astra": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use", **_GPT_6
    ),
    "gpt-6-astra-law": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use", **_GPT_6
    ),
    # Secondary: litellm 1.110.2 has the limits of daybreak, and only prices of the two rosalind models, for which a
    # window of 272,000 is the careful guess. No list of efforts is published. Seen 2026-11-30.
    "gpt-daybreak-blue-latest": _traits(window=922_000, output=128_000, efforts=None, reasoning_guess=True),
    **dict.fromkeys(
        ("gpt-daybreak-red-latest", "gpt-rosalind-research", "gpt-rosalind-discovery"),
        _traits(window=272_000, output=128_000, efforts=None, reasoning_guess=True),
    ),
    "gpt-6-rosalind": _traits(
        window=922_000, output=128_000, efforts="low..max", default="medium", extras="web_search computer_use", **_GPT_6
    ),
    "gpt-6-sol": _traits(
        window=922_000,
        output=128_000,
        efforts="none low..max",
        default="medium",
        extras="web_search computer_use",
        **_GPT_6,
    ),
    "gpt-6-luna": _traits(
        window=922_000,
        output=128_000,
        efforts="none low..max",
        default="medium",
        extras="web_search computer_use fast",
        **_GPT_6,
    ),
    # `max` is not in litellm's flags, but in OpenAI's pages and accepted by the API (2026-09-03).
    "gpt-5.6": _traits(
        window=900_000,
        output=128_000,
        efforts="none low..max",
        default="medium",
        extras="web_search computer_use",
        **_GPT_5_6,
    ),  # alias of sol
    "gpt-5.6-sol": _traits(
        window=900_000,
        output=128_000,
        efforts="none low..max",
        default="medium",
        extras="web_search computer_use",
        **_GPT_5_6,
    ),
    "gpt-5.6-terra": _traits(window=900_000, output=128_000, efforts="none low..max", default="medium", **_GPT_5_6),
    "gpt-5.6-luna": _traits(
        window=900_000, output=128_000, efforts="none low..max", default="medium", extras="web_search fast", **_GPT_5_6
    ),
    # Trusted access; 400,000 in all. No list of efforts is published.
    "gpt-5.6-cyber": _traits(
        window=272_000, output=128_000, efforts=None, reasoning_guess=True, extras="web_search computer_use", **_GPT_5_6
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
        shares_window=True,
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
    "gpt-4.1": _traits(
        window=1_047_576, output=32_768, efforts="", shares_window=True, verbosity=False, shutdown="2027-01-14"
    ),
    "gpt-4.1-mini": _traits(
        window=1_047_576,
        output=32_768,
        efforts="",
        shares_window=True,
        verbosity=False,
        shutdown="2027-01-14",
        extras="web_search fast",
    ),
    "gpt-4.1-nano": _traits(
        window=1_047_576,
        output=32_768,
        efforts="",
        shares_window=True,
        verbosity=False,
        shutdown="2026-10-23",
        extras="fast",
    ),
    "gpt-4o": _traits(
        window=128_000, output=16_384, efforts="", shares_window=True, verbosity=False, shutdown="2027-01-14", extras=""
    ),
    "gpt-4o-mini": _traits(
        window=128_000,
        output=16_384,
        efforts="",
        shares_window=True,
        verbosity=False,
        shutdown="2027-01-14",
        extras="fast",
    ),
    "gpt-4o-2024-05-13": _traits(
        window=128_000, output=4_096, efforts="", shares_window=True, verbosity=False, shutdown="2026-10-23", extras=""
    ),
}


# What OpenAI's page on deprecations recommends instead, for the pro models with `reasoning.mode` pro; seen 2026-12-01.
_SUCCESSORS = {
    **dict.fromkeys(("gpt-5", "gpt-5-pro", "o3", "o3-pro"), "gpt-6.1-sol"),
    "gpt-5-mini": "gpt-6.1-terra",
    **dict.fromkeys(("gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini"), "gpt-6-luna"),
}
MODEL_TRAITS.update({model: replace(MODEL_TRAITS[model], successor=name) for model, name in _SUCCESSORS.items()})

# The rows of models that are not listed, by the family that their id begins with: the smallest window of the family,
# and every effort that the caller asks for.
FAMILY_TRAITS: dict[str, ModelTraits] = {
    "gpt-6.2": _traits(
        window=922_000, output=128_000, efforts=None, reasoning_guess=True, leading_system="developer", **_GPT_6
    ),
    "gpt-6": _traits(window=922_000, output=128_000, efforts=None, reasoning_guess=True, **_GPT_6),
    "gpt-5.6": _traits(window=900_000, output=128_000, efforts=None, reasoning_guess=True, **_GPT_5_6),
    "gpt-5": _traits(window=272_000, output=128_000, efforts=None, reasoning_guess=True),
    # Chat variants, off at OpenAI: one effort (recorded probes), a small window (litellm).
    **dict.fromkeys(("gpt-5.1-chat", "gpt-5.2-chat", "gpt-5.3-chat"), _CHAT_MODEL),
    "gpt-4.1": _traits(window=1_047_576, output=32_768, efforts="", shares_window=True, verbosity=False, extras=""),
    "gpt-4o": _traits(window=128_000, output=16_384, efforts="", shares_window=True, verbosity=False, extras=""),
    "gpt-4": _traits(window=128_000, output=4_096, efforts="", shares_window=True, verbosity=False, extras=""),
    "gpt-3.5": _traits(
        window=16_385, output=4_096, efforts="", shares_window=True, verbosity=False, vision=False, extras=""
    ),
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
    window=128_000,
    output=16_384,
    efforts=None,
    sampling="always",
    vision_guess=True,
    is_listed=False,
    ciphertext_family=None,
    extras="",
)


def has_row(model: str) -> bool:
    """Return whether the table lists this very model, or the one whose snapshot it is, and not only its family."""
    return remove_snapshot_date(table_name(model)) in MODEL_TRAITS


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
