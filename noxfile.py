"""The tasks of a contributor: `nox -l` lists them and `nox -s NAME` runs one, with the arguments after `--`.

A machine needs only Python and pip. If uv is installed, nox uses it, which is faster. Packages come from the index that
pip or uv is configured for. If the variable CI is set, they have the versions of constraints/ci.txt.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]
os.environ.setdefault("UV_SYSTEM_CERTS", "true")  # uv then trusts the certificates of the machine, as pip does

SUPPORTED = ["3.11", "3.12", "3.13", "3.14", "3.15"]
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
# nox skips a Python that is absent. The one that runs nox is in the list, so nox cannot skip all and report success.
PYTHONS = [*SUPPORTED, *({RUNNING} - set(SUPPORTED))]

PROJECT = nox.project.load_toml("pyproject.toml")
LIBRARY = Path("libs/openai_responses_common")
EMULATOR = Path("libs/responses_emulator")
MODULES = sorted(path.parent for path in Path("modules").glob("*/pyproject.toml"))
PINS = Path("constraints/ci.txt")
DIST = Path("dist")
# The conftest of the other tests imports the modules, which the environment of these tests does not have.
INSTALL_TESTS = ["-m", "install", "--confcutdir=tests/project/install"]
VERSION = re.compile(r'^((?:__)?version(?:__)? = ")(.*)(")$', re.M)
ACCOUNT_VARIABLES = ["OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "CHATGPT_OAUTH_TOKEN_FILE"]


def install(session: nox.Session, *groups: str, modules: bool = True, options: list[str] | None = None) -> None:
    """Install dependency groups of pyproject.toml and, by default, the library, the emulator and the modules, editable.

    `options` are further arguments of pip. By default they are the constraints of CI, if CI is set.
    """
    editable = [word for package in [*MODULES, EMULATOR] if modules for word in ("--editable", str(package))]
    options = options or (["--constraint", str(PINS)] if os.environ.get("CI") else [])
    session.log("Preparing the environment, which takes up to a minute the first time.")
    with show_seconds():  # the command itself has three lines; nox shows it if it fails
        session.install(*editable, *nox.project.dependency_groups(PROJECT, *groups), *options, log=False)


@contextmanager
def show_seconds() -> Iterator[None]:
    """Count seconds on the last row of the terminal, so that a user sees that nox still works."""
    done = threading.Event()

    def count() -> None:
        began_s = time.monotonic()
        while not done.wait(1):
            sys.stderr.write(f"\r{time.monotonic() - began_s:.0f} s ")
            sys.stderr.flush()

    counter = threading.Thread(target=count, daemon=True)
    if sys.stderr.isatty():
        counter.start()
    try:
        yield
    finally:
        done.set()
        if counter.is_alive():
            counter.join()
            sys.stderr.write("\r       \r")
            sys.stderr.flush()


def pytest(session: nox.Session, *options: str, env: dict[str, str] | None = None) -> None:
    """Run pytest on all cores; `-n0` after `--` keeps it in one process."""
    session.run("python", "-m", "pytest", "--numprocesses=auto", *options, *session.posargs, env=env)


def list_requirements() -> list[str]:
    """Return the requirements of all packages here: to build them, to run them, to test them, and their extras."""
    requirements = {"editables", "nox", *nox.project.dependency_groups(PROJECT, "test")}  # editables is hatchling's
    for package in [LIBRARY, EMULATOR, *MODULES]:
        data = nox.project.load_toml(package / "pyproject.toml")
        hooks = data["tool"]["hatch"].get("metadata", {}).get("hooks", {})
        requirements.update(data["build-system"]["requires"], data["project"].get("dependencies", []))
        requirements.update(*data["project"].get("optional-dependencies", {}).values())
        requirements.update(hooks.get("custom", {}).get("dependencies", []))
    return sorted(requirements)


def download_requirements(session: nox.Session) -> dict[str, str]:
    """Download the requirements once, and return variables that make pip and uv install from that folder only.

    Every run then installs the same packages, and without the network.
    """
    folder = (session.cache_dir / f"wheelhouse-{RUNNING}").resolve()
    pins = ["--constraint", str(PINS)] if os.environ.get("CI") else []
    requirements = list_requirements()
    content, complete = "\n".join([*requirements, *pins]), folder / "complete"
    if not (complete.is_file() and complete.read_text("utf-8") == content):
        shutil.rmtree(folder, ignore_errors=True)
        download = ("python", "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(folder))
        session.run(*download, *requirements, *pins)
        session.run(*download, "openai>=2.15,<3")  # a requirement of other modules; see tests/project/install
        complete.write_text(content, encoding="utf-8")
    settings = folder / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = [{json.dumps(str(folder))}]\n", encoding="utf-8")
    return {"UV_CONFIG_FILE": str(settings), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def pyright(session: nox.Session, *arguments: str) -> None:
    """Check the product strictly, and then everything else, or the files among `arguments`, with basic checks."""
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    session.run("pyright", "--project", "pyright.strict.json", env=quiet)
    session.run("pyright", *arguments, env=quiet)


def pin_oldest(package: str) -> str:
    """Return a requirement of the oldest release of `package` that the library accepts."""
    for requirement in nox.project.load_toml(LIBRARY / "pyproject.toml")["project"]["dependencies"]:
        if match := re.fullmatch(rf"{package}>=([\w.]+)", requirement):
            return f"{package}=={match[1]}"
    raise ValueError(f"{LIBRARY / 'pyproject.toml'} sets no oldest release of {package}")


@nox.session
def chat(session: nox.Session) -> None:
    """Ask the question after `--`, or chat. Without an account an offline service answers."""
    install(session, "chat")
    # Ctrl-C stops a response of the chat. nox receives it too, and would end the chat 0.3 s later. A Python that starts
    # would show a traceback, so the chat inherits that Ctrl-C is held back, and lets it through when it is ready.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        session.run("python", "-m", "examples.chat", *session.posargs)
    finally:
        if os.name == "posix":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, before)


@nox.session
def check(session: nox.Session) -> None:
    """Before a commit: format all files, check style, spelling and types, and run the unit tests."""
    install(session, "check")
    session.run("ruff", "format", "--quiet")
    session.run("ruff", "check", "--fix")
    session.run("ruff", "format")  # a fix may leave lines to format
    session.run("codespell")
    session.run("python", "-m", "tests.support.forbidden_phrases")
    pyright(session)
    pytest(session, "tests/unit", "tests/project/test_walls.py")


@nox.session
def unit(session: nox.Session) -> None:
    """Run the unit tests, which need neither a socket nor a service."""
    install(session, "test")
    pytest(session, "tests/unit")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on each supported Python that is installed."""
    install(session, "test")
    # `.ci/run` names fewer tests for the Pythons other than the one that runs nox, as in TESTS_ON_312="tests/unit".
    some = os.environ.get(f"TESTS_ON_{str(session.python).replace('.', '')}", "").split()
    pytest(session, *(some if session.python != RUNNING else []))


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take long or measure time, which `tests` leaves out."""
    install(session, "test")
    pytest(session, "-m", "slow")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and layout with ruff, spelling with codespell, and prose for phrases that readers stumble over."""
    install(session, "lint", modules=False)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("python", "-m", "tests.support.forbidden_phrases")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with pyright, strictly in the library and the modules."""
    install(session, "types")
    pyright(session, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Check that the unit tests reach every branch of the pure files."""
    install(session, "coverage")
    pytest(session, "tests/unit", "--quiet", "--cov", "--cov-report=", "--cov-fail-under=0")
    session.run("coverage", "report", "--include=libs/*,modules/*", "--fail-under=0")
    session.run("coverage", "report")


@nox.session
@nox.parametrize("release", ["oldest", "newest"])
def http(session: nox.Session, release: str) -> None:
    """Run the tests of calls on the oldest and on the newest releases of aiohttp and of the openai SDK."""
    packages = [pin_oldest(name) if release == "oldest" else name for name in ("aiohttp", "openai")]
    install(session, "test", options=["--upgrade", *packages])
    pytest(session, "tests/behaviour", "tests/unit/transport", "tests/generated/faults/test_tls.py")


@nox.session
@nox.parametrize("release", ["oldest", "newest 1.x"])
def kernel(session: nox.Session, release: str) -> None:
    """Load and run the modules on the oldest amplifier-core and on the newest 1.x."""
    core = pin_oldest("amplifier-core") if release == "oldest" else "amplifier-core<2"
    install(session, "test", options=["--upgrade", core])
    pytest(session, *(f"tests/behaviour/test_{name}.py" for name in ("conformance", "kernel", "loading", "wizard")))


@nox.session
def corpus(session: nox.Session) -> None:
    """Replay recorded traffic of the real services through the code."""
    install(session, "corpus")
    for module in ("openai-v2", "chatgpt-oauth"):
        session.run("python", "-m", "tests.generated.corpus", "--module", module, *session.posargs)


@nox.session
def servers(session: nox.Session) -> None:
    """Install and start servers of other makers with a tiny model, and print what the module does on each."""
    install(session, "servers")
    environments = str((session.cache_dir / "servers").resolve())
    session.run("python", "-m", "tests.servers", "--environments", environments, *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Install clients of other makers, run each against the emulator, and print what works. It needs npm."""
    install(session, "clients")
    environments = str((session.cache_dir / "clients").resolve())
    session.run("python", "-m", "tests.clients", "--environments", environments, *session.posargs)


@nox.session
def amplifier(session: nox.Session) -> None:
    """Install Amplifier from checkouts of its repositories, and use the modules there as a person does."""
    install(session, "amplifier")
    environment = str((session.cache_dir / "amplifier").resolve())
    session.run("python", "-m", "tests.amplifier", "--environment", environment, *session.posargs)


@nox.session
def keyring(session: nox.Session) -> None:
    """Store tokens in a real system keyring, if dbus and gnome-keyring are installed."""
    install(session, "test")
    plaintext = session.create_tmp()
    session.install("--no-deps", "--target", plaintext, *nox.project.dependency_groups(PROJECT, "keyring"))
    session.run("python", "tests/support/gnome_keyring.py", *session.posargs, env={"PLAINTEXT": plaintext})


@nox.session
def live(session: nox.Session) -> None:
    """Run the few tests that need a real account. They cost money."""
    if not any(os.environ.get(name) for name in ACCOUNT_VARIABLES):
        session.skip(f"no account: set {' or '.join(ACCOUNT_VARIABLES)}")
    install(session, "test")
    pytest(session, "-m", "live", "--numprocesses=0")


@nox.session(name="install", requires=["build"])
def install_ways(session: nox.Session) -> None:
    """Install the packages in every way that Amplifier, uv and pip know, and print the results as a table."""
    install(session, "install", modules=False)
    session.env.update(download_requirements(session))
    files = [f"tests/project/install/test_{name}.py" for name in ("ways", "conflicts", "pages")]
    pytest(session, *INSTALL_TESTS, "--dist=worksteal", *files)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheels and sdists of a release into dist/, and check them."""
    install(session, "build", modules=False)
    session.env.update(download_requirements(session))
    session.env["OPENAI_RESPONSES_COMMON_BUILD"] = "release"
    shutil.rmtree(DIST, ignore_errors=True)
    for package in [LIBRARY, EMULATOR, *MODULES]:
        session.run("pyproject-build", "--installer", "uv", "--outdir", str(DIST), str(package), silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(DIST.glob("*"))))
    session.run("python", "-m", "pytest", *INSTALL_TESTS, "tests/project/install/test_release.py")


@nox.session(venv_backend="none")
def version(session: nox.Session) -> None:
    """Print the version of all packages, or set it to the one after `--`."""
    files = [
        LIBRARY / "openai_responses_common" / "version.py",
        EMULATOR / "responses_emulator" / "__init__.py",
        *(next(module.glob("*/__init__.py")) for module in MODULES),
        *(package / "pyproject.toml" for package in [LIBRARY, EMULATOR, *MODULES]),
    ]
    for new in session.posargs:
        if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", new):
            session.error(f"{new} is not a valid version; write 1.2.3, or 1.2.3rc1 for a candidate")
        for file in files:
            text = VERSION.sub(rf"\g<1>{new}\g<3>", file.read_text("utf-8"), count=1)
            file.write_text(text, encoding="utf-8")
    versions = {str(file): VERSION.findall(file.read_text("utf-8"))[0][1] for file in files}
    if len(set(versions.values())) > 1:
        session.error(f"the versions differ; set one with `nox -s version -- X.Y.Z`: {versions}")
    current = next(iter(versions.values()))
    in_changelog = re.search(rf"(?m)^## {re.escape(current)}$", Path("CHANGELOG.md").read_text("utf-8"))
    session.log(
        current if in_changelog else f"{current}; CHANGELOG.md does not describe it: add a section `## {current}`"
    )


@nox.session
def pin(session: nox.Session) -> None:
    """Write the newest versions of all packages that CI installs to constraints/ci.txt."""
    install(session, *PROJECT["dependency-groups"], options=["--upgrade", "nox"])
    frozen = session.run("python", "-m", "pip", "freeze", "--all", "--exclude-editable", silent=True)
    PINS.write_text(f"# What CI installs; `nox -s pin` renews it.\n{frozen}", encoding="utf-8")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the modules, and compare them with bare requests and other clients; `-- -h` lists the options."""
    alone = {"--short", "--alone"} & set(session.posargs)
    install(session, "test" if alone else "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Test a hundred thousand random conversations, bodies and streams; `tests` takes a few thousand."""
    install(session, "test")
    pytest(session, "tests/generated/fuzz", env={"FUZZ_EXAMPLES": "100000"})


@nox.session
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of all packages that CI installs, and of the newest releases of requirements."""
    session.install("pip-audit>=2.9")
    newest = Path(session.create_tmp()) / "newest.txt"
    newest.write_text("\n".join(list_requirements()), encoding="utf-8")
    for options in (["-r", str(PINS), "--no-deps", "--disable-pip"], ["-r", str(newest)]):
        session.run("pip-audit", "--strict", "--progress-spinner=off", *options)


@nox.session
def picture(session: nox.Session) -> None:
    """Draw the picture of a chat that the README shows."""
    install(session, "test")
    session.run("python", "-m", "examples.picture")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the pages that are made from tables in the code: configuration, faults, servers and contract."""
    install(session, "test")
    for page in ("configuration", "contract", "faults", "servers"):
        session.run("python", "-m", f"docs.{page}")
