"""The differences between OpenAI and the API as documented. This file is data.

The tables of the library describe this API, so only the price of data residency is different.
"""

from __future__ import annotations

from decimal import Decimal

from openai_responses_common import BackendProfile

from .settings import API_KEY_REMEDY

PROFILE = BackendProfile(name="openai-v2", display_name="OpenAI (v2)", auth_remedy=API_KEY_REMEDY)

# Data residency costs a tenth more. Source: OpenAI's pricing page as read in litellm 1.109.1, seen 2026-11-21.
RESIDENCY_PRICE_FACTOR = Decimal("1.1")
