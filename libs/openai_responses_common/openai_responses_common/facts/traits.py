"""What a model can take and do, as one table with evidence, and the lookup that always answers.

Invariants: pure data and string work; an unlisted id gets its family's row, an unknown one passes on what was asked. A
row says what the service accepts, not what is wise. The user's `model_info` option wins over every row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


LONG_CONTEXT_TOKENS = 400_000  # what we call an unusually large window; between the 272k and the 900k models


Sampling = Literal["always", "effort_none", "never"]


LeadingSystem = Literal["instructions", "developer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTraits:
    """Facts about one model, or the best guess at one (`known` is False)."""

    context_window: int  # input tokens it accepts, not input plus output: context managers budget the input by it
    max_output_tokens: int
    efforts: tuple[str, ...] | None  # allowed reasoning.effort, weakest first; () = takes none, None = nobody knows
    default_effort: str | None  # what the service does when none is sent; None = not published, or takes none
    sampling: Sampling  # where temperature and top_p are taken: always, only while the effort is none, never
    verbosity: bool = True  # takes text.verbosity
    vision: bool = True
    leading_system: LeadingSystem = "instructions"  # where the leading system text goes
    is_listed: bool = True  # False where no row or family vouches for the model, also under the user's own numbers
    tools: bool = True
    reasoning_guess: bool | None = None  # whether it reasons; read only while efforts are unknown
    shutdown: str | None = None  # announced last day at OpenAI, for display; Azure has later days of its own
    extra_capabilities: tuple[str, ...] = ()  # further capability names

    @property
    def can_reason(self) -> bool | None:
        """Whether the model reasons at some effort; None when nobody knows."""
        return self.reasoning_guess if self.efforts is None else bool(self.efforts)

    def list_capabilities(self) -> list[str]:
        """Amplifier's well-known capability names that hold for this model."""
        claims = {
            "tools": self.tools,
            "streaming": True,
            "thinking": self.can_reason is True,
            "vision": self.vision,
            "json_mode": True,
            "long_context": self.context_window >= LONG_CONTEXT_TOKENS,
        }
        return [*(name for name, holds in claims.items() if holds), *self.extra_capabilities]


def _make_traits(
    context_window: int,
    max_output_tokens: int,
    efforts: str | None,
    default_effort: str | None = None,
    *,
    sampling: Sampling | None = None,
    extra_capabilities: str = "web_search",
    **further_traits: Any,
) -> ModelTraits:
    names = None if efforts is None else tuple(efforts.split())
    if sampling is None:
        # The rule of every hosted model: sampling is taken exactly while it does not reason. Seen in recorded probes of
        # the API (o1 to gpt-5.6, Aug 2026; gpt-6-astra/-sol/-luna, 2026-09-24): 400 unless the effort in force is none.
        sampling = "always" if names == () else "effort_none" if names is None or "none" in names else "never"
    return ModelTraits(
        context_window=context_window,
        max_output_tokens=max_output_tokens,
        efforts=names,
        default_effort=default_effort,
        sampling=sampling,
        extra_capabilities=tuple(extra_capabilities.split()),
        **further_traits,
    )


# Limits of the 1,050,000-token models: 128,000 are kept for output, so 922,000 may come in ("Input tokens exceed the
# configured limit of 922000 tokens", the API's own words, seen Aug-Sep 2026; the same in litellm 1.109.1 for gpt-6 and
# Azure). For gpt-5.6 one measurement had 908k accepted and 928k refused: the 900,000 used upstream is the safe number.
# The 400,000-token models accept 272,000 in the same way. Older models share one window between input and output.
_922K, _900K, _272K, _200K, _128K, _100K = 922_000, 900_000, 272_000, 200_000, 128_000, 100_000


_LOW_TO_HIGH, _LOW_TO_XHIGH, _LOW_TO_MAX, _MEDIUM_TO_XHIGH = (
    "low medium high",
    "low medium high xhigh",
    "low medium high xhigh max",
    "medium high xhigh",
)


_WEB_SEARCH, _WEB_SEARCH_AND_COMPUTER_USE, _WEB_SEARCH_AND_FAST = (
    "web_search",
    "web_search computer_use",
    "web_search fast",
)


_O_SERIES = _make_traits(_200K, _100K, _LOW_TO_HIGH, "medium", verbosity=False, extra_capabilities="")


_CHAT_MODEL = _make_traits(_128K, 16_384, "medium", "medium", verbosity=False, extra_capabilities="")


_DEEP_RESEARCH = replace(
    _O_SERIES, efforts=None, reasoning_guess=True, tools=False, extra_capabilities=("web_search", "deep_research")
)


# Efforts and defaults: recorded API probes ("Supported values are: ..."), Aug-Oct 2026, unless a row says otherwise.
# Windows, hosted tools, shutdown days: litellm 1.109.1 and openai 3.52.0, seen 2026-11-21.
MODEL_TRAITS: dict[str, ModelTraits] = {
    # Third party only (litellm discussion, blogs; out 2026-11-17): verify. There `instructions` counts for one turn and
    # is billed uncached, so the leading text goes into the first developer message.
    "gpt-6.2-astra": _make_traits(
        _922K, _128K, _LOW_TO_MAX, leading_system="developer", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-6.2-sol": _make_traits(
        _922K, _128K, _LOW_TO_MAX, leading_system="developer", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    # Default medium is echoed by astra, sol and luna (2026-09-24); the 6.1 models are taken to follow.
    "gpt-6.1-sol": _make_traits(_922K, _128K, _LOW_TO_MAX, "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE),
    "gpt-6.1-terra": _make_traits(
        _922K, _128K, f"none {_LOW_TO_MAX}", "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-6-astra": _make_traits(_922K, _128K, _LOW_TO_MAX, "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE),
    "gpt-6-astra-law": _make_traits(
        _922K, _128K, _LOW_TO_MAX, "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-6-rosalind": _make_traits(
        _922K, _128K, _LOW_TO_MAX, "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-6-sol": _make_traits(
        _922K, _128K, f"none {_LOW_TO_MAX}", "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-6-luna": _make_traits(
        _922K, _128K, f"none {_LOW_TO_MAX}", "medium", extra_capabilities=f"{_WEB_SEARCH_AND_COMPUTER_USE} fast"
    ),
    # `max` is not in litellm's flags, but in OpenAI's pages and accepted by the API (2026-09-03).
    "gpt-5.6": _make_traits(
        _900K, _128K, f"none {_LOW_TO_MAX}", "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),  # alias of sol
    "gpt-5.6-sol": _make_traits(
        _900K, _128K, f"none {_LOW_TO_MAX}", "medium", extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-5.6-terra": _make_traits(_900K, _128K, f"none {_LOW_TO_MAX}", "medium"),
    "gpt-5.6-luna": _make_traits(
        _900K, _128K, f"none {_LOW_TO_MAX}", "medium", extra_capabilities=_WEB_SEARCH_AND_FAST
    ),
    # Trusted access; 400,000 in all. No list of efforts is published.
    "gpt-5.6-cyber": _make_traits(
        _272K, _128K, None, reasoning_guess=True, extra_capabilities=_WEB_SEARCH_AND_COMPUTER_USE
    ),
    "gpt-5.5": _make_traits(_922K, _128K, f"none {_LOW_TO_XHIGH}", "medium"),
    "gpt-5.5-pro": _make_traits(_922K, _128K, _MEDIUM_TO_XHIGH),
    "gpt-5.4": _make_traits(_922K, _128K, f"none {_LOW_TO_XHIGH}", "none"),
    "gpt-5.4-pro": _make_traits(_922K, _128K, _MEDIUM_TO_XHIGH),
    "gpt-5.4-mini": _make_traits(
        _272K, _128K, f"none {_LOW_TO_XHIGH}", "none", extra_capabilities=_WEB_SEARCH_AND_FAST
    ),
    "gpt-5.4-nano": _make_traits(
        _272K, _128K, f"none {_LOW_TO_XHIGH}", "none", shutdown="2027-04-01", extra_capabilities=_WEB_SEARCH_AND_FAST
    ),
    # Some pages say medium; a probe took temperature without an effort, which only a model at rest does.
    "gpt-5.3-codex": _make_traits(_272K, _128K, f"none {_LOW_TO_XHIGH}", "none", shutdown="2027-04-01"),
    "gpt-5.2": _make_traits(_272K, _128K, f"none {_LOW_TO_XHIGH}", "none"),
    "gpt-5.2-pro": _make_traits(_272K, _128K, _MEDIUM_TO_XHIGH),
    "gpt-5.1": _make_traits(_272K, _128K, f"none {_LOW_TO_HIGH}", "none", shutdown="2027-04-01"),
    # Off at OpenAI, still on Azure; text.verbosity takes nothing but medium (error text of 5.1-codex-max, 5.2-codex).
    "gpt-5.2-codex": _make_traits(_272K, _128K, _LOW_TO_XHIGH, "medium", verbosity=False, shutdown="2026-07-23"),
    "gpt-5.1-codex-max": _make_traits(_272K, _128K, _LOW_TO_XHIGH, "medium", verbosity=False, shutdown="2026-07-23"),
    "gpt-5.1-codex": _make_traits(_272K, _128K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-07-23"),
    "gpt-5.1-codex-mini": _make_traits(
        _272K, _128K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-07-23", extra_capabilities="fast"
    ),
    "gpt-5-codex": _make_traits(_272K, _128K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-07-23"),
    "gpt-5": _make_traits(_272K, _128K, f"minimal {_LOW_TO_HIGH}", "medium", shutdown="2026-12-11"),
    "gpt-5-mini": _make_traits(
        _272K,
        _128K,
        f"minimal {_LOW_TO_HIGH}",
        "medium",
        shutdown="2026-12-11",
        extra_capabilities=_WEB_SEARCH_AND_FAST,
    ),
    "gpt-5-nano": _make_traits(
        _272K,
        _128K,
        f"minimal {_LOW_TO_HIGH}",
        "medium",
        shutdown="2026-12-11",
        extra_capabilities=_WEB_SEARCH_AND_FAST,
    ),
    # OpenAI's page says 272,000 out of 400,000, Azure's 272,000 in and 128,000 out: these two numbers suit both.
    "gpt-5-pro": _make_traits(_272K, _128K, "high", "high", shutdown="2026-12-11"),
    "chat-latest": _make_traits(_272K, _128K, "medium", "medium", verbosity=False),
    "o3": _make_traits(
        _200K, _100K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-12-11", extra_capabilities=_WEB_SEARCH
    ),
    "o3-pro": _make_traits(
        _200K, _100K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-12-11", extra_capabilities=_WEB_SEARCH
    ),
    "o3-mini": _make_traits(
        _200K,
        _100K,
        _LOW_TO_HIGH,
        "medium",
        verbosity=False,
        shutdown="2026-10-23",
        vision=False,
        extra_capabilities="",
    ),
    "o4-mini": _make_traits(
        _200K,
        _100K,
        _LOW_TO_HIGH,
        "medium",
        verbosity=False,
        shutdown="2026-10-23",
        extra_capabilities=_WEB_SEARCH_AND_FAST,
    ),
    "o1": _make_traits(
        _200K, _100K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-10-23", extra_capabilities=""
    ),
    "o1-pro": _make_traits(
        _200K, _100K, _LOW_TO_HIGH, "medium", verbosity=False, shutdown="2026-10-23", extra_capabilities=""
    ),
    "o3-deep-research": replace(_DEEP_RESEARCH, shutdown="2026-07-23"),
    "o4-mini-deep-research": replace(_DEEP_RESEARCH, shutdown="2026-07-23"),
    # The SDK dates these aliases too, the price table only their snapshots.
    "gpt-4.1": _make_traits(1_047_576, 32_768, "", verbosity=False, shutdown="2027-01-14"),
    "gpt-4.1-mini": _make_traits(
        1_047_576, 32_768, "", verbosity=False, shutdown="2027-01-14", extra_capabilities=_WEB_SEARCH_AND_FAST
    ),
    "gpt-4.1-nano": _make_traits(
        1_047_576, 32_768, "", verbosity=False, shutdown="2026-10-23", extra_capabilities="fast"
    ),
    "gpt-4o": _make_traits(_128K, 16_384, "", verbosity=False, shutdown="2027-01-14", extra_capabilities=""),
    "gpt-4o-mini": _make_traits(_128K, 16_384, "", verbosity=False, shutdown="2027-01-14", extra_capabilities="fast"),
    "gpt-4o-2024-05-13": _make_traits(_128K, 4_096, "", verbosity=False, shutdown="2026-10-23", extra_capabilities=""),
}


# What an unlisted member of a family is taken for: the smallest window of its kin, and any effort that was asked.
FAMILY_TRAITS: dict[str, ModelTraits] = {
    "gpt-6.2": _make_traits(_922K, _128K, None, reasoning_guess=True, leading_system="developer"),
    "gpt-6": _make_traits(_922K, _128K, None, reasoning_guess=True),
    "gpt-5.6": _make_traits(_900K, _128K, None, reasoning_guess=True),
    "gpt-5": _make_traits(_272K, _128K, None, reasoning_guess=True),
    # Chat variants, off at OpenAI: one effort (recorded probes), a small window (litellm).
    **dict.fromkeys(("gpt-5.1-chat", "gpt-5.2-chat", "gpt-5.3-chat"), _CHAT_MODEL),
    "gpt-4.1": _make_traits(1_047_576, 32_768, "", verbosity=False, extra_capabilities=""),
    "gpt-4o": _make_traits(_128K, 16_384, "", verbosity=False, extra_capabilities=""),
    "gpt-4": _make_traits(_128K, 4_096, "", verbosity=False, extra_capabilities=""),
    "gpt-3.5": _make_traits(16_385, 4_096, "", verbosity=False, vision=False, extra_capabilities=""),
    "o1": _O_SERIES,
    "o3": _O_SERIES,
    "o4": _O_SERIES,
    # 131,072 shared; a local server refuses input plus asked output beyond it, so the output's share is taken off.
    # Raw reasoning_text, sampling and three efforts (vLLM, Ollama; output limit as of litellm's hosted rows).
    "gpt-oss": _make_traits(
        98_304, 32_768, _LOW_TO_HIGH, "medium", sampling="always", verbosity=False, vision=False, extra_capabilities=""
    ),
    # A generation after these rows: every general model since gpt-5 reasons and takes at least this much.
    "gpt": _make_traits(_272K, _128K, None, reasoning_guess=True, is_listed=False, extra_capabilities=""),
}


# A deployment's name or somebody else's model: the smallest hosted limits still in service (gpt-4o), because a window
# too small compacts early while one too large fails the call; nothing that was asked for is held back.
UNKNOWN_TRAITS = _make_traits(_128K, 16_384, None, sampling="always", is_listed=False, extra_capabilities="")


def find_traits(model: str) -> ModelTraits:
    name = model.lower().removeprefix("ft:").rpartition("/")[2]  # fine-tunes; "openai/gpt-oss-120b" of other servers
    row = MODEL_TRAITS.get(name) or MODEL_TRAITS.get(remove_snapshot_date(name))
    while row is None and name:
        row = FAMILY_TRAITS.get(name)
        name = name[: max(name.rfind("-"), name.rfind("."), name.rfind(":"), 0)]
    return row or UNKNOWN_TRAITS


_SNAPSHOT_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def has_snapshot_date(model_id: str) -> bool:
    """Whether the id names a dated snapshot, as in `gpt-5.5-2026-04-23`."""
    return _SNAPSHOT_DATE.search(model_id) is not None


def remove_snapshot_date(model_id: str) -> str:
    """The id without its snapshot date."""
    return _SNAPSHOT_DATE.sub("", model_id)


# No agent work over the Responses API: other media, other endpoints, no function calling (gpt-5-chat, deep research).
_NON_AGENT_ID = re.compile(
    r"(^|[-_/.:])(embed(ding)?s?|tts|whisper|transcribe|realtime|audio|image|dall-e|sora|moderation|rerank(er)?"
    r"|search-preview|search-api|deep-research|computer-use-preview|davinci|babbage)([-_/.:]|$)"
    r"|^gpt-(live|5-chat|3\.5-turbo-instruct)|-4o-latest$"
)


def is_agent_model(model_id: str) -> bool:
    """Whether a listed model can do agent work here; an id that says nothing is kept, as servers name theirs freely."""
    return _NON_AGENT_ID.search(model_id.lower()) is None
