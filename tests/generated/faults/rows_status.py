"""Rows: what a service says with its status, in the API's own form or in another."""

from __future__ import annotations

from tests.generated.faults.fault import Group, faults_of
from tests.support.error_rows import BUSY_ROWS, REFUSAL_ROWS

GROUPS = (
    Group(title="The service refuses", about="it says", rows=faults_of(REFUSAL_ROWS)),
    Group(title="It is too much, or the service is too busy", about="it says", rows=faults_of(BUSY_ROWS)),
)
