"""Clients of other makers against the emulator; `nox -s clients` runs them."""
