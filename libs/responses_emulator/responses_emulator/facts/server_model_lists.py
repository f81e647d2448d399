"""The model lists of servers that are not OpenAI's, as `GET /models` returns them.

Each document says which of its fields were seen, where and when. The rest of a row is its usual form. Ids and numbers
are those of small models, so that nobody takes them for a model of OpenAI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# `max_model_len` as vLLM 0.32.0 sent it with --max-model-len 2048, seen 2026-11-30.
VLLM = {
    "object": "list",
    "data": [
        {
            "id": "tiny",
            "object": "model",
            "created": 1796079123,
            "owned_by": "vllm",
            "root": "models/tiny-chat",
            "parent": None,
            "max_model_len": 2048,
            "permission": [{"id": "modelperm-0", "object": "model_permission", "allow_sampling": True}],
        }
    ],
}

# `meta.n_ctx` and `architecture` as llama.cpp's server 0.6.0-dev sent them with -c 4096, seen 2026-11-30; it lists its
# model twice (ggml-org/llama.cpp#22709).
LLAMA_CPP = {
    "models": [
        {
            "name": "models/tiny-chat.gguf",
            "model": "models/tiny-chat.gguf",
            "capabilities": ["completion"],
            "details": {"format": "gguf", "family": ""},
        }
    ],
    "object": "list",
    "data": [
        {
            "id": "models/tiny-chat.gguf",
            "object": "model",
            "created": 1796079123,
            "owned_by": "llamacpp",
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "meta": {"vocab_type": 2, "n_vocab": 4096, "n_ctx": 4096, "n_ctx_train": 40960, "n_embd": 64},
        }
    ],
}

# `max_input_tokens` and `max_output_tokens` as LiteLLM 1.108.7 sent them, for models of its table, seen 2026-11-30;
# `mode` and wildcards: source of litellm 1.110.2, seen 2026-12-01.
LITELLM = {
    "object": "list",
    "data": [
        {"id": "bridged", "object": "model", "created": 1677610602, "owned_by": "openai"},
        {
            "id": "deepseek-bridged",
            "object": "model",
            "created": 1677610602,
            "owned_by": "openai",
            "max_input_tokens": 131072,
            "max_output_tokens": 65536,
            "mode": "chat",
        },
        {
            "id": "embedder",
            "object": "model",
            "created": 1677610602,
            "owned_by": "openai",
            "max_input_tokens": 8191,
            "mode": "embedding",
        },
        {"id": "openai/*", "object": "model", "created": 1677610602, "owned_by": "openai"},
    ],
}

# OpenRouter's API reference, seen 2026-11-30; the models are ours.
OPENROUTER = {
    "data": [
        {
            "id": "maker/thinker",
            "canonical_slug": "maker/thinker",
            "name": "Maker: Thinker",
            "created": 1692901234,
            "context_length": 200000,
            "architecture": {
                "modality": "text+image->text",
                "input_modalities": ["text", "image"],
                "output_modalities": ["text"],
                "tokenizer": "Other",
            },
            "pricing": {"prompt": "0.000001", "completion": "0.000004"},
            "top_provider": {"context_length": 180000, "max_completion_tokens": 64000, "is_moderated": False},
            "supported_parameters": ["max_tokens", "reasoning", "temperature", "tools", "top_p", "verbosity"],
            "expiration_date": None,
        },
        {
            "id": "maker/plain",
            "canonical_slug": "maker/plain",
            "name": "Maker: Plain",
            "created": 1692901234,
            "context_length": 32768,
            "architecture": {
                "modality": "text->text",
                "input_modalities": ["text"],
                "output_modalities": ["text"],
                "tokenizer": "Other",
            },
            "pricing": {"prompt": "0", "completion": "0"},
            "top_provider": {"context_length": None, "max_completion_tokens": None, "is_moderated": False},
            "supported_parameters": ["max_tokens", "seed", "tools"],
            "expiration_date": "2026-12-15",
        },
    ]
}

# transformers serve 5.24.0 and Ollama (snapshot of 2026-08-21): ids only. Read in their source, 2026-11-30.
TRANSFORMERS = {"object": "list", "data": [{"id": "tiny-chat", "object": "model", "created": 1796079123}]}

SERVER_MODEL_LISTS: Mapping[str, Mapping[str, Any]] = {
    "vllm": VLLM,
    "llama.cpp": LLAMA_CPP,
    "litellm": LITELLM,
    "openrouter": OPENROUTER,
    "transformers": TRANSFORMERS,
}
"""The document of each server, by its name."""
