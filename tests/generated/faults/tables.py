"""The matrix: all groups of rows, in the order of the page."""

from __future__ import annotations

from tests.generated.faults import (
    rows_answers,
    rows_bodies,
    rows_calls,
    rows_connection,
    rows_frames,
    rows_garbage,
    rows_http,
    rows_services,
    rows_status,
    rows_stream,
)
from tests.generated.faults.fault import Group

MATRIX: tuple[Group, ...] = (
    *rows_status.GROUPS,
    *rows_services.GROUPS,
    *rows_connection.GROUPS,
    *rows_stream.GROUPS,
    *rows_answers.GROUPS,
    *rows_calls.GROUPS,
    *rows_bodies.GROUPS,
    *rows_frames.GROUPS,
    *rows_garbage.GROUPS,
    *rows_http.GROUPS,
)
