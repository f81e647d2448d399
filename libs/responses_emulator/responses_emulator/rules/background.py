"""What the API refuses of stored responses and of responses that run in the background."""

from __future__ import annotations

from responses_emulator.rules.rule import TYPES, Rule, document, report

_GUIDE = "background guide"

NEEDS_STORE = Rule(
    when="`background` with `store: false`",
    text="Background responses require `store` to be true.",
    source=document(f"{_GUIDE}: stateless requests are rejected", "2026-12-01"),
    ours="the text",
    param="background",
)
WINDOW_NEEDS_BACKGROUND = Rule(
    when="`background_options` without `background: true`",
    text="'background_options' requires 'background' to be true.",
    source=TYPES,
    ours="the text, and that it holds for `soonest`, too",
    param="background_options",
)
WINDOW_WITHOUT_STREAM = Rule(
    when="a completion window of `2h` or `8h` with `stream: true`",
    text="Completion window '{window}' does not support streaming.",
    source=TYPES,
    ours="the text",
    param="background_options.completion_window",
)
WINDOW_STANDARD_ONLY = Rule(
    when="a completion window of `2h` or `8h` in another tier than the standard one",
    text="Completion window '{window}' requires standard processing.",
    source=TYPES,
    ours="the text",
    param="background_options.completion_window",
)
NO_CIPHERTEXT = Rule(
    when="the ciphertext of a response that is stored for the background",
    text="Encrypted content cannot be requested for persisted responses.",
    source=report("pydantic/pydantic-ai", "2026-11-21"),
    ours="that a request with `background` gets it; the report is of a retrieval",
    param="include",
)
RESPONSE_NOT_FOUND = Rule(
    when="the id of a response that is not stored, or belongs to another account",
    text="Response with id '{id}' not found.",
    source=document("API reference, and the same text of `previous_response_id`", "2026-12-01"),
    status=404,
)
NOT_RESUMABLE = Rule(
    when="the stream of a stored response that was not made with `background` and `stream`",
    text="This response cannot be streamed because it was not created with background=true and stream=true.",
    source=document(_GUIDE, "2026-12-01"),
    ours="the text",
    param="stream",
)
CURSOR_WITHOUT_STREAM = Rule(
    when="`starting_after` without `stream=true`, or one that is not a number",
    text="Invalid 'starting_after'.",
    source=TYPES,
    ours="the text, and that it needs `stream`",
    param="starting_after",
)
NOT_CANCELLABLE = Rule(
    when="the cancellation of a response that does not run in the background",
    text="Cannot cancel a synchronous response.",
    source=document(f"{_GUIDE}: only background responses can be cancelled", "2026-12-01"),
    ours="the text",
)
