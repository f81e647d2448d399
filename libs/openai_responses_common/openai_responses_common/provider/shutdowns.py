"""When a service ends a model: the text for a user, and one warning per process."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

from ..facts.backend_profile import BackendProfile
from ..options.options import Options

logger = logging.getLogger(__name__)

_NOTICE_PERIOD = timedelta(days=30)

_logged: set[tuple[str, str, str]] = set()


def has_ended(last_day: str | None) -> bool:
    """Return whether the last day of a model, as "2026-12-11", is over; False for None."""
    return last_day is not None and date.fromisoformat(last_day) < datetime.now(UTC).date()


def describe_shutdown(last_day: str | None, successor: str | None) -> str:
    """Return when a model ends, as "ends on 2026-12-11, use gpt-6.1-sol"; empty if that is more than 30 days away.

    Args:
        last_day: the last day of the model, as "2026-12-11"; None if no end is announced.
        successor: the model that the service recommends. None if none is known.
    """
    if last_day is None or date.fromisoformat(last_day) - datetime.now(UTC).date() > _NOTICE_PERIOD:
        return ""
    remedy = f", use {successor}" if successor else ""
    return f"{'ended' if has_ended(last_day) else 'ends'} on {last_day}{remedy}"


def describe_shutdown_of(options: Options, profile: BackendProfile) -> str:
    """Return when the service ends the model of a call; see `describe_shutdown`.

    What the service or the user says counts first. The days of our tables count only if the profile says so.
    """
    has_own_day = "shutdown" in options.model_info.find_entry(options.model).traits
    if not has_own_day and not profile.announces_shutdowns:
        return ""
    traits = options.model_info.traits_of(options.model)
    return describe_shutdown(traits.shutdown, traits.successor)


def warn_of_shutdown(options: Options, profile: BackendProfile) -> None:
    """Log once in this process that the service ends the model of a call."""
    warning = (profile.display_name, options.model, describe_shutdown_of(options, profile))
    if warning[-1] and warning not in _logged:
        _logged.add(warning)
        remedy = "" if options.model_info.traits_of(options.model).successor else ": choose another model"
        logger.warning("%s: the service says that the model %s %s%s", *warning, remedy)
