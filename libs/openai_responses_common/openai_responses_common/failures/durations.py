"""Durations as text for people."""

from __future__ import annotations

import math


def format_duration(duration_s: float) -> str:
    """A time for a person, in days, hours and minutes."""
    minutes = math.ceil(duration_s / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    words = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(word for word in words if word)
