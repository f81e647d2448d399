"""What the emulator makes up: every rule and text that no recording, document, type or report supports.

The README prints this table. A file whose comments say that something is ours has a row here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsourcedRule:
    """One row.

    Attributes:
        path: the file of the rule, below the package.
        rule: what the emulator does.
        known: what is known of the real service.
    """

    path: str
    rule: str
    known: str


UNSOURCED_RULES = (
    UnsourcedRule(
        path="facts/server_model_lists.py",
        rule="The models of OpenRouter's list, and the fields of other lists that no comment names.",
        known="The fields for limits, images and last days are seen or documented.",
    ),
    UnsourcedRule(
        path="accounting/tokens.py",
        rule="Four characters are one token, an image is 765 tokens, and a ciphertext 64.",
        known="The services count with tokenizers, and images by their pixels.",
    ),
    UnsourcedRule(
        path="accounting/prompt_cache.py",
        rule="The cache holds the last 64 prompts of an account and cache key, without an end.",
        known="Prefixes from 1,024 tokens on, in steps of 128, are documented.",
    ),
    UnsourcedRule(
        path="accounting/rate_limits.py",
        rule="The limits are 10,000 requests and 30,000,000 tokens; a window begins with a request and lasts a minute.",
        known="The headers are recorded; the sizes depend on the account.",
    ),
    UnsourcedRule(
        path="conversation/ciphertext.py",
        rule="The form of the ciphertext, and that it is tied to the summary of its item.",
        known="It is opaque; other accounts, endpoints and ids are refused.",
    ),
    UnsourcedRule(
        path="conversation/pairing_rules.py",
        rule="The text for a call id that occurs twice, and the refusal of reasoning in another order than it came.",
        known="Duplicate item ids are refused; what two equal call ids get is not reported.",
    ),
    UnsourcedRule(
        path="conversation/preserved_reasoning.py",
        rule="Which reasoning of an earlier turn a newer model drops.",
        known="Documented; no recording has it.",
    ),
    UnsourcedRule(
        path="contract/input_items.py",
        rule="The text for a `phase` on a message that is not the assistant's.",
        known="The documentation gives phases to assistant messages only.",
    ),
    UnsourcedRule(
        path="contract/function_schema.py",
        rule="The order in which the faults of a schema are found.",
        known="Each fault and its text are reported.",
    ),
    UnsourcedRule(
        path="contract/media_parts.py",
        rule="`param` and `code` of a damaged image, and the text for a file without a name.",
        known="The text for a damaged image is reported; a file needs a name.",
    ),
    UnsourcedRule(
        path="contract/tools.py",
        rule="A function called `python` is refused for every model.",
        known="Reported for reasoning models.",
    ),
    UnsourcedRule(
        path="contract/create_request.py",
        rule="The texts for numbers out of range and for too many keys of `metadata`.",
        known="The codes are reported for `max_output_tokens`; the others follow their pattern.",
    ),
    UnsourcedRule(
        path="openai_api/surface.py",
        rule="`sk-bad`, `sk-wrong` and `sk-revoked` are wrong keys; all others that begin with `sk-` are right.",
        known="The text of the refusal is the service's.",
    ),
    UnsourcedRule(
        path="script/turn.py",
        rule="Reasoning counts 64 tokens if a script does not say how many; a compaction has a progress event.",
        known="The progress event is documented; no recording has it.",
    ),
    UnsourcedRule(
        path="script/rejected_parameters.py",
        rule="A server refuses exactly the parameters that a script names; the sentence of vLLM for them.",
        known="The form of each dialect is recorded or reported; vLLM ignores parameters that it does not know.",
    ),
    UnsourcedRule(
        path="chatgpt/surface.py",
        rule="`codex.rate_limits` is the third event.",
        known="Users report the event; no recording has it.",
    ),
    UnsourcedRule(
        path="chatgpt/request_bodies.py",
        rule="The status and the text for an encoding that is not known, and for a damaged body.",
        known="OpenAI's own client compresses every body with zstd (captured).",
    ),
    UnsourcedRule(
        path="service/dispatch.py",
        rule="A request for a WebSocket gets 426, with a text of our own.",
        known="The services speak WebSocket; at 426 OpenAI's own client goes on over HTTP (captured).",
    ),
    UnsourcedRule(
        path="azure/errors.py",
        rule="The text for a principal without a role.",
        known="Reported for the agents API, not for this one.",
    ),
    UnsourcedRule(
        path="entra/errors.py",
        rule="The texts of the errors other than 7000215, 7000222, 700211, 700213, 70016 and 700024.",
        known="Their numbers and meanings are documented.",
    ),
    UnsourcedRule(
        path="facts/server_model_lists.py",
        rule="The models in the list of OpenRouter.",
        known="Its fields are documented.",
    ),
    UnsourcedRule(
        path="responders/fixed_output.py",
        rule="What the model says.",
        known="The emulator runs no model.",
    ),
)
