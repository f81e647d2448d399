"""The sentences by which servers say what is wrong if they send no code for it, and the classes of one gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..facts.backend_profile import ErrorMeaning
from ._learn_images import BAD_IMAGE_PATTERN, NO_IMAGES_PATTERN
from ._meanings import (
    ACCESS_DENIED,
    AUTHENTICATION,
    BAD_IMAGE,
    CONTENT_FILTER,
    CONTEXT_LENGTH,
    INVALID_REQUEST,
    NO_IMAGES,
    NO_MODEL,
    NOT_FOUND,
    QUOTA,
    RATE_LIMIT,
    REFUSED_GATEWAY_KEY,
    TIMEOUT,
    UNAVAILABLE,
    WRONG_PATH,
)
from .failure import Failure


@dataclass(frozen=True, slots=True)
class ServerSentence:
    """A sentence by which one server says what is wrong, if it sends no code for it.

    Attributes:
        server: who writes it, and where that was seen.
        sentence: an example, as the server writes it.
        pattern: what to search for, in lower or upper case.
        statuses: the statuses at which it counts; None is an error inside a stream.
        meaning: what it means.
    """

    server: str
    sentence: str
    pattern: str
    statuses: frozenset[int | None]
    meaning: ErrorMeaning

    def matches(self, failure: Failure) -> bool:
        """Return whether the failure says this at a status at which it counts."""
        return failure.status in self.statuses and re.search(self.pattern, failure.message, re.I) is not None


def _too_long(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({None, 400, 413, 422, 500}), CONTEXT_LENGTH)


def _no_credit(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({400, 402, 403, 429}), QUOTA)


def _challenge(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({403}), UNAVAILABLE)


def _no_model(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({None, 400, 404}), NO_MODEL)


def _wrong_path(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({None, 404, 405}), WRONG_PATH)


# The sources are recordings and issue threads of 2026-11-21, if a row names none.
SERVER_SENTENCES: tuple[ServerSentence, ...] = (
    _too_long(
        "OpenAI",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "exceeds? the context window",
    ),
    _too_long(
        "OpenAI, of the length that is configured",
        "Input tokens exceed the configured limit of 922000 tokens. Please reduce the length of the messages.",
        "input tokens exceed",
    ),
    _too_long(
        "OpenAI's older API, and LiteLLM and vLLM after it (run 2026-11-30)",
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "context length",
    ),
    _too_long(
        "vLLM",
        "The engine prompt length 227861 exceeds the max_model_len 131072. Please reduce prompt.",
        "exceeds? the max_model_len",
    ),
    _too_long(
        "vLLM, of the decoder (LightRAG#2743)",
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        "maximum model length",
    ),
    _too_long(
        "llama.cpp (run 2026-11-30)",
        "the request exceeds the available context size, try increasing it",
        "context size",
    ),
    _too_long("Ollama (nano-brain#208)", "the input length exceeds the context length", "context length"),
    _too_long(
        "Anthropic, behind a gateway (Devon#88)",
        "prompt is too long: 209353 tokens > 199999 maximum",
        "prompt is too long",
    ),
    _too_long(
        "Bedrock, behind a gateway (continue#6005)", "Input is too long for requested model.", "input is too long"
    ),
    _too_long(
        "Bedrock, behind OpenRouter (chatwise-releases#917)",
        "input length and `max_tokens` exceed context limit: 149674 + 64000 > 204658",
        "exceed context limit",
    ),
    _too_long(
        "Gemini, behind a gateway (gemini-cli#4692)",
        "The input token count (2845475) exceeds the maximum number of tokens allowed (1048576).",
        "input token count .* exceeds",
    ),
    _too_long(
        "xAI (pi-mono's list of such texts)",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        r"maximum prompt length is \d",
    ),
    _too_long(
        "GitHub Copilot (pi-mono)",
        "prompt token count of 130000 exceeds the limit of 128000",
        r"token count of \d+ exceeds the limit",
    ),
    _too_long(
        "MiniMax (pi-mono)", "invalid params, context window exceeds limit (2013)", "context window exceeds limit"
    ),
    _too_long(
        "Kimi (pi-mono)",
        "Invalid request: Your request exceeded model token limit: 131072 (requested: 140000)",
        "exceeded model token limit",
    ),
    _too_long(
        "Qwen (qwen-code#98)",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]",
        "range of input length should be",
    ),
    _too_long("GLM, with code 1261", "Prompt exceeds max length", "^prompt exceeds max length"),
    _too_long(
        "Text Generation Inference",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
        r"`inputs` (tokens \+ `max_new_tokens` )?must (be <=|have less than) ",
    ),
    _too_long(
        "Cohere, behind a gateway",
        "too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 130000.",
        "tokens in the prompt cannot exceed",
    ),
    ServerSentence(
        "Gemini's limit per minute, behind a gateway, in the words of a quota",
        "You exceeded your current quota, please check your plan and billing details. Please retry in 34.07s.",
        r"current quota.*please retry in \d",
        frozenset({429}),
        RATE_LIMIT,
    ),
    _no_credit(
        "OpenAI",
        "You exceeded your current quota, please check your plan and billing details.",
        "current quota|insufficient quota",
    ),
    _no_credit("DeepSeek (continue#9942)", "Insufficient Balance", "insufficient balance"),
    _no_credit("OpenRouter and other gateways (openclaude#43)", "Insufficient credits.", "insufficient credit"),
    _no_credit(
        "Anthropic, behind a gateway (claude-code#66314)",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.",
        "credit balance is too low",
    ),
    ServerSentence(
        "OpenRouter",
        'openai/gpt-6-luna requires moderation on OpenRouter. Your input was flagged for "violence".',
        "your input was flagged",
        frozenset({403}),
        CONTENT_FILTER,
    ),
    ServerSentence(
        "Gemini and xAI, behind a gateway",
        "API key not valid. Please pass a valid API key.",
        "api key not valid|incorrect api key provided",
        frozenset({400}),
        AUTHENTICATION,
    ),
    _challenge("Cloudflare, its page of errors", "Cloudflare: 403 Forbidden", "cloudflare"),
    _challenge("Cloudflare, its page while it checks the client", "Just a moment...", "just a moment"),
    _challenge("Cloudflare, its page that blocks the client", "Attention Required!", "attention required"),
    _no_model(
        "LiteLLM 1.108 (run 2026-11-30)",
        "/responses: Invalid model name passed in model=X. Call `/v1/models` to view available models for your key.",
        "invalid model name",
    ),
    _no_model(
        "transformers serve 5.24 (run 2026-11-30)", "Server is pinned to 'A'; requested 'B'", "server is pinned to"
    ),
    _no_model("vLLM 0.32 (recorded 2026-11-30)", "The model `x` does not exist.", "^the model .{1,300} does not exist"),
    _no_model(
        "OpenRouter (openfang#697)", "healer-alpha is not a valid model ID", "is not a valid model id|invalid model id"
    ),
    ServerSentence(
        "llama.cpp (recorded 2026-11-30), vLLM (vllm#23402), OpenRouter (nexu#875)",
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        NO_IMAGES_PATTERN.pattern,
        frozenset({None, 400, 404, 500}),
        NO_IMAGES,
    ),
    ServerSentence(
        "OpenAI (codex#7459)",
        "The image data you provided does not represent a valid image. Please check your input and try again with one "
        "of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
        BAD_IMAGE_PATTERN.pattern,
        frozenset({None, 400, 422}),
        BAD_IMAGE,
    ),
    _wrong_path("FastAPI, which LiteLLM, vLLM and transformers use (run 2026-11-30)", "Not Found", r"^not found$"),
    _wrong_path("FastAPI, at status 405 for a path that takes no POST", "Method Not Allowed", r"^method not allowed$"),
    _wrong_path("Go's HTTP server, as in Ollama", "404 page not found", r"^404 (page )?not found"),
    _wrong_path("llama.cpp (run 2026-11-30)", "File Not Found", r"^file not found$"),
    _wrong_path("OpenAI", "Invalid URL (POST /v1/v1/responses)", r"^invalid url \("),
    _wrong_path("a web server, its page", "Welcome! (HTTP 404, a page instead of JSON)", r"\(http 40[45], a page "),
    _wrong_path("Express", "Cannot POST /responses", r"^cannot (post|get) /"),
    _wrong_path(
        "LM Studio, at status 200 (lmstudio-bug-tracker#618)",
        "Unexpected endpoint or method. (POST /responses)",
        "unexpected endpoint or method",
    ),
)


# LiteLLM's classes of errors, by which its messages begin: "litellm.RateLimitError: …". Source: its exceptions.py and
# the errors of 1.108 (run 2026-11-30).
MEANING_BY_GATEWAY_CLASS: Mapping[str, ErrorMeaning] = {
    "AuthenticationError": REFUSED_GATEWAY_KEY,
    "PermissionDeniedError": ACCESS_DENIED,
    "NotFoundError": NOT_FOUND,
    "RateLimitError": RATE_LIMIT,
    "BudgetExceededError": QUOTA,
    "ContextWindowExceededError": CONTEXT_LENGTH,
    "ContentPolicyViolationError": CONTENT_FILTER,
    "Timeout": TIMEOUT,
    "ServiceUnavailableError": UNAVAILABLE,
    "BadGatewayError": UNAVAILABLE,
    "UnsupportedParamsError": INVALID_REQUEST,
    "UnprocessableEntityError": INVALID_REQUEST,
}
GATEWAY_CLASS_PATTERN = re.compile(r"\s*litellm\.(?:exceptions\.)?(\w+)")


def find_meaning_by_gateway_class(failure: Failure) -> ErrorMeaning | None:
    """Return what LiteLLM's class means; the message may begin with several, the most general one first."""
    if not GATEWAY_CLASS_PATTERN.match(failure.message):
        return None
    names = GATEWAY_CLASS_PATTERN.findall(failure.message)
    return next((MEANING_BY_GATEWAY_CLASS[name] for name in names if name in MEANING_BY_GATEWAY_CLASS), None)
