"""The workflows run what they name, with the rights that they need and no others, and publish as CONTRIBUTING says."""

from __future__ import annotations

import re
import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai_responses_common.version import __version__

from tests.support.backends import ROOT
from tests.support.shell_commands import sessions

pytestmark = pytest.mark.promise(
    "a release holds no key, path or stray file, and workflows few rights", area="security"
)

FILES = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
# What a job may do beside nothing. Publishing needs a proof of who it is, and nothing of the repository.
RIGHTS = [{"contents": "read"}, {"id-token": "write"}]
# What comes from outside: whoever names a branch, or writes a title, would write a command.
OUTSIDE = re.compile(r"\$\{\{")


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML takes the word `on` for true."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_there_are_the_three() -> None:
    """A change, a night and a release."""
    assert [path.stem for path in FILES] == ["ci", "nightly", "release"]


@EACH_FILE
def test_every_action_is_pinned_to_one_commit(path: Path) -> None:
    """A tag can be moved by whoever owns the action, or has got hold of it; the comment says which version it was."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert len(lines) >= 2
    for line in lines:
        assert re.fullmatch(r"\s+(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit_everywhere() -> None:
    """Else one of them was forgotten."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        for step in steps(path):
            name, at, commit = step.get("uses", "").partition("@")
            if at:
                found.setdefault(name, set()).add(commit)
    assert {name for name, commits in found.items() if len(commits) > 1} == set()
    assert all(name.startswith(("actions/", "pypa/")) for name in found)


@EACH_FILE
def test_no_right_is_given_that_is_not_needed(path: Path) -> None:
    """Nothing by default; each job says what it needs, and no job both reads the code and can publish."""
    document = read(path)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        assert job["permissions"] in RIGHTS, name
        assert "id-token" not in job["permissions"] or (path.stem, job.get("environment")) == ("release", "pypi")


@EACH_FILE
def test_it_begins_with_nothing_that_a_stranger_commands(path: Path) -> None:
    """`pull_request_target` and its like run a stranger's change with our rights."""
    begins = read(path)["on"]
    assert set(begins) <= {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert "secrets." not in path.read_text(encoding="utf-8")


@EACH_FILE
def test_no_text_from_outside_becomes_a_command(path: Path) -> None:
    """Values go into commands as variables of the environment, which no shell reads as words."""
    for step in steps(path):
        assert not OUTSIDE.search(step.get("run", ""))
        assert step.get("shell", "bash") == "bash"
    used = re.findall(r"\$\{\{(.*?)\}\}", path.read_text(encoding="utf-8"))
    assert {word.strip() for word in used} <= {"github.ref", "matrix.session", "matrix.system"}


@EACH_FILE
def test_the_checkout_leaves_no_credentials(path: Path) -> None:
    """What the tests run could read them from the folder."""
    found = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert found
    assert all(step["with"]["persist-credentials"] is False for step in found)


@EACH_FILE
def test_no_job_runs_for_ever_or_beside_itself(path: Path) -> None:
    """And none on a machine that keeps something for the next."""
    document = read(path)
    assert document["concurrency"]["group"]
    for name, job in document["jobs"].items():
        assert job["timeout-minutes"] <= 90, name
        systems = job["strategy"]["matrix"]["system"] if job["runs-on"] == "${{ matrix.system }}" else [job["runs-on"]]
        for system in systems:
            assert re.fullmatch(r"ubuntu-\d\d\.04|macos-\d\d|windows-\d{4}", system), name


@EACH_FILE
def test_it_names_no_package_index(path: Path) -> None:
    """Packages come from wherever pip is set up to find them."""
    assert not re.search(r"https?://|index-url|find-links", path.read_text(encoding="utf-8"))


def test_a_change_is_tried_on_every_supported_python() -> None:
    """`.ci/run` finds them by itself; the workflow only has to install them."""
    supported = re.search(r"SUPPORTED = (\[.*\])", (ROOT / "noxfile.py").read_text(encoding="utf-8"))
    setup = next(step for step in steps(ROOT / ".github/workflows/ci.yml") if "setup-python" in step.get("uses", ""))
    assert supported
    wanted = tomllib.loads(f"x = {supported[1]}")["x"]
    assert sorted(setup["with"]["python-version"].split()) == sorted(wanted)
    assert {"run": "bash .ci/run"} in steps(ROOT / ".github/workflows/ci.yml")


def test_the_sessions_that_are_named_exist() -> None:
    """A session that was renamed would else be found out at night."""
    night = read(ROOT / ".github/workflows/nightly.yml")["jobs"]["run"]["strategy"]["matrix"]["session"]
    said = [word for path in FILES for step in steps(path) for word in re.findall(r"nox -s (\w+)", step.get("run", ""))]
    assert {name.partition("(")[0] for name in [*night, *said]} <= sessions()


def test_a_release_puts_the_library_before_the_modules() -> None:
    """As CONTRIBUTING.md says: the modules demand it in their own version."""
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    assert read(ROOT / ".github/workflows/release.yml")["on"] == {"push": {"tags": ["v*"]}}
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "build": None,
        "library": "build",
        "modules": "library",
    }
    for name in ("library", "modules"):
        download, publish = jobs[name]["steps"]
        assert download["with"] == {"name": name, "path": "dist"}
        assert publish["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert "Upload `dist/openai_responses_common-*` first" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert any("dist/openai_responses_common-* dist/library/" in step.get("run", "") for step in jobs["build"]["steps"])


def test_a_release_publishes_every_package_that_is_built() -> None:
    """A package that no job takes from dist/ would be built, checked and then lost."""
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    commands = "\n".join(step.get("run", "") for step in jobs["build"]["steps"])
    patterns = re.findall(r"dist/(\S+\*)", commands)
    for file in [*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("modules/*/pyproject.toml")]:
        name = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"].replace("-", "_")
        assert [pattern for pattern in patterns if fnmatchcase(f"{name}-1.2.3.tar.gz", pattern)], name


def test_a_release_is_what_its_tag_says() -> None:
    """The step that compares them is tried here with the version of today and with another."""
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    compare = next(step["run"] for step in jobs["build"]["steps"] if "GITHUB_REF_NAME" in step.get("run", ""))
    for tag, code in ((f"v{__version__}", 0), ("v99.0.0", 1), ("v", 1)):
        words = ["bash", "-eo", "pipefail", "-c", compare]
        done = subprocess.run(words, cwd=ROOT, env={"GITHUB_REF_NAME": tag, "PATH": "/usr/bin:/bin"}, check=False)
        assert done.returncode == code, tag


def test_the_other_systems_run_what_differs_between_systems() -> None:
    """The token stores, the commands, and the two modules that sign somebody in."""
    job = read(ROOT / ".github/workflows/ci.yml")["jobs"]["systems"]
    assert {system.partition("-")[0] for system in job["strategy"]["matrix"]["system"]} == {"macos", "windows"}
    (command,) = [step["run"] for step in job["steps"] if "nox -s" in step.get("run", "")]
    session, *paths = command.partition("nox -s ")[2].replace("--", "").split()
    assert session.startswith("tests-3.")
    assert {"tests/unit/auth", "tests/behaviour/azure", "tests/behaviour/chatgpt"} <= set(paths)
    assert all((ROOT / path).is_dir() for path in paths)
