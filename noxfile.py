"""What a contributor can do here: `nox -l` lists it, `nox -s NAME` does it, words after `--` go to the program behind.

Everything runs on a machine with only Python and pip; uv makes it faster where it is installed. Packages come from
wherever pip or uv are set up to find them; where CI is set, in the versions of constraints/ci.txt.
"""

from __future__ import annotations

import json
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
EMULATOR = Path("libs/responses_emulator")
MODULES = sorted(path.parent for path in Path("modules").glob("*/pyproject.toml"))
PINS = Path("constraints/ci.txt")
DIST = Path("dist")
# The conftest of the other tests needs the modules, which are not in the environment of these.
OF_INSTALL = ["-m", "install", "--confcutdir=tests/install"]
VERSION = re.compile(r'^((?:__)?version(?:__)? = ")(.*)(")$', re.M)
ACCOUNT_VARIABLES = ["OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "CHATGPT_OAUTH_TOKEN_FILE"]


def install(session: nox.Session, *groups: str, modules: bool = True, others: list[str] | None = None) -> None:
    """Install the modules, live from this checkout with the library, and what `groups` of pyproject.toml list."""
    editable = [word for package in [*MODULES, EMULATOR] if modules for word in ("--editable", str(package))]
    wanted = others or (["--constraint", str(PINS)] if os.environ.get("CI") else [])
    session.install(*editable, *nox.project.dependency_groups(PROJECT, *groups), *wanted)


def pytest(session: nox.Session, *options: str, env: dict[str, str] | None = None) -> None:
    """Run pytest on all cores; `-n0` after -- keeps it in one process."""
    session.run("python", "-m", "pytest", "--numprocesses=auto", *options, *session.posargs, env=env)


def needs() -> list[str]:
    """What building and installing the packages takes from others."""
    found = {"editables"}  # hatchling's, for editable installs
    for package in [LIBRARY, EMULATOR, *MODULES]:
        read = nox.project.load_toml(package / "pyproject.toml")
        hooks = read["tool"]["hatch"].get("metadata", {}).get("hooks", {})
        found.update(read["build-system"]["requires"], read["project"].get("dependencies", []))
        found.update(*read["project"].get("optional-dependencies", {}).values())
        found.update(hooks.get("custom", {}).get("dependencies", []))
    return sorted(found)


def wheelhouse(session: nox.Session) -> dict[str, str]:
    """Fetch what others publish, once, and have pip and uv look nowhere else: quicker, and the same in every run."""
    folder = (session.cache_dir / f"wheelhouse-{RUNNING}").resolve()
    pins = ["--constraint", str(PINS)] if os.environ.get("CI") else []
    wanted = "\n".join([*needs(), *pins])
    done = folder / "complete"
    if not (done.is_file() and done.read_text("utf-8") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        download = ("python", "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(folder))
        session.run(*download, *needs(), *pins)
        session.run(*download, "openai>=2.15,<3")  # what modules of others demand; see the tests
        done.write_text(wanted, encoding="utf-8")
    settings = folder / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = [{json.dumps(str(folder))}]\n", encoding="utf-8")
    return {"UV_CONFIG_FILE": str(settings), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def pyright(session: nox.Session, *words: str) -> None:
    """Check what is ours strictly, and the rest, or the files among `words`, less so."""
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    session.run("pyright", "--project", "pyright.strict.json", env=quiet)
    session.run("pyright", *words, env=quiet)


def floor(package: str) -> str:
    """The oldest release of `package` that the library accepts, as a pin."""
    for requirement in nox.project.load_toml(LIBRARY / "pyproject.toml")["project"]["dependencies"]:
        if match := re.fullmatch(rf"{package}>=([\w.]+)", requirement):
            return f"{package}=={match[1]}"
    raise ValueError(f"{LIBRARY / 'pyproject.toml'} sets no floor for {package}")


@nox.session
def chat(session: nox.Session) -> None:
    """Ask a question after --, or chat; without an account an offline service answers."""
    install(session, "chat")
    session.run("python", "-m", "examples.chat", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Format all, check style and types, and run the tests that a change against main touches."""
    install(session, "check")
    for words in (["format", "--quiet"], ["check", "--fix"], ["format"]):  # a repair may leave something to lay out
        session.run("ruff", *words)
    pyright(session)
    touched = str(session.run("python", "tests/support/affected.py", silent=True)).split()
    if not touched:
        session.skip("nothing differs from main")
    session.log(f"the change touches {len(touched)} test files; `nox` runs all of them")
    pytest(session, *touched)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on each supported Python that is installed."""
    install(session, "test")
    pytest(session)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take long, which `nox` leaves out."""
    install(session, "test")
    pytest(session, "-m", "slow and not install and not live and not keyring")


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
    pyright(session, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Demand that the unit tests reach every branch of the pure files."""
    install(session, "coverage")
    pytest(session, "tests/unit", "--quiet", "--cov", "--cov-report=", "--cov-fail-under=0")
    session.run("coverage", "report", "--include=libs/*,modules/*", "--fail-under=0")
    session.run("coverage", "report")


@nox.session
@nox.parametrize("release", ["oldest", "newest"])
def sdk(session: nox.Session, release: str) -> None:
    """Run what goes through the openai SDK on its oldest and on its newest release."""
    install(session, "test", others=["--upgrade", floor("openai") if release == "oldest" else "openai"])
    pytest(
        session,
        "tests/behaviour",
        "tests/azure",
        "tests/behaviour/test_conformance.py",
        "tests/behaviour/test_kernel.py",
    )


@nox.session
@nox.parametrize("release", ["oldest", "newest 1.x"])
def kernel(session: nox.Session, release: str) -> None:
    """Load and run the modules on the oldest amplifier-core and on the newest 1.x."""
    core = floor("amplifier-core") if release == "oldest" else "amplifier-core<2"
    install(session, "test", others=["--upgrade", core])
    pytest(session, *(f"tests/behaviour/test_{name}.py" for name in ("conformance", "kernel", "loading", "wizard")))


@nox.session
def corpus(session: nox.Session) -> None:
    """Play recorded real traffic through the code."""
    install(session, "corpus")
    for module in ("openai-v2", "chatgpt-oauth"):
        session.run("python", "-m", "tests.generated.corpus", "--module", module, *session.posargs)


@nox.session
def keyring(session: nox.Session) -> None:
    """Keep tokens in a real system keyring, where dbus and gnome-keyring are installed."""
    install(session, "test")
    plaintext = session.create_tmp()
    session.install("--no-deps", "--target", plaintext, *nox.project.dependency_groups(PROJECT, "keyring"))
    session.run("python", "tests/support/gnome_keyring.py", *session.posargs, env={"PLAINTEXT": plaintext})


@nox.session
def live(session: nox.Session) -> None:
    """Run the few tests that need a real account; they cost money."""
    if not any(os.environ.get(name) for name in ACCOUNT_VARIABLES):
        session.skip(f"no account: set {' or '.join(ACCOUNT_VARIABLES)}")
    install(session, "test")
    pytest(session, "-m", "live", "--numprocesses=0")


@nox.session(name="install", requires=["build"])
def install_ways(session: nox.Session) -> None:
    """Install the packages in every way that Amplifier, uv and pip know, and print what came of it."""
    install(session, "install", modules=False)
    session.env.update(wheelhouse(session))
    files = [f"tests/project/install/test_{name}.py" for name in ("ways", "conflicts")]
    pytest(session, *OF_INSTALL, "--dist=worksteal", *files)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheels and sdists of a release into dist/, and check them."""
    install(session, "build", modules=False)
    session.env.update(wheelhouse(session))
    session.env["OPENAI_RESPONSES_COMMON_BUILD"] = "release"
    shutil.rmtree(DIST, ignore_errors=True)
    for package in [LIBRARY, EMULATOR, *MODULES]:
        session.run("pyproject-build", "--installer", "uv", "--outdir", str(DIST), str(package), silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(DIST.glob("*"))))
    session.run("python", "-m", "pytest", *OF_INSTALL, "tests/project/install/test_release.py")


@nox.session(venv_backend="none")
def version(session: nox.Session) -> None:
    """Say which version all packages have, or give them the one after --."""
    files = [
        LIBRARY / "openai_responses_common" / "version.py",
        *(next(module.glob("*/__init__.py")) for module in [EMULATOR, *MODULES]),
        *(package / "pyproject.toml" for package in [LIBRARY, EMULATOR, *MODULES]),
    ]
    for wanted in session.posargs:
        if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", wanted):
            session.error(f"{wanted} is no version: 1.2.3, or 1.2.3rc1 for a candidate")
        for file in files:
            text = VERSION.sub(rf"\g<1>{wanted}\g<3>", file.read_text("utf-8"), count=1)
            file.write_text(text, encoding="utf-8")
    found = {str(file): VERSION.findall(file.read_text("utf-8"))[0][1] for file in files}
    if len(set(found.values())) > 1:
        session.error(f"different versions; set one with `nox -s version -- X.Y.Z`: {found}")
    (now,) = set(found.values())
    noted = re.search(rf"(?m)^## {re.escape(now)}$", Path("CHANGELOG.md").read_text("utf-8"))
    session.log(now if noted else f"{now}, of which CHANGELOG.md says nothing yet: add a section `## {now}`")


@nox.session
def pin(session: nox.Session) -> None:
    """Write the newest versions of all that CI installs to constraints/ci.txt."""
    install(session, *PROJECT["dependency-groups"], others=["--upgrade", "nox"])
    frozen = session.run("python", "-m", "pip", "freeze", "--all", "--exclude-editable", silent=True)
    PINS.write_text(f"# What CI installs; `nox -s pin` renews it.\n{frozen}", encoding="utf-8")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the modules beside the bare bytes and beside what others use; `-- -h` tells all options."""
    alone = {"--short", "--alone"} & set(session.posargs)
    install(session, "test" if alone else "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Try a hundred thousand made-up conversations, bodies and streams; the default run tries a few thousand."""
    install(session, "test")
    pytest(session, "tests/generated/fuzz", env={"FUZZ_EXAMPLES": "100000"})


@nox.session
def audit(session: nox.Session) -> None:
    """Ask for known holes in what CI installs and in the newest of what the packages need; fails if nobody answers."""
    session.install("pip-audit>=2.9")
    newest = Path(session.create_tmp()) / "newest.txt"
    newest.write_text("\n".join(needs()), encoding="utf-8")
    for words in (["-r", str(PINS), "--no-deps", "--disable-pip"], ["-r", str(newest)]):
        session.run("pip-audit", "--strict", "--progress-spinner=off", *words)


@nox.session
def picture(session: nox.Session) -> None:
    """Make the picture of a chat that the README shows."""
    install(session, "test")
    session.run("python", "-m", "examples.picture")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the pages that come from tables in the code: the configuration, and what becomes of each fault."""
    install(session, "test")
    for page in ("configuration", "faults"):
        session.run("python", "-m", f"docs.{page}")
