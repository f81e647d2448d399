"""The fields of a request that runs in the background, where the service has that."""

from __future__ import annotations

from typing import Any

from ..facts.backend_profile import BackendProfile
from ..facts.price import DISCOUNTED_WINDOWS
from ..options.options import Options


def encode_background(options: Options, profile: BackendProfile) -> dict[str, Any]:
    """Return `stream`, `store`, `background` and `background_options`, also those that the service refuses.

    A discounted completion window does not stream. Source: the types of openai 3.57.0, seen 2026-12-01.
    """
    fields: dict[str, Any] = {
        "stream": find_completion_window(options, profile) is None,
        "store": options.store and profile.stores,
    }
    if options.background:
        fields["background"] = True
        if options.background_options:
            fields["background_options"] = dict(options.background_options)
    return fields


def runs_in_background(options: Options, profile: BackendProfile) -> bool:
    """Return whether a request runs in the background."""
    return options.background and profile.accepts("background")


def find_completion_window(options: Options, profile: BackendProfile) -> str | None:
    """Return the discounted completion window of a request; None if it has none, or if the service has none."""
    window: object = options.background_options.get("completion_window")
    is_possible = runs_in_background(options, profile) and profile.accepts("background_options")
    return window if is_possible and isinstance(window, str) and window in DISCOUNTED_WINDOWS else None
