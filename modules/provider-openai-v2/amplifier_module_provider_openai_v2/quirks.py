"""The differences between OpenAI and the API as documented: the price of data residency. This file is data."""

from __future__ import annotations

from decimal import Decimal

# Data residency costs a tenth more. Source: OpenAI's pricing page as read in litellm 1.109.1, seen 2026-11-21.
RESIDENCY_PRICE_FACTOR = Decimal("1.1")
