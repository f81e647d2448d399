"""A chat request and its options to one request body; what cannot be sent is listed, never lost in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from amplifier_core.message_models import ChatRequest

from ..facts.amendments import Amendments, apply_amendments
from ..facts.profile import BackendProfile
from ..facts.traits import EFFORTS, ModelTraits
from ..options.options import Options
from ..wire.types import Body, Item
from .messages import encode_messages
from .repair import Repair, repair_calls
from .tools import encode_response_format, encode_tool_choice, encode_tools, list_tool_includes

CIPHERTEXT_INCLUDE = "reasoning.encrypted_content"

# Below this the API answers 400 integer_below_min_value. Source: issue threads for OpenAI and Azure, seen 2026-11-21.
_MIN_OUTPUT_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRequest:
    """`dropped` says in words which options this service or model does not take, `left_out` which content."""

    body: Body
    dropped_options: list[str]
    dropped_content: list[str]
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
        refused_reasoning_keys=amendments.refused_reasoning_keys,
        replay_reasoning_ids=profile.reasoning_ids,
        system_as_instructions=place == "instructions",
    )
    items, repairs = repair_calls(history.items)
    instructions = history.instructions or profile.default_instructions
    if history.instructions and not items:
        items, instructions = [_make_developer_message(history.instructions)], profile.default_instructions
    if amendments.developer_as_system:
        items = [{**item, "role": "system"} if item.get("role") == "developer" else item for item in items]

    dropped: list[str] = []
    tools = encode_tools(request.tools, options.hosted_tools)
    body = _encode_options(options, profile, traits, amendments, tools, dropped)
    if instructions:
        body["instructions"] = instructions
    if tools:
        body["tools"] = tools
    if choice := encode_tool_choice(options.tool_choice, tools):
        body["tool_choice"] = choice
    apply_amendments(amendments.dropped_fields, body)
    for key in [key for key in body if key in profile.refused_fields or key not in (profile.allowed_fields or body)]:
        del body[key]
        dropped.append(f"{key}: {profile.refused_fields.get(key, 'this service does not take it')}")
    body.update(options.extra_body)
    body.pop("input", None)
    return EncodedRequest(
        body=cast(Body, {**body, "input": items}),
        dropped_options=dropped,
        dropped_content=history.dropped_content,
        repairs=repairs,
    )


def _encode_options(
    options: Options,
    profile: BackendProfile,
    traits: ModelTraits,
    amendments: Amendments,
    tools: list[Item],
    dropped_options: list[str],
) -> dict[str, Any]:
    """What the options ask for, less what the model does not take; that is added to `dropped`."""
    if options.stop:
        dropped_options.append("stop: the Responses API has no stop sequences")
    reasoning = _encode_reasoning(options, profile, traits, amendments, dropped_options)
    values: dict[str, Any] = {
        "model": options.model,
        "stream": True,
        "store": False,
        "service_tier": _encode_service_tier(options, profile, dropped_options),
        "include": _encode_include(traits, tools, reasoning, options),
        "reasoning": reasoning,
        "text": _encode_text_options(options, traits, dropped_options),
        **_encode_sampling(options, traits, reasoning, dropped_options),
        "max_output_tokens": _encode_max_output_tokens(options, dropped_options),
        "parallel_tool_calls": options.parallel_tool_calls if tools else None,
        "truncation": options.truncation,
        "prompt_cache_key": options.prompt_cache_key,
        "prompt_cache_retention": options.prompt_cache_retention,
        "safety_identifier": options.safety_identifier,
    }
    return {key: value for key, value in values.items() if value is not None}


def _encode_service_tier(options: Options, profile: BackendProfile, dropped_options: list[str]) -> str | None:
    asked, tiers = options.service_tier, profile.service_tiers
    if asked is None or tiers is None:
        return asked
    if asked not in tiers:
        dropped_options.append(f"service_tier {asked}: this service takes {', '.join(tiers)}")
    return tiers.get(asked)


def _make_developer_message(text: str) -> Item:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def _encode_reasoning(
    options: Options, profile: BackendProfile, traits: ModelTraits, amendments: Amendments, dropped_options: list[str]
) -> Item | None:
    """The `reasoning` object; None where nothing is asked of a model that reasons by itself, or that cannot reason."""
    asked = profile.effort_names.get(options.reasoning_effort or "", options.reasoning_effort)
    allowed = amendments.allowed_efforts or traits.efforts
    if allowed == ():
        if asked not in (None, "none"):
            dropped_options.append(f"reasoning_effort {asked}: {options.model} does not reason")
        return None
    if asked is None and options.extended_thinking and traits.default_effort == "none":
        asked = "medium"
    effort = asked
    if asked is not None and allowed is not None and asked not in allowed:
        effort = find_nearest_effort(asked, allowed)
        dropped_options.append(
            f"reasoning_effort {asked}: {options.model} allows {', '.join(allowed)}; {effort} is used"
        )
    asks = traits.can_reason is True or asked is not None
    summary = options.reasoning_summary if asks and effort != "none" else None
    reasoning = {**options.reasoning, "effort": effort, "summary": summary}
    return {key: value for key, value in reasoning.items() if value not in (None, "")} or None


def find_nearest_effort(requested_effort: str, allowed_efforts: tuple[str, ...]) -> str:
    """The allowed effort closest to the one asked; of two as close, the cheaper."""
    rank = EFFORTS.index(requested_effort) if requested_effort in EFFORTS else EFFORTS.index("medium")
    return min(allowed_efforts, key=lambda effort: (abs(EFFORTS.index(effort) - rank), EFFORTS.index(effort)))


def _encode_include(
    traits: ModelTraits, tools: list[Item], reasoning: Item | None, options: Options
) -> list[str] | None:
    reasons = traits.can_reason is not False and (reasoning or {}).get("effort") != "none"
    include = ([CIPHERTEXT_INCLUDE] if reasons else []) + list_tool_includes(tools) + list(options.include)
    return list(dict.fromkeys(include)) or None


def _encode_text_options(options: Options, traits: ModelTraits, dropped_options: list[str]) -> Item | None:
    text: Item = {}
    if text_format := encode_response_format(options.response_format):
        text["format"] = text_format
    if options.verbosity:
        if traits.verbosity:
            text["verbosity"] = options.verbosity
        else:
            dropped_options.append(f"verbosity: {options.model} does not take it")
    return text or None


def _encode_sampling(
    options: Options, traits: ModelTraits, reasoning: Item | None, dropped_options: list[str]
) -> dict[str, float]:
    """`temperature` and `top_p`, where the model takes them; zero is a value."""
    asked = {"temperature": options.temperature, "top_p": options.top_p}
    given = {key: value for key, value in asked.items() if value is not None}
    effort = (reasoning or {}).get("effort", traits.default_effort)
    if traits.sampling == "always" or (traits.sampling == "effort_none" and effort == "none"):
        return given
    dropped_options.extend(f"{key}: {options.model} does not take it while it reasons" for key in given)
    return {}


def _encode_max_output_tokens(options: Options, dropped_options: list[str]) -> int | None:
    asked = options.max_output_tokens
    if asked is not None and asked < _MIN_OUTPUT_TOKENS:
        dropped_options.append(f"max_output_tokens {asked}: the API takes {_MIN_OUTPUT_TOKENS} or more, which is used")
        return _MIN_OUTPUT_TOKENS
    return asked
