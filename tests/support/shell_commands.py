"""What is wrong with a shell command of the documentation, without running it."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from tests.support.backends import BACKENDS, ROOT

_GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
_REQUIREMENTS = {"nox", "openai-responses-common", "amplifier-module-provider-azure-openai-v2[azure-identity]"}
_HOST = "git+https://HOST/OWNER/REPOSITORY@main#subdirectory="
# What Amplifier's command line takes. Source: amplifier-app-cli, seen 2026-11-21.
_HOST_COMMANDS = {"module add", "provider install", "provider add", "provider models", "routing use", "run --bundle"}
_MODULES = {backend.module for backend in BACKENDS}
_PACKAGES = {backend.package for backend in BACKENDS} | {"docs.configuration", "examples.chat"}


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block or a span, each as words; comments are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in shlex.split(re.sub(r"(^|\s)#.*", "", line)):
            if word == "&&":
                yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


def problem(words: list[str]) -> str | None:
    """Why a command cannot work as it stands; None if it can."""
    check = _CHECKS.get(words[0])
    found = check(words[1:]) if check else "nobody knows this command"
    return f"{shlex.join(words)}: {found}" if found else None


@cache
def sessions() -> set[str]:
    """The names of nox's sessions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef):
            continue
        for each in node.decorator_list:
            if ast.unparse(each).startswith("nox.session"):
                named = [word.value for word in getattr(each, "keywords", []) if word.arg == "name"]
                found.add(ast.literal_eval(named[0]) if named else node.name)
    return found


def _nox(words: list[str]) -> str | None:
    if words in ([], ["-l"]):
        return None
    if len(words) < 2 or words[0] != "-s" or (len(words) > 2 and words[2] != "--"):
        return "not a form of nox that is used here"
    return None if re.sub(r"-3\.\d+$", "", words[1]) in sessions() else f"there is no session {words[1]}"


def _pip(words: list[str]) -> str | None:
    action, *rest = words
    if action not in {"install", "uninstall"}:
        return "not a command of pip that is used here"
    waiting = iter(rest)
    for word in waiting:
        if word == "--group":
            group = next(waiting)
            if group not in _GROUPS:
                return f"there is no group {group}"
        elif word not in {"-e", "--editable", "dist/*.whl"} and (found := _requirement(word)):
            return found
    return None


def _requirement(word: str) -> str | None:
    if word in _REQUIREMENTS or word.startswith("git+"):
        return None
    return None if (ROOT / word / "pyproject.toml").is_file() else f"{word} is neither a package nor a folder of one"


def _python(words: list[str]) -> str | None:
    if words[:1] != ["-m"] or words[1] not in _PACKAGES:
        return "not a program of this repository"
    return None if words[1] == "docs.configuration" else _program(words)


def _list_scripts() -> dict[str, str]:
    """The scripts of the modules, each with its package."""
    documents = [(ROOT / "modules" / backend.module / "pyproject.toml").read_text("utf-8") for backend in BACKENDS]
    targets = [tomllib.loads(document)["project"]["scripts"] for document in documents]
    return {name: target.partition(".")[0] for scripts in targets for name, target in scripts.items()}


def _script(package: str) -> Callable[[list[str]], str | None]:
    return lambda words: _program(["-m", package, *words])


def _program(words: list[str]) -> str | None:
    help_text = _help(words[1], *words[2:3])
    if help_text is None:
        return f"{words[1]} has no command {' '.join(words[2:3])}"
    known = set(re.findall(r"(?<![\w-])--[\w-]+", help_text))
    unknown = [word for word in words[3:] if word.startswith("--") and word not in known]
    return f"no option {', '.join(unknown)}" if unknown else None


@cache
def _help(package: str, *command: str) -> str | None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-m", package, *command, "--help"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _amplifier(words: list[str]) -> str | None:
    command, rest = " ".join(words[:2]), words[2:]
    if command not in _HOST_COMMANDS:
        return "not a command of Amplifier that is known here"
    if command.startswith("provider ") and any(f"provider-{name}" not in _MODULES for name in rest):
        return f"there is no module provider-{rest[0]}"
    if command == "module add" and (rest[0] not in _MODULES or rest[1] != "--source"):
        return "not a module of this repository, or no source"
    if command == "routing use" and not (ROOT / "routing" / f"{rest[0]}.yaml").is_file():
        return f"there is no matrix {rest[0]}"
    places = [word for word in rest if "/" in word and " " not in word]
    absent = [word for word in places if not (ROOT / word.replace("$PWD/", "").replace(_HOST, "")).exists()]
    return f"{', '.join(absent)} does not exist" if absent else None


def _file(name: str) -> Callable[[list[str]], str | None]:
    return lambda words: None if (ROOT / name).is_file() else "it does not exist"


_CHECKS: Mapping[str, Callable[[list[str]], str | None]] = {
    "nox": _nox,
    "pip": _pip,
    "python": _python,
    **{
        place + name: _script(package)
        for name, package in _list_scripts().items()
        for place in ("", "$(uv tool dir)/amplifier/bin/")
    },
    "amplifier": _amplifier,
    ".ci/run": _file(".ci/run"),
    "git": lambda words: None if words[:1] == ["clone"] else "only a clone is known here",
    "cd": lambda words: None,
}
