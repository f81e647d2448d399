"""What the emulated service knows about models: ids, snapshots, and what each family takes.

Written down from the vendor's pages and from recorded traffic (seen 2026-11-21), and on purpose not shared with the
code under test. Invariant: `find_model` knows no id that `/v1/models` does not list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One family row, with the id that was asked for."""

    id: str
    snapshot: str
    efforts: tuple[str, ...]
    default_effort: str | None
    sampling: Literal["always", "effort_none", "never"]
    window: int
    max_output: int
    phase: bool
    cache_writes: bool
    context: str | None
    top_p: float
    retention: str | None
    vision: bool = True
    effort_updates: bool = False
    cache_diagnostics: bool = False

    @property
    def reasons(self) -> bool:
        return bool(self.efforts)


def _efforts(letters: str) -> tuple[str, ...]:
    return tuple(EFFORTS["nmlMhxX".index(letter)] for letter in letters)


@dataclass(frozen=True, slots=True)
class _ModelRow:
    family: str
    efforts: str
    default: str | None
    sampling: Literal["always", "effort_none", "never"]
    window: int
    output: int
    version: float
    created: int
    dated: str | None = None


_THOUSAND = 1000
# family, allowed efforts (n m l M h x X), default, sampling, window, output, version, created, newest snapshot
_ROWS = (
    _ModelRow("gpt-6.2-astra", "lMhxX", "medium", "never", 922 * _THOUSAND, 128 * _THOUSAND, 6.2, 1794873600),
    _ModelRow("gpt-6.2-sol", "lMhxX", "medium", "never", 922 * _THOUSAND, 128 * _THOUSAND, 6.2, 1794873600),
    _ModelRow("gpt-6.1-terra", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 6.1, 1792281600),
    _ModelRow("gpt-6.1-sol", "lMhxX", "medium", "never", 922 * _THOUSAND, 128 * _THOUSAND, 6.1, 1789689600),
    _ModelRow("gpt-6-astra", "lMhxX", "medium", "never", 922 * _THOUSAND, 128 * _THOUSAND, 6.0, 1787097600),
    _ModelRow("gpt-6-sol", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 6.0, 1788307200),
    _ModelRow("gpt-6-luna", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 6.0, 1788307200),
    _ModelRow("gpt-5.6-sol", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 5.6, 1783555200),
    _ModelRow("gpt-5.6-terra", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 5.6, 1783555200),
    _ModelRow("gpt-5.6-luna", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 5.6, 1783555200),
    _ModelRow("gpt-6-rosalind", "nlMhxX", "medium", "effort_none", 922 * _THOUSAND, 128 * _THOUSAND, 6.0, 1788307200),
    _ModelRow("gpt-5.6-cyber", "nlMhxX", "medium", "effort_none", 400 * _THOUSAND, 128 * _THOUSAND, 5.6, 1783555200),
    _ModelRow(
        "gpt-5.5", "nlMhx", "medium", "effort_none", 1050 * _THOUSAND, 128 * _THOUSAND, 5.5, 1776902400, "2026-04-23"
    ),
    _ModelRow("gpt-5.5-pro", "Mhx", "high", "never", 1050 * _THOUSAND, 128 * _THOUSAND, 5.5, 1776902400, "2026-04-23"),
    _ModelRow(
        "gpt-5.4", "nlMhx", "none", "effort_none", 1050 * _THOUSAND, 128 * _THOUSAND, 5.4, 1772668800, "2026-03-05"
    ),
    _ModelRow(
        "gpt-5.4-mini", "nlMhx", "none", "effort_none", 272 * _THOUSAND, 128 * _THOUSAND, 5.4, 1773705600, "2026-03-17"
    ),
    _ModelRow(
        "gpt-5.4-nano", "nlMhx", "none", "effort_none", 272 * _THOUSAND, 128 * _THOUSAND, 5.4, 1773705600, "2026-03-17"
    ),
    _ModelRow("gpt-5.4-pro", "Mhx", "high", "never", 1050 * _THOUSAND, 128 * _THOUSAND, 5.4, 1772668800, "2026-03-05"),
    _ModelRow("gpt-5.3-codex", "nlMhx", "medium", "effort_none", 272 * _THOUSAND, 128 * _THOUSAND, 5.3, 1770249600),
    _ModelRow(
        "gpt-5.2", "nlMhx", "none", "effort_none", 272 * _THOUSAND, 128 * _THOUSAND, 5.2, 1765411200, "2025-12-11"
    ),
    _ModelRow("gpt-5.2-pro", "Mhx", "high", "never", 272 * _THOUSAND, 128 * _THOUSAND, 5.2, 1765411200, "2025-12-11"),
    _ModelRow(
        "gpt-5.1", "nlMh", "none", "effort_none", 272 * _THOUSAND, 128 * _THOUSAND, 5.1, 1762992000, "2025-11-13"
    ),
    _ModelRow("gpt-5", "mlMh", "medium", "never", 272 * _THOUSAND, 128 * _THOUSAND, 5.0, 1754524800, "2025-08-07"),
    _ModelRow("gpt-5-mini", "mlMh", "medium", "never", 272 * _THOUSAND, 128 * _THOUSAND, 5.0, 1754524800, "2025-08-07"),
    _ModelRow("gpt-5-nano", "mlMh", "medium", "never", 272 * _THOUSAND, 128 * _THOUSAND, 5.0, 1754524800, "2025-08-07"),
    _ModelRow("gpt-5-pro", "h", "high", "never", 272 * _THOUSAND, 272 * _THOUSAND, 5.0, 1759708800, "2025-10-06"),
    _ModelRow("o3", "lMh", "medium", "never", 200 * _THOUSAND, 100 * _THOUSAND, 4.0, 1744761600, "2025-04-16"),
    _ModelRow("o3-pro", "lMh", "medium", "never", 200 * _THOUSAND, 100 * _THOUSAND, 4.0, 1749513600, "2025-06-10"),
    _ModelRow("gpt-4.1", "", None, "always", 1047 * _THOUSAND, 32768, 4.1, 1744588800, "2025-04-14"),
    _ModelRow("gpt-4.1-mini", "", None, "always", 1047 * _THOUSAND, 32768, 4.1, 1744588800, "2025-04-14"),
    _ModelRow("gpt-4o", "", None, "always", 128 * _THOUSAND, 16384, 4.0, 1722902400, "2024-08-06"),
    _ModelRow("chat-latest", "", None, "always", 400 * _THOUSAND, 128 * _THOUSAND, 5.4, 1790812800),
    _ModelRow("gpt-4o-mini", "", None, "always", 128 * _THOUSAND, 16384, 4.0, 1721260800, "2024-07-18"),
)
_BY_FAMILY = {row.family: row for row in _ROWS}

# Announced on the vendor's deprecations page (seen 2026-11-21).
_SHUTDOWN = {
    **dict.fromkeys(("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "o3", "o3-pro"), "2026-12-11"),
    **dict.fromkeys(("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"), "2027-01-14"),
    **dict.fromkeys(("gpt-5.1", "gpt-5.3-codex", "gpt-5.4-nano"), "2027-04-01"),
}
# Listed by the real service too, and of no use to a chat client.
MODELS_WITHOUT_RESPONSES = (
    ("text-embedding-3-small", 1705948997),
    ("text-embedding-3-large", 1705953180),
    ("text-embedding-ada-002", 1671217299),
    ("tts-1", 1681940951),
    ("tts-1-hd", 1699046015),
    ("gpt-4o-mini-tts", 1742403959),
    ("whisper-1", 1677532384),
    ("gpt-4o-transcribe", 1742068463),
    ("gpt-4o-mini-transcribe-2025-12-15", 1765670400),
    ("gpt-image-1", 1745517030),
    ("gpt-image-2.6-sunburst", 1790812800),
    ("chatgpt-image-latest", 1765670400),
    ("dall-e-3", 1698785189),
    ("gpt-realtime", 1756271701),
    ("gpt-realtime-2026-01-15", 1768435200),
    ("gpt-4o-realtime-preview", 1727659998),
    ("gpt-audio", 1756339249),
    ("gpt-4o-audio-preview", 1727460443),
    ("gpt-4o-search-preview", 1741388720),
    ("sora-2", 1759708615),
    ("omni-moderation-latest", 1731689265),
    ("davinci-002", 1692634301),
    ("babbage-002", 1692634615),
    ("gpt-3.5-turbo-instruct", 1692901427),
    ("ft:gpt-4.1-mini-2025-04-14:acme::BxYz1234", 1750000000),
)


def find_model(model_id: str) -> Model | None:
    """The model behind an id, dated or not; None for an id that the service does not serve."""
    undated = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model_id)
    row = _BY_FAMILY.get(undated)
    if row is None or (undated != model_id and model_id != f"{undated}-{row.dated}"):
        return None
    return Model(
        id=model_id,
        snapshot=f"{row.family}-{row.dated}" if row.dated and row.version < 5.5 else row.family,
        efforts=_efforts(row.efforts),
        default_effort=row.default,
        sampling=row.sampling,
        window=row.window,
        max_output=row.output,
        phase=row.version >= 5.4 or row.family == "gpt-5.3-codex",
        cache_writes=row.version >= 5.6,
        context="all_turns" if row.version >= 5.6 else None,
        top_p=0.98 if row.version >= 5.2 else 1.0,
        retention="24h" if row.version >= 5.5 else "in_memory",
        effort_updates=row.version >= 6,
        cache_diagnostics=row.version >= 5.6,
    )


def name_and_version(model_id: str) -> tuple[str, str]:
    """Name and version of a model, apart, as Azure has them: a version is the day of a snapshot or of the start."""
    dated = re.fullmatch(r"(.+)-(\d{4}-\d{2}-\d{2})", model_id)
    if dated:
        return dated[1], dated[2]
    row = _BY_FAMILY[model_id]
    return model_id, row.dated or datetime.fromtimestamp(row.created, UTC).strftime("%Y-%m-%d")


def any_model(model_id: str, *, vision: bool = True) -> Model:
    """A model of a server that serves what it was given: no phases, no cache writes, any effort, any sampling."""
    return Model(
        id=model_id,
        snapshot=model_id,
        efforts=EFFORTS,
        default_effort=None,
        sampling="always",
        window=128 * _THOUSAND,
        max_output=128 * _THOUSAND,
        phase=False,
        cache_writes=False,
        context=None,
        top_p=1.0,
        retention=None,
        vision=vision,
    )


def model_list() -> list[dict[str, Any]]:
    """The `data` of `GET /v1/models`, in the service's own lack of order."""
    found = [(row.family, row.created) for row in _ROWS]
    found += [(f"{row.family}-{row.dated}", row.created) for row in _ROWS if row.dated]
    found += MODELS_WITHOUT_RESPONSES
    found.sort(key=lambda pair: (pair[1] % 9973, pair[0]))
    return [
        {
            "id": model_id,
            "object": "model",
            "created": created,
            "owned_by": "acme" if model_id.startswith("ft:") else "system",
            "shutdown_date": _SHUTDOWN.get(model_id),
        }
        for model_id, created in found
    ]
