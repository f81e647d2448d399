"""An authority for certificates, made once; assertions outside of the test files say what they compared."""

from __future__ import annotations

import pytest
from responses_emulator import Authority

pytest.register_assert_rewrite("tests.generated.faults.verdict", "tests.support.leftovers")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Nobody trusts it who is not told to."""
    return Authority(tmp_path_factory.mktemp("authority"))
