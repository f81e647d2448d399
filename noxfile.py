"""What a contributor can do here: `nox -l` lists it, `nox -s NAME` does it, words after `--` go to the program behind.

Everything runs on a machine with only Python and pip; uv makes it faster where it is installed. Packages come from
wherever pip or uv are set up to find them; where CI is set, in the versions of constraints/ci.txt.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]
os.environ.setdefault("UV_SYSTEM_CERTS", "true")  # uv shall trust what the machine trusts, as pip does

SUPPORTED = ["3.11", "3.12", "3.13"]
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
# nox skips a Python that is absent. As the one that runs nox is in the list, it cannot skip all and call that success.
PYTHONS = [*SUPPORTED, *({RUNNING} - set(SUPPORTED))]

PROJECT = nox.project.load_toml("pyproject.toml")
LIBRARY = Path("libs/openai_responses_common")
MODULES = sorted(path.parent for path in Path("modules").glob("*/pyproject.toml"))
PINS = Path("constraints/ci.txt")
DIST = Path("dist")
ACCOUNT_VARIABLES = ["OPENAI_API_KEY"]


def install(session: nox.Session, *groups: str, modules: bool = True, others: list[str] | None = None) -> None:
    """Install the modules, live from this checkout with the library, and what `groups` of pyproject.toml list."""
    editable = [word for module in MODULES if modules for word in ("--editable", str(module))]
    wanted = others or (["--constraint", str(PINS)] if os.environ.get("CI") else [])
    session.install(*editable, *nox.project.dependency_groups(PROJECT, *groups), *wanted)


def pytest(session: nox.Session, *options: str) -> None:
    """Run pytest on all cores; `-n0` after -- keeps it in one process."""
    session.run("python", "-m", "pytest", "--numprocesses=auto", *options, *session.posargs)


def floor(package: str) -> str:
    """The oldest release of `package` that the library accepts, as a pin."""
    for requirement in nox.project.load_toml(LIBRARY / "pyproject.toml")["project"]["dependencies"]:
        if match := re.fullmatch(rf"{package}>=([\w.]+)", requirement):
            return f"{package}=={match[1]}"
    raise ValueError(f"{LIBRARY / 'pyproject.toml'} sets no floor for {package}")


@nox.session
def chat(session: nox.Session) -> None:
    """Ask a question after --, or chat; without an account an offline service answers."""
    install(session, "emulator")
    session.run("python", "-m", "examples.chat", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on each supported Python that is installed."""
    install(session, "test")
    pytest(session)


@nox.session
@nox.parametrize("release", ["oldest", "newest"])
def sdk(session: nox.Session, release: str) -> None:
    """Run the tests on the oldest and on the newest openai SDK."""
    install(session, "test", others=["--upgrade", floor("openai") if release == "oldest" else "openai"])
    pytest(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and layout with ruff."""
    install(session, "lint", modules=False)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with pyright, strictly in libs and modules."""
    install(session, "types")
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    session.run("pyright", "--project", "pyright.strict.json", env=quiet)
    session.run("pyright", *session.posargs, env=quiet)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests once more and demand every branch of the pure files."""
    install(session, "coverage")
    pure = PROJECT["tool"]["coverage"]["report"]["include"]
    if absent := [name for name in pure if not Path(name).is_file()]:
        session.error(f"pyproject.toml lists pure files that do not exist: {', '.join(absent)}")
    pytest(session, "--quiet", "--cov", "--cov-report=", "--cov-fail-under=0")
    session.run("coverage", "report", "--include=libs/*,modules/*", "--fail-under=0")
    session.run("coverage", "report")


@nox.session
def corpus(session: nox.Session) -> None:
    """Play recorded real traffic through the code."""
    install(session, "corpus")
    session.run("python", "-m", "tests.corpus", *session.posargs)


@nox.session(name="install", requires=["build"])
def install_ways(session: nox.Session) -> None:
    """Install the packages in every way that Amplifier, uv and pip know."""
    install(session, "install", modules=False)
    # The conftest of the other tests needs the modules, which are not in this environment.
    pytest(session, "-m", "install", "--confcutdir=tests/install", "tests/install")


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheels and sdists of a release into dist/."""
    install(session, "build", modules=False)
    shutil.rmtree(DIST, ignore_errors=True)
    session.env["OPENAI_RESPONSES_COMMON_BUILD"] = "release"
    for package in [LIBRARY, *MODULES]:
        session.run("pyproject-build", "--installer", "uv", "--outdir", str(DIST), str(package), silent=True)
    session.log("built " + ", ".join(sorted(path.name for path in DIST.glob("*"))))


@nox.session
def keyring(session: nox.Session) -> None:
    """Keep tokens in a real system keyring, where dbus and gnome-keyring are installed."""
    install(session, "test")
    session.run("python", "tests/keyring/session.py", *session.posargs)


@nox.session
def pin(session: nox.Session) -> None:
    """Write the newest versions of all that CI installs to constraints/ci.txt."""
    install(session, *PROJECT["dependency-groups"], others=["--upgrade", "nox"])
    frozen = session.run("python", "-m", "pip", "freeze", "--all", "--exclude-editable", silent=True)
    PINS.write_text(f"# What CI installs; `nox -s pin` renews it.\n{frozen}", encoding="utf-8")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the code costs beside reading the bare bytes."""
    install(session, "test")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Run the few tests that need a real account; they cost money."""
    if not any(os.environ.get(name) for name in ACCOUNT_VARIABLES):
        session.skip(f"no account: set {' or '.join(ACCOUNT_VARIABLES)}")
    install(session, "test")
    pytest(session, "-m", "live", "--numprocesses=0")
