"""The differences between OpenAI, other servers of the Responses API, and the API as documented. This file is data.

The tables of the library describe OpenAI's API, so only the price of data residency is different there.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from openai_responses_common import BackendProfile
from openai_responses_common.version import __version__

USER_AGENT = f"amplifier-module-provider-openai-v2/{__version__}"

PROFILE = BackendProfile(
    name="openai-v2",
    display_name="OpenAI (v2)",
    effort_updates=True,
    cache_diagnostics=True,
    announces_shutdowns=True,
    # Source: the resources of openai 3.57 and recordings of pydantic-ai, seen 2026-11-30.
    counts_input=True,
    compaction="endpoint",
)

OTHER_SERVER_PROFILE = replace(
    PROFILE,
    # Many chat templates skip a developer message in silence, and every one renders system. Seen with transformers
    # serve 5.24 and a template in the manner of Qwen3, 2026-11-30; vLLM, llama.cpp and LiteLLM write system themselves.
    system_text_role="system",
    # vLLM 0.32 goes on in mid-sentence only behind a message with this status, else it begins the answer anew. Other
    # servers ignore it (seen 2026-11-30). Azure is reported to refuse the field.
    incomplete_status=True,
    # LiteLLM's bridge and codex-relay send reasoning as a summary only, and LiteLLM passes it on to the model when it
    # comes back. Seen with LiteLLM 1.108 before DeepSeek, 2026-11-30.
    reads_summaries=True,
    # One gateway, many models: "Encrypted content is not supported" is vLLM's reply to OpenAI's ciphertext, and
    # llama.cpp refuses it too. Seen behind LiteLLM 1.108, 2026-11-30.
    ciphertext_family="",
    # Our prices are OpenAI's; LiteLLM and OpenRouter report what a response cost.
    prefers_reported_cost=True,
    # Nobody who serves other models is known to have them.
    effort_updates=False,
    cache_diagnostics=False,
    announces_shutdowns=False,
    # LiteLLM, vLLM and llama.cpp answer 404 (run 2026-11-30). A gateway in front of OpenAI needs the settings.
    counts_input=False,
)
"""The differences of a server that is not OpenAI's: vLLM, llama.cpp, Ollama, LiteLLM …"""

# Data residency costs a tenth more in every region (EU, US, FedRAMP). Source: OpenAI's pricing page as read in litellm
# 1.110.2, seen 2026-11-30.
RESIDENCY_PRICE_FACTOR = Decimal("1.1")
