"""What servers, accounts and models with limits refuse, once a script makes it a standing rule."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, recording, report

_SEEN = "2026-12-01"
_RAN = "2026-11-30"
_VLLM, _BAD_REQUEST = "Bad Request", "BadRequestError"

UNVERIFIED_ORGANIZATION = Rule(
    when="OpenAI: a stream for an organization that is not verified",
    text=(
        "Your organization must be verified to stream this model. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just "
        "verified, it can take up to 15 minutes for access to propagate."
    ),
    source=report("crush#1216, continue#8209", _SEEN),
    code="unsupported_value",
    param="stream",
)
DAMAGED_IMAGE = Rule(
    when="OpenAI: an image that it cannot read, of those that a script names",
    text=(
        "The image data you provided does not represent a valid image. Please check your input and try again with one "
        "of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp']."
    ),
    source=report("openai/codex#7459", _SEEN),
    code="invalid_value",
    param="input",
)
UNKNOWN_ITEM = Rule(
    when="a type of item that a server does not know",
    text="Invalid value: '{type}'. Supported values are: 'function_call', and 'message'.",
    source=report("CLIProxyAPI#3414", _SEEN),
    code="invalid_value",
    param="{path}",
)
MESSAGE_STATUS = Rule(
    when="vLLM up to 0.19: an assistant message with parts, but without `id` and `status`",
    text="193 validation errors:\n  {faults}",
    source=report("vllm#45273, DeepSeek-v4-Flash-DSpark-2x-DGX-Spark#138", _SEEN),
    ours="the real text goes on for each member of the union",
    kind=_VLLM,
)
SYSTEM_TEXT_FIRST = Rule(
    when="Qwen 3.5 and later: system text that is not at the start",
    text="System message must be at the beginning.",
    source=report("llm_wiki#45, crush#3050", _SEEN),
    kind=_BAD_REQUEST,
)
NO_SYSTEM_ROLE = Rule(
    when="Gemma: any system text",
    text="System role not supported",
    source=report("guidellm#67, sglang#892", _SEEN),
    kind=_BAD_REQUEST,
)
ALTERNATING_ROLES = Rule(
    when="Mistral: two turns of users, or system text after the start",
    text=(
        "After the optional system message, conversation roles must alternate user and assistant roles except for tool "
        "calls and results."
    ),
    source=report("opencode#5034", _SEEN),
    status=500,
    kind=_BAD_REQUEST,
)
ANSWERED_RESULTS = Rule(
    when="Mistral: anything but the model after a tool result",
    text="Unexpected role '{role}' after role 'tool'",
    source=report("hermes-agent#20154, zed#37021", _SEEN),
    kind=_VLLM,
)
TEXT_RESULTS_ONLY = Rule(
    when="llama.cpp up to summer 2026: an image in a tool result",
    text="Output of tool call should be 'Input text'",
    source=report("llama.cpp#23380", _SEEN),
)
REFUSED_REASONING = Rule(
    when="vLLM: reasoning of another model",
    text="{message}",
    source=recording("vLLM 0.32: `Encrypted content is not supported. (parameter=input)`, the default", _RAN),
    ours="another text, if a script gives one",
    kind=_BAD_REQUEST,
    param="input",
)
VLLM_PARAMETERS = Rule(
    when="vLLM: parameters that a script names",
    text="{count}:\n  {faults}",
    source=recording("vLLM 0.32, for a value of `include`", _RAN),
    ours="that version ignores parameters that it does not know",
    kind=_VLLM,
)
LITELLM_PARAMETERS = Rule(
    when="LiteLLM: parameters that a script names",
    text="litellm.UnsupportedParamsError: {sentence}",
    source=recording("LiteLLM 1.108 for `top_p`; nanobot#370 for `temperature`, its own tests for the others", _RAN),
    code="400",
)
LLAMA_CPP_PARAMETERS = Rule(
    when="llama.cpp: parameters that a script names",
    text="Unsupported param: '{name}'",
    source=recording("llama.cpp's server: the form of its errors", _RAN),
    ours="the text; that server ignores what it does not know",
)
PYDANTIC_PARAMETERS = Rule(
    when="a server built with FastAPI: parameters that a script names",
    text="Extra inputs are not permitted",
    source=UNSOURCED,
    ours="which server does so; the form is that of FastAPI",
    status=422,
)
