"""Encodes a chat request and its options as one request body; what cannot be sent is reported.

Each function for a part of the body returns its notes beside it: sentences that say which options were dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, cast

from amplifier_core.message_models import ChatRequest

from ..facts.amendments import Amendments, amend_body
from ..facts.backend_profile import BackendProfile
from ..facts.traits import EFFORTS, ModelTraits, SystemTextRole
from ..options.options import Options
from ..wire.json_values import as_objects
from ..wire.types import Body, Item
from .background import encode_background, runs_in_background
from .compaction import encode_threshold
from .effort_updates import find_effort, set_effort, takes_effort_updates
from .encoding_cache import EncodingCache
from .history_repair import repair_history
from .messages import encode_messages
from .refused_items import drop_refused_items
from .repair import Repair
from .replay import TargetModel
from .tool_names import ToolNames
from .tool_placement import drop_refused_tools, place_tools
from .tools import (
    drop_left_out_choice,
    encode_response_format,
    encode_tool_choice,
    encode_tools,
    list_tool_includes,
)

CIPHERTEXT_INCLUDE = "reasoning.encrypted_content"

# Below this the API answers 400 integer_below_min_value. Source: issue threads for OpenAI and Azure, seen 2026-11-21.
_MIN_OUTPUT_TOKENS = 16

_Notes = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRequest:
    """A body, and what the user has to know about it.

    Attributes:
        body: the body, ready to be sent.
        dropped_options: sentences about the options that this service or model does not accept.
        dropped_content: sentences about the content that is not sent.
        dropped_by_amendments: sentences about what an earlier refusal removes, of which the user was warned then.
        repairs: the changes that pair client calls with call outputs.
        tool_names: the host's names of the tools, for the response.
        effort: the effort that it asks for, if the input of a later request may change it; empty by default.
    """

    body: Body
    dropped_options: list[str]
    dropped_content: list[str]
    dropped_by_amendments: list[str]
    repairs: list[Repair]
    tool_names: ToolNames
    effort: str = ""


class _TargetArguments(TypedDict):
    refused_item_keys: frozenset[str]
    replay_reasoning_ids: bool
    system_as_instructions: bool
    system_text_role: SystemTextRole
    target: TargetModel


def encode_request(
    request: ChatRequest,
    options: Options,
    *,
    profile: BackendProfile,
    traits: ModelTraits,
    amendments: Amendments,
    origin: str,
    is_continuation: bool = False,
    cache: EncodingCache | None = None,
) -> EncodedRequest:
    """Return the body of one call.

    Args:
        request: the chat request; it is never changed.
        options: the resolved options of the call.
        profile: the quirks of the service.
        traits: the abilities of the model.
        amendments: what earlier refusals of this endpoint taught.
        origin: the account and endpoint whose ciphertext and ids are sent.
        is_continuation: whether the model is to go on from its newest message; false by default.
        cache: what earlier requests encoded. None, the default, encodes everything anew.
    """
    encoded_tools = (cache.encode_tools if cache else encode_tools)(request.tools, options.hosted_tools)
    tools, refused_tools = drop_refused_tools(encoded_tools.items, profile)
    tool_names = encoded_tools.names
    body, option_notes = _encode_options(options, profile, traits, amendments, tools)
    effort = find_effort(body) if takes_effort_updates(options, profile, traits, amendments) else ""
    history = encode_messages(
        request.messages,
        origin=origin,
        tool_names=tool_names,
        effort=effort,
        default_effort=traits.default_effort,
        cache=cache,
        **_describe_target(options, profile, traits, amendments),
    )
    if history.effort:
        body = set_effort(body, history.effort)
    items, repairs = repair_history(history, tool_names)
    items, refused_items = drop_refused_items(items, profile)
    if is_continuation and profile.incomplete_status and items[-1].get("role") == "assistant":
        items = [*items[:-1], {**items[-1], "status": "incomplete"}]
    items, instructions = _place_instructions(items, history.instructions, options, profile)
    choice, choice_notes = _encode_choice(request, options, tools, tool_names)
    fields = {"instructions": instructions, "tools": tools, "tool_choice": choice}
    body |= {key: value for key, value in fields.items() if value}
    body, amendment_notes = amend_body({**body, "input": items}, amendments)
    items = _place_tools(body, profile)
    body, field_notes = _remove_refused_fields(body, profile)
    extra_body, extra_notes = _read_extra_body(options)
    return EncodedRequest(
        body=cast(Body, {**body, **extra_body, "input": items}),
        dropped_options=option_notes + encoded_tools.notes + refused_tools + choice_notes + field_notes + extra_notes,
        dropped_content=history.dropped_content + refused_items,
        dropped_by_amendments=amendment_notes,
        repairs=repairs,
        tool_names=tool_names,
        effort=effort,
    )


def _place_tools(body: dict[str, Any], profile: BackendProfile) -> list[Item]:
    """Put the tools of a body where the service takes them, and take its input out, which is returned."""
    body["tools"], items = place_tools(body.get("tools", []), body.pop("input"), profile)
    if not body["tools"]:
        del body["tools"]
    return items


def _encode_choice(
    request: ChatRequest, options: Options, tools: list[Item], tool_names: ToolNames
) -> tuple[str | Item | None, _Notes]:
    choice = encode_tool_choice(options.tool_choice, tools, tool_names)
    if choice is None:
        return None, []
    return drop_left_out_choice(choice, tools, request.tools, options.hosted_tools, tool_names)


def _describe_target(
    options: Options, profile: BackendProfile, traits: ModelTraits, amendments: Amendments
) -> _TargetArguments:
    """Return the arguments of `encode_messages` that say what the service and its model read."""
    return {
        "refused_item_keys": amendments.refused_item_keys,
        "replay_reasoning_ids": profile.reasoning_ids,
        "system_as_instructions": (profile.leading_system or traits.leading_system) == "instructions",
        "system_text_role": profile.system_text_role,
        "target": _find_target(options, profile, traits),
    }


def _find_target(options: Options, profile: BackendProfile, traits: ModelTraits) -> TargetModel:
    family = traits.ciphertext_family
    return TargetModel(
        names=(options.model, options.model_info.find_table_id(options.model)),
        ciphertext_family=profile.ciphertext_family if family is None else family,
        is_alias=not traits.is_listed,
        reasons=traits.can_reason is not False,
        reads_summaries=profile.reads_summaries,
        vision=traits.vision,
    )


def _place_instructions(
    items: list[Item], instructions: str | None, options: Options, profile: BackendProfile
) -> tuple[list[Item], str | None]:
    """Return the items and the instructions; the leading system text is an item where the service needs it there."""
    if (encode_response_format(options.response_format) or {}).get("type") == "json_object":
        items, instructions = _put_json_into_input(items, instructions, profile)
    elif instructions and not items:  # a request needs input
        items, instructions = [_make_system_text(instructions, profile)], None
    return items, instructions or profile.default_instructions


def _put_json_into_input(
    items: list[Item], instructions: str | None, profile: BackendProfile
) -> tuple[list[Item], str | None]:
    """Return the items with the word JSON among them, and the instructions that are left.

    In JSON mode the service refuses an input without the word and does not look at `instructions`. Only the text up
    to the first user message decides, so that the beginning of the body stays the same in later turns.
    """
    if not _names_json(instructions or ""):
        end = next((index for index, item in enumerate(items, 1) if item.get("role") == "user"), len(items))
        texts = [str(part.get("text")) for item in items[:end] for part in as_objects(item.get("content"))]
        if any(map(_names_json, texts)) or not (items or instructions):
            return items, instructions
        instructions = "\n\n".join(filter(None, (instructions, "Respond with JSON.")))
    return [_make_system_text(instructions or "", profile), *items], None


def _names_json(text: str) -> bool:
    return "json" in text.lower()


def _make_system_text(text: str, profile: BackendProfile) -> Item:
    return {"type": "message", "role": profile.system_text_role, "content": [{"type": "input_text", "text": text}]}


def _remove_refused_fields(body: dict[str, Any], profile: BackendProfile) -> tuple[dict[str, Any], _Notes]:
    allowed_fields = body.keys() if profile.allowed_fields is None else profile.allowed_fields
    refused = [key for key in body if key in profile.refused_fields or key not in allowed_fields]
    notes = [f"{key}: {profile.refused_fields.get(key, 'this service does not accept it')}" for key in refused]
    return {key: value for key, value in body.items() if key not in refused}, notes


def _read_extra_body(options: Options) -> tuple[dict[str, Any], _Notes]:
    extra_body = dict(options.extra_body)
    if extra_body.pop("input", None) is None:
        return extra_body, []
    return extra_body, ["extra_body.input: the messages of the call are sent instead"]


def _encode_options(
    options: Options, profile: BackendProfile, traits: ModelTraits, amendments: Amendments, tools: list[Item]
) -> tuple[dict[str, Any], _Notes]:
    """Return the fields for the options, without those that the model does not accept."""
    reasoning, reasoning_notes = _encode_reasoning(options, profile, traits, amendments)
    tier, tier_notes = _encode_service_tier(options, profile)
    text, text_notes = _encode_text_options(options, traits)
    sampling, sampling_notes = _encode_sampling(options, traits, reasoning)
    max_output_tokens, max_notes = _encode_max_output_tokens(options)
    cache_options, cache_notes = _encode_cache_options(options, traits)
    fields: dict[str, Any] = {
        "model": options.model,
        **encode_background(options, profile),
        "service_tier": tier,
        "include": _encode_include(traits, tools, reasoning, options, profile),
        "reasoning": reasoning,
        "text": text,
        **sampling,
        "max_output_tokens": max_output_tokens,
        "parallel_tool_calls": options.parallel_tool_calls if tools else None,
        "truncation": options.truncation,
        "context_management": encode_threshold(options.compact_threshold),
        "prompt_cache_key": options.prompt_cache_key,
        "prompt_cache_retention": options.prompt_cache_retention,
        "prompt_cache_options": cache_options,
        "safety_identifier": options.safety_identifier,
    }
    notes = ["stop: the Responses API has no stop sequences"] if options.stop else []
    notes += reasoning_notes + tier_notes + text_notes + sampling_notes + max_notes + cache_notes
    return {key: value for key, value in fields.items() if value is not None}, notes


def _encode_service_tier(options: Options, profile: BackendProfile) -> tuple[str | None, _Notes]:
    tier, tiers = options.service_tier, profile.service_tiers
    if tier is None or tiers is None:
        return tier, []
    if tier not in tiers:
        return None, [f"service_tier {tier}: this service accepts only {', '.join(tiers)}"]
    return tiers[tier], []


def _encode_reasoning(
    options: Options, profile: BackendProfile, traits: ModelTraits, amendments: Amendments
) -> tuple[Item | None, _Notes]:
    """Return the `reasoning` object; None if the model cannot reason, or if it decides by itself."""
    effort = profile.effort_names.get(options.reasoning_effort or "", options.reasoning_effort)
    allowed_efforts = amendments.allowed_efforts or traits.efforts
    notes: _Notes = []
    if allowed_efforts == ():
        return None, [] if effort in (None, "none") else [f"reasoning_effort {effort}: {options.model} does not reason"]
    if effort is None and options.extended_thinking and traits.default_effort == "none":
        effort = "medium"
    is_requested = effort is not None
    if effort is not None and allowed_efforts is not None and effort not in allowed_efforts:
        nearest = find_nearest_effort(effort, allowed_efforts)
        allowed = ", ".join(allowed_efforts)
        if options.extended_thinking is not False:  # its effort is the lowest that there is, so nothing is dropped
            notes = [f"reasoning_effort {effort}: {options.model} accepts {allowed}; {nearest} is used"]
        effort = nearest
    wants_summary = (traits.can_reason is True or is_requested) and effort != "none"
    summary = options.reasoning_summary if wants_summary else None
    reasoning = {**options.reasoning, "effort": effort, "summary": summary}
    return {key: value for key, value in reasoning.items() if value not in (None, "")} or None, notes


def find_nearest_effort(requested_effort: str, allowed_efforts: tuple[str, ...]) -> str:
    """Return the allowed effort that is closest to the requested one; of two equally close, the lower."""
    rank = EFFORTS.index(requested_effort) if requested_effort in EFFORTS else EFFORTS.index("medium")
    return min(allowed_efforts, key=lambda effort: (abs(EFFORTS.index(effort) - rank), EFFORTS.index(effort)))


def _encode_include(
    traits: ModelTraits, tools: list[Item], reasoning: Item | None, options: Options, profile: BackendProfile
) -> list[str] | None:
    # "Encrypted content cannot be requested for persisted responses" (pydantic-ai, seen 2026-11-21).
    has_ciphertext = not runs_in_background(options, profile)
    can_reason = has_ciphertext and traits.can_reason is not False and (reasoning or {}).get("effort") != "none"
    include = ([CIPHERTEXT_INCLUDE] if can_reason else []) + list_tool_includes(tools) + list(options.include)
    return list(dict.fromkeys(include)) or None


def _encode_text_options(options: Options, traits: ModelTraits) -> tuple[Item | None, _Notes]:
    text: Item = {}
    notes: _Notes = []
    if text_format := encode_response_format(options.response_format):
        text["format"] = text_format
    if options.verbosity and traits.verbosity:
        text["verbosity"] = options.verbosity
    elif options.verbosity:
        notes = [f"verbosity: {options.model} does not accept it"]
    return text or None, notes


def _encode_sampling(options: Options, traits: ModelTraits, reasoning: Item | None) -> tuple[dict[str, float], _Notes]:
    """Return `temperature` and `top_p` if the model accepts them; zero is a value."""
    requested = {"temperature": options.temperature, "top_p": options.top_p}
    sampling = {key: value for key, value in requested.items() if value is not None}
    effort = (reasoning or {}).get("effort", traits.default_effort)
    if traits.sampling == "always" or (traits.sampling == "effort_none" and effort == "none"):
        return sampling, []
    return {}, [f"{key}: {options.model} does not accept it while it reasons" for key in sampling]


def _encode_max_output_tokens(options: Options) -> tuple[int | None, _Notes]:
    requested = options.max_output_tokens
    if requested is not None and requested < _MIN_OUTPUT_TOKENS:
        return _MIN_OUTPUT_TOKENS, [f"max_output_tokens {requested}: {_MIN_OUTPUT_TOKENS}, the API's minimum, is used"]
    return requested, []


def _encode_cache_options(options: Options, traits: ModelTraits) -> tuple[Item | None, _Notes]:
    if options.prompt_cache_options and traits.is_listed and not traits.cache_options:
        return None, [f"prompt_cache_options: {options.model} does not accept it"]
    return dict(options.prompt_cache_options) or None, []
