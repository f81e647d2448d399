"""A chat request and its options to one request body; what cannot be sent is listed, never lost in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from amplifier_core.message_models import ChatRequest

from ..facts.amendments import Amendments, apply
from ..facts.profile import BackendProfile
from ..facts.traits import EFFORTS, ModelTraits
from ..options.options import Options
from ..wire.types import Body, Item
from .messages import encode_messages
from .repair import Repair, repair
from .tools import encode_format, encode_tool_choice, encode_tools, shown_by

CIPHERTEXT = "reasoning.encrypted_content"

# Below this the API answers 400 integer_below_min_value. Source: issue threads for OpenAI and Azure, seen 2026-11-21.
_LEAST_OUTPUT_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRequest:
    """`dropped` says in words which options this service or model does not take, `left_out` which content."""

    body: Body
    dropped: list[str]
    left_out: list[str]
    repairs: list[Repair]


def encode_request(
    request: ChatRequest,
    options: Options,
    *,
    profile: BackendProfile,
    traits: ModelTraits,
    amendments: Amendments,
    origin: str,
) -> EncodedRequest:
    """Build the body of one call.

    Args:
        request: what the host asked; read, never changed.
        options: what the call resolved to.
        profile: the service's quirks.
        traits: the model's abilities.
        amendments: what this endpoint refused before.
        origin: whose ciphertext may be replayed.
    """
    place = profile.leading_system or traits.leading_system
    history = encode_messages(
        request.messages,
        origin=origin,
        refused_reasoning=amendments.refused_reasoning,
        reasoning_ids=profile.reasoning_ids,
        apart=place == "instructions",
    )
    items, repairs = repair(history.items)
    instructions = history.instructions or profile.default_instructions
    if history.instructions and not items:
        items, instructions = [_developer(history.instructions)], profile.default_instructions
    if amendments.system_role:
        items = [{**item, "role": "system"} if item.get("role") == "developer" else item for item in items]

    dropped: list[str] = []
    tools = encode_tools(request.tools, options.hosted_tools)
    body = _fields(options, profile, traits, amendments, tools, dropped)
    if instructions:
        body["instructions"] = instructions
    if tools:
        body["tools"] = tools
    if choice := encode_tool_choice(options.tool_choice, tools):
        body["tool_choice"] = choice
    apply(amendments.drop, body)
    for key in [key for key in body if key in profile.refuses or key not in (profile.takes or body)]:
        del body[key]
        dropped.append(f"{key}: {profile.refuses.get(key, 'this service does not take it')}")
    body.update(options.extra_body)
    body.pop("input", None)
    return EncodedRequest(
        body=cast(Body, {**body, "input": items}), dropped=dropped, left_out=history.dropped, repairs=repairs
    )


def _fields(
    options: Options,
    profile: BackendProfile,
    traits: ModelTraits,
    amendments: Amendments,
    tools: list[Item],
    dropped: list[str],
) -> dict[str, Any]:
    """What the options ask for, less what the model does not take; that is added to `dropped`."""
    if options.stop:
        dropped.append("stop: the Responses API has no stop sequences")
    reasoning = _reasoning(options, profile, traits, amendments, dropped)
    values: dict[str, Any] = {
        "model": options.model,
        "stream": True,
        "store": False,
        "service_tier": _service_tier(options, profile, dropped),
        "include": _include(traits, tools, reasoning, options),
        "reasoning": reasoning,
        "text": _text(options, traits, dropped),
        **_sampling(options, traits, reasoning, dropped),
        "max_output_tokens": _output_tokens(options, dropped),
        "parallel_tool_calls": options.parallel_tool_calls if tools else None,
        "truncation": options.truncation,
        "prompt_cache_key": options.prompt_cache_key,
        "prompt_cache_retention": options.prompt_cache_retention,
        "safety_identifier": options.safety_identifier,
    }
    return {key: value for key, value in values.items() if value is not None}


def _service_tier(options: Options, profile: BackendProfile, dropped: list[str]) -> str | None:
    asked, tiers = options.service_tier, profile.service_tiers
    if asked is None or tiers is None:
        return asked
    if asked not in tiers:
        dropped.append(f"service_tier {asked}: this service takes {', '.join(tiers)}")
    return tiers.get(asked)


def _developer(text: str) -> Item:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def _reasoning(
    options: Options, profile: BackendProfile, traits: ModelTraits, amendments: Amendments, dropped: list[str]
) -> Item | None:
    """The `reasoning` object; None where nothing is asked of a model that reasons by itself, or that cannot reason."""
    asked = profile.effort_names.get(options.reasoning_effort or "", options.reasoning_effort)
    allowed = amendments.efforts or traits.efforts
    if allowed == ():
        if asked not in (None, "none"):
            dropped.append(f"reasoning_effort {asked}: {options.model} does not reason")
        return None
    if asked is None and options.extended_thinking and traits.default_effort == "none":
        asked = "medium"
    effort = asked
    if asked is not None and allowed is not None and asked not in allowed:
        effort = nearest_effort(asked, allowed)
        dropped.append(f"reasoning_effort {asked}: {options.model} allows {', '.join(allowed)}; {effort} is used")
    asks = traits.reasons is True or asked is not None
    summary = options.reasoning_summary if asks and effort != "none" else None
    reasoning = {**options.reasoning, "effort": effort, "summary": summary}
    return {key: value for key, value in reasoning.items() if value not in (None, "")} or None


def nearest_effort(asked: str, allowed: tuple[str, ...]) -> str:
    """The allowed effort closest to the one asked; of two as close, the cheaper."""
    rank = EFFORTS.index(asked) if asked in EFFORTS else EFFORTS.index("medium")
    return min(allowed, key=lambda effort: (abs(EFFORTS.index(effort) - rank), EFFORTS.index(effort)))


def _include(traits: ModelTraits, tools: list[Item], reasoning: Item | None, options: Options) -> list[str] | None:
    reasons = traits.reasons is not False and (reasoning or {}).get("effort") != "none"
    include = ([CIPHERTEXT] if reasons else []) + shown_by(tools) + list(options.include)
    return list(dict.fromkeys(include)) or None


def _text(options: Options, traits: ModelTraits, dropped: list[str]) -> Item | None:
    text: Item = {}
    if text_format := encode_format(options.response_format):
        text["format"] = text_format
    if options.verbosity:
        if traits.verbosity:
            text["verbosity"] = options.verbosity
        else:
            dropped.append(f"verbosity: {options.model} does not take it")
    return text or None


def _sampling(options: Options, traits: ModelTraits, reasoning: Item | None, dropped: list[str]) -> dict[str, float]:
    """`temperature` and `top_p`, where the model takes them; zero is a value."""
    asked = {"temperature": options.temperature, "top_p": options.top_p}
    given = {key: value for key, value in asked.items() if value is not None}
    effort = (reasoning or {}).get("effort", traits.default_effort)
    if traits.sampling == "always" or (traits.sampling == "effort_none" and effort == "none"):
        return given
    dropped.extend(f"{key}: {options.model} does not take it while it reasons" for key in given)
    return {}


def _output_tokens(options: Options, dropped: list[str]) -> int | None:
    asked = options.max_output_tokens
    if asked is not None and asked < _LEAST_OUTPUT_TOKENS:
        dropped.append(f"max_output_tokens {asked}: the API takes {_LEAST_OUTPUT_TOKENS} or more, which is used")
        return _LEAST_OUTPUT_TOKENS
    return asked
