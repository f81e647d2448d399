"""What a model's id says: whether it is a snapshot, and whether the model can do agent work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.model_ids import (
    MODEL_ALIASES,
    has_snapshot_date,
    is_agent_model,
    name_same_model,
    remove_snapshot_date,
    table_name,
)
from openai_responses_common.facts.model_prices import MODEL_PRICES
from openai_responses_common.facts.model_traits import MODEL_TRAITS


@given(st.text(max_size=40))
def test_every_id_is_read(model: str) -> None:
    assert isinstance(is_agent_model(model), bool)
    assert remove_snapshot_date(model) == model or has_snapshot_date(model)


@pytest.mark.parametrize(
    ("model", "dated"),
    [
        ("gpt-5.5-2026-04-23", True),
        ("o3-2025-04-16", True),
        ("gpt-5.5", False),
        ("gpt-4-0613", False),
        ("x-2026-04-23-y", False),
        ("claude-sonnet-4-5-20250929", True),
        ("x-12345678", False),
    ],
)
def test_a_snapshot_has_a_date_at_its_end(model: str, dated: bool) -> None:
    assert has_snapshot_date(model) is dated
    assert (remove_snapshot_date(model) != model) is dated


@pytest.mark.parametrize("alias", MODEL_ALIASES)
def test_an_alias_stands_for_a_model_of_every_table(alias: str) -> None:
    assert alias not in {**MODEL_TRAITS, **MODEL_PRICES}
    assert table_name(f"openai/{alias.upper()}") in MODEL_TRAITS.keys() & MODEL_PRICES.keys()


@pytest.mark.parametrize(
    ("model", "other", "same"),
    [
        ("gpt-6-sol", "openai/GPT-6-sol-2026-09-22", True),
        ("azure/tiny", "tiny", True),
        ("tiny", "tiny-2", False),
        ("gpt-6-sol", "gpt-6-luna", False),
        ("gpt-6.1-sol", "gpt-sol-latest", True),
        ("models/tiny.gguf", "tiny", False),
    ],
)
def test_ids_of_one_model_differ_in_maker_case_and_date(model: str, other: str, same: bool) -> None:
    assert name_same_model(model, other) is same
    assert name_same_model(other, model) is same


AGENTS = """
gpt-6.2-astra gpt-6.1-sol gpt-6-luna gpt-6-rosalind gpt-5.6-cyber gpt-5.5-pro gpt-5.5-2026-04-23 gpt-5.3-codex gpt-5.1
gpt-5.2-chat-latest o3-pro o4-mini gpt-4.1-nano gpt-4o gpt-4o-2024-05-13 chat-latest gpt-oss-120b openai/gpt-oss-20b
qwen2.5-coder:32b Llama-3.3-70B-Instruct mistral-large gpt-4-turbo gpt-3.5-turbo prod imagenary my-sorathon
"""
OTHERS = """
text-embedding-3-small text-embedding-ada-002 nomic-embed-text tts-1 tts-1-hd gpt-4o-mini-tts whisper-1 gpt-transcribe
gpt-4o-transcribe-diarize gpt-realtime gpt-realtime-2.1-mini gpt-realtime-whisper gpt-4o-realtime-preview-2024-12-17
gpt-audio gpt-audio-1.5 gpt-4o-audio-preview-2025-06-03 gpt-image-2 gpt-image-2.5-flare chatgpt-image-latest dall-e-3
sora-2-pro omni-moderation-latest text-moderation-007 gpt-4o-search-preview gpt-5-search-api-2025-10-14
gpt-5.3-codex-search-api gpt-3.5-turbo-instruct davinci-002 babbage-002 text-davinci-003 computer-use-preview
computer-use-preview-2025-03-11 o3-deep-research o4-mini-deep-research-2025-06-26 gpt-live-1 gpt-live-transcribe
gpt-5-chat-latest chatgpt-4o-latest bge-reranker bge:rerank Text-Embedding-3-Large
"""


@pytest.mark.parametrize("model", AGENTS.split())
def test_an_agent_model_is_one(model: str) -> None:
    assert is_agent_model(model)


@pytest.mark.parametrize("model", OTHERS.split())
def test_a_model_of_other_media_is_not_an_agent_model(model: str) -> None:
    assert not is_agent_model(model)
