"""A certificate authority that is made once; failed assertions in these helpers show what they compared."""

from __future__ import annotations

import pytest
from responses_emulator import Authority

pytest.register_assert_rewrite(
    "tests.generated.faults.verdict", "tests.generated.sweeps.swept_provider", "tests.support.leftovers"
)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority; a client trusts it only if it is configured to."""
    return Authority(tmp_path_factory.mktemp("authority"))
