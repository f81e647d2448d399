"""What the API refuses because items of a conversation do not belong together."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, document, recording, report

_INPUT = "input"

OTHER_MODEL = Rule(
    when="ciphertext of another model, behind a gateway",
    text="Encrypted content is not supported.",
    source=recording("LiteLLM 1.108 before vLLM", "2026-11-30"),
    param=_INPUT,
)
DUPLICATE_ID = Rule(
    when="two items with one id",
    text="Duplicate item found with id {id}. Remove duplicate items from your input and try again.",
    source=report("vercel/ai#13307", "2026-11-30"),
    param=_INPUT,
)
DUPLICATE_CALL_ID = Rule(
    when="two calls or two outputs with one call id",
    text="Duplicate 'call_id' found in input: {id}.",
    source=UNSOURCED,
    ours="the rule and the text; duplicate item ids are refused",
    param=_INPUT,
)
UNVERIFIED_CIPHERTEXT = Rule(
    when="ciphertext of another account or endpoint, or one that was changed",
    text=(
        "The encrypted content {name} could not be verified. "
        "Reason: Encrypted content could not be decrypted or parsed."
    ),
    source=report("openai/codex#8119, openai/codex#8145", "2026-11-30"),
    code="invalid_encrypted_content",
)
ITEM_NOT_FOUND = Rule(
    when="reasoning or compaction without ciphertext that is not stored, or an `item_reference` to it",
    text=(
        "Item with id '{id}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input."
    ),
    source=report("sst/opencode#7724, oh-my-pi#41", "2026-11-30"),
    status=404,
    param=_INPUT,
)
MISSING_FOLLOWER = Rule(
    when="reasoning without the item that the model made next",
    text="Item '{id}' of type 'reasoning' was provided without its required following item.",
    source=recording("pydantic-ai's cassette of a modified history; continue#8933", "2026-11-30"),
    ours="that reasoning in another order than it came is refused so, and that a message without text is not missed",
    param=_INPUT,
)
MISSING_LEADER = Rule(
    when="an item with its id but without the reasoning before it",
    text="Item '{id}' of type '{kind}' was provided without its required 'reasoning' item: '{reasoning}'.",
    source=report("cline/cline#12242", "2026-12-01"),
    param=_INPUT,
)
UNACKNOWLEDGED_CHECK = Rule(
    when="the output of a computer call that does not acknowledge its safety checks",
    text="Computer tool has unacknowledged safety check for {checks}",
    source=report("openai/openai-agents-python#843", "2026-12-01"),
    param=_INPUT,
)
NO_CALL = Rule(
    when="an output without its call",
    text="No tool call found for {name} output with call_id {id}.",
    source=report("microsoft/vscode#320060", "2026-12-01"),
    param=_INPUT,
)
NO_CALL_OUTPUT = Rule(
    when="a call without its output",
    text="No tool output found for {name} {id}.",
    source=report("anomalyco/opencode#16717", "2026-12-01"),
    param=_INPUT,
)
PREVIOUS_RESPONSE_NOT_FOUND = Rule(
    when="a `previous_response_id` that is not stored",
    text="Previous response with id '{id}' not found.",
    source=document("WebSocket guide", "2026-11-30"),
    code="previous_response_not_found",
    param="previous_response_id",
)
