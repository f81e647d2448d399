"""What refusals taught, per endpoint, account and model, for all providers of this process.

Bounded in size and in time: a server may be updated and an account verified, so every lesson ends after an hour.
Sub-agents have separate providers, and share their lessons.
"""

from __future__ import annotations

import threading
import time

from amplifier_core.llm_errors import InvalidRequestError, LLMError

from ..facts.amendments import NO_AMENDMENTS, Amendments
from ..facts.backend_profile import BackendProfile
from ..failures.failure import CallFailure
from ..failures.learn import learn_amendments, learn_net
from ._call import Call, Trial

_LIFETIME_S = 3600.0
_MAX_LESSONS = 500


class Lessons:
    """The amendments by origin and model; safe for many threads, because each event loop may run in its own.

    Args:
        lifetime_s: the time in seconds after which the amendments of a model end.
        max_count: the number of models with amendments; the oldest ones make room.
    """

    def __init__(self, *, lifetime_s: float = _LIFETIME_S, max_count: int = _MAX_LESSONS) -> None:
        self._lifetime_s = lifetime_s
        self._max_count = max_count
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], tuple[float, Amendments]] = {}

    def find(self, origin: str, model: str) -> Amendments:
        """Return the amendments of a model.

        Args:
            origin: the endpoint and account, as `Transport.origin` names them.
            model: the model of the request.
        """
        started_at, amendments = self._entries.get((origin, model), (0.0, NO_AMENDMENTS))
        return amendments if time.monotonic() - started_at < self._lifetime_s else NO_AMENDMENTS

    def add(self, origin: str, model: str, amendments: Amendments) -> bool:
        """Add amendments of a model; returns whether they are news."""
        with self._lock:
            known = self.find(origin, model)
            merged = known.merge(amendments)
            if merged == known:
                return False
            started_at = self._entries[origin, model][0] if known != NO_AMENDMENTS else time.monotonic()
            self._entries[origin, model] = (started_at, merged)
            while len(self._entries) > self._max_count:
                del self._entries[next(iter(self._entries))]
            return True

    def clear(self) -> None:
        """Forget all amendments."""
        with self._lock:
            self._entries.clear()


LESSONS = Lessons()
"""The lessons of this process."""


def amend_call(call: Call, failure: CallFailure, error: LLMError, *, origin: str, profile: BackendProfile) -> list[str]:
    """Amend a call by what a refusal teaches, and remember it for the model; returns the news as sentences.

    Only a refusal that teaches something about this request is answered at once. What another call has learned
    meanwhile does not count.

    Args:
        call: the call whose newest request failed.
        failure: the failure.
        error: what the failure means.
        origin: the endpoint and account, as `Transport.origin` names them.
        profile: the facts about the service.

    Raises:
        LLMError: the failure teaches nothing; it is `error`.
    """
    body, required_fields = call.prepared_request.encoded_request.body, profile.required_fields
    lesson = learn_amendments(
        failure.failure, body, call.amendments, required_fields=required_fields, system_role=profile.system_role
    )
    if lesson is not None:
        call.amendments, description = lesson
        if call.trial is None:
            return _remember(call, origin, [description])
        call.trial.descriptions.append(description)
        return []
    # A fault may pass by itself, so the last attempt is the first one without what may cause it.
    is_last_attempt = call.failure_count > call.options.max_retries
    if call.trial is None and (
        type(error) is InvalidRequestError or (failure.failure.status == 500 and is_last_attempt)
    ):
        net = learn_net(failure.failure, body, call.amendments, required_fields=required_fields)
        if net is not None:
            call.trial = Trial(amendments=call.amendments, error=error, cause=failure, descriptions=[net[1]])
            call.amendments = net[0]
            return []
    raise error from failure


def confirm_trial(call: Call, origin: str) -> list[str]:
    """Remember the amendments that a call tried, because the service accepted its request; returns the news.

    Args:
        call: the call whose newest request succeeded; nothing happens if it tried no amendments.
        origin: the endpoint and account, as `Transport.origin` names them.
    """
    trial, call.trial = call.trial, None
    return [] if trial is None else _remember(call, origin, trial.descriptions)


def _remember(call: Call, origin: str, descriptions: list[str]) -> list[str]:
    return descriptions if LESSONS.add(origin, call.options.model, call.amendments) else []
