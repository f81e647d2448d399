"""Exchanges that were recorded from real servers of other makers, replayed to the real module."""
