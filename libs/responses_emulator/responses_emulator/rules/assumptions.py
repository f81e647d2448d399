"""What the emulator makes up beside refusals, because no recording, document or report says how the service does it.

If you see what the real service does, correct the file and take its row out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One row.

    Attributes:
        path: the file of the rule, below the package.
        rule: what the emulator does.
        known: what is known of the real service.
    """

    path: str
    rule: str
    known: str


ASSUMPTIONS = (
    Assumption(
        path="facts/server_model_lists.py",
        rule="The models of OpenRouter's list, and the fields of other lists that no comment names.",
        known="The fields for limits, images and last days are seen or documented.",
    ),
    Assumption(
        path="accounting/tokens.py",
        rule="Four characters are one token, an image is 765 tokens, and a ciphertext 64.",
        known="The services count with tokenizers, and images by their pixels.",
    ),
    Assumption(
        path="accounting/cache_diagnostics.py",
        rule="The order in which the reasons of a cache miss are tried.",
        known="The reasons themselves are documented.",
    ),
    Assumption(
        path="accounting/prompt_cache.py",
        rule="The cache holds the last 64 prompts of an account and cache key, without an end.",
        known="Prefixes from 1,024 tokens on, in steps of 128, are documented.",
    ),
    Assumption(
        path="accounting/rate_limits.py",
        rule="The limits are 10,000 requests and 30,000,000 tokens; a window begins with a request and lasts a minute.",
        known="The headers are recorded; the sizes depend on the account.",
    ),
    Assumption(
        path="conversation/ciphertext.py",
        rule="The form of the ciphertext, and that it is tied to the summary of its item.",
        known="It is opaque; other accounts, endpoints and ids are refused.",
    ),
    Assumption(
        path="conversation/preserved_reasoning.py",
        rule="Which reasoning of an earlier turn a newer model drops.",
        known="Documented; no recording has it.",
    ),
    Assumption(
        path="script/turn.py",
        rule="Reasoning counts 64 tokens if a script does not say how many; a compaction has a progress event.",
        known="The progress event is documented; no recording has it.",
    ),
    Assumption(
        path="service/compaction.py",
        rule="A count needs a model, and is also made of an input that is longer than the window.",
        known="The fields are those of the openai package; recordings have counts of short inputs only.",
    ),
    Assumption(
        path="output/compaction.py",
        rule="The tokens of the whole input count for a threshold, also those before a compaction item.",
        known="The guide says that a client may leave out all items before the newest one.",
    ),
    Assumption(
        path="chatgpt/surface.py",
        rule="`codex.rate_limits` is the third event.",
        known="Users report the event; no recording has it.",
    ),
    Assumption(
        path="chatgpt_plan/sign_in.py",
        rule="A code is good for ten minutes; the names of some claims of an access token.",
        known="The lifetimes of tokens are documented, and that a token has ten claims, and two inside one of them.",
    ),
    Assumption(
        path="chatgpt_plan/surface.py",
        rule="The order in which the faults of a request are found; the fields of a model beside those of live runs.",
        known="Which fields, items and tools are refused is documented; the list has the shape of OpenAI's own client.",
    ),
    Assumption(
        path="azure/errors.py",
        rule="The whole replies of `too_many_requests()` and `content_filter_event()`.",
        known="The same errors are recorded inside a stream and for a prompt.",
    ),
    Assumption(
        path="responders/fixed_output.py",
        rule="What the model says.",
        known="The emulator runs no model.",
    ),
)
