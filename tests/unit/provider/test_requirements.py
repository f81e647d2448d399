"""A module runs only with the library of its own release or checkout, and with packages that are new enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from openai_responses_common import __version__
from openai_responses_common.provider.requirements import check_installation, require_package, require_version

CHECKOUT = Path(__file__).resolve().parents[3]


def require(version: str, file: Path) -> None:
    require_version(version, module="a-module", file=str(file))


def test_a_module_of_this_checkout_or_of_site_packages_is_accepted(tmp_path: Path) -> None:
    require(__version__, CHECKOUT / "modules" / "provider-x" / "package" / "__init__.py")
    require(__version__, tmp_path / "site-packages" / "package" / "__init__.py")
    require(__version__, Path("/package/__init__.py"))


def test_another_version_is_refused_with_a_remedy() -> None:
    with pytest.raises(ImportError, match=r"a-module 9\.9\.9 .*pip uninstall openai-responses-common"):
        require("9.9.9", Path("/package/__init__.py"))


def test_a_module_of_another_checkout_is_refused_also_with_the_same_version(tmp_path: Path) -> None:
    (tmp_path / "libs" / "openai_responses_common").mkdir(parents=True)
    with pytest.raises(ImportError, match="one checkout"):
        require(__version__, tmp_path / "modules" / "provider-x" / "package" / "__init__.py")


def test_a_package_that_is_too_old_or_absent_is_refused_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, version in (("older", "2.54.0"), ("newer", "10.0")):
        (tmp_path / f"{name}-{version}.dist-info").mkdir()
        described = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nNot this one:\nVersion: 99\n"
        (tmp_path / f"{name}-{version}.dist-info" / "METADATA").write_text(described, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    require_package("openai", "3.30", module="a-module")
    require_package("newer", "3.30", module="a-module")
    with pytest.raises(ImportError, match=r"a-module needs older 3\.30 or newer, and older 2\.54\.0 .*'older>=3\.30'"):
        require_package("older", "3.30", module="a-module")
    with pytest.raises(ImportError, match="it is not installed"):
        require_package("no-such-package", "1.0", module="a-module")


def test_the_check_of_a_module_names_its_distribution() -> None:
    check_installation("a_module", version=__version__, file="/a_module/__init__.py", needs={"openai": "3.30"})
    with pytest.raises(ImportError, match=r"a-module needs openai 99\.0 or newer"):
        check_installation("a_module", version=__version__, file="/a_module/__init__.py", needs={"openai": "99.0"})
    with pytest.raises(ImportError, match=r"a-module 9\.9\.9 "):
        check_installation("a_module", version="9.9.9", file="/a_module/__init__.py", needs={"openai": "3.30"})
