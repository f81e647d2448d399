"""What is wrong with a shell command of the documentation, without running it.

Commands in blocks run on a `ReaderMachine`, which asks here about those that it only writes down. Commands in sentences
are asked about here.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.support.amplifier_stand_in import COMMANDS, Host, RefusedError
from tests.support.backends import BACKENDS, ROOT
from tests.support.reader_machine import AMPLIFIER, list_scripts

# What the pip of Python 3.11 (23.2.1) knows; `--group` came with 25.1.
_PIP_OPTIONS = {"-e", "--editable", "--upgrade", "--no-cache-dir"}
_REQUIREMENTS = {"nox", "azure-identity", "backports.zstd", "openai-responses-common", "opentelemetry-api"}
_PACKAGES = {backend.package for backend in BACKENDS} | {"examples.chat", "tests.support.promises"}
_AMPLIFIERS_PYTHON = "/amplifier/bin/python"


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
    before = words[: words.index("--")] if "--" in words else words
    named = before[1:] if before[:1] == ["-s"] else []
    if "--install-only" in named:
        named.remove("--install-only")
    if (not named and before) or len(named) > 1:
        return "not a form of nox that is used here"
    return next(
        (f"there is no session {name}" for name in named if re.sub(r"-3\.\d+$", "", name) not in sessions()), None
    )


def _pip(words: list[str]) -> str | None:
    if words[:1] not in (["install"], ["uninstall"]):
        return "not a command of pip that is used here"
    for word in words[1:]:
        if word.startswith("-"):
            if word not in _PIP_OPTIONS:
                return f"the pip of Python 3.11 has no {word}"
        elif found := _requirement(word):
            return found
    return None


def _requirement(word: str) -> str | None:
    if word in _REQUIREMENTS or word.startswith("git+") or word == "dist/*.whl":
        return None
    folder = re.sub(r"\[\w[\w-]*\]$", "", word)
    return None if (ROOT / folder / "pyproject.toml").is_file() else f"{word} is neither a package nor a folder of one"


def _uv(words: list[str]) -> str | None:
    match words:
        case ["tool", "install", source]:
            return None if source == AMPLIFIER else "not Amplifier"
        case ["tool", "install"]:  # a mere name
            return None
        case ["pip", "show" | "install", "--python", python, *requirements] if python.endswith(_AMPLIFIERS_PYTHON):
            wrong = [word for word in requirements if not re.fullmatch(r"azure-identity|amplifier-module-[\w-]+", word)]
            return f"{', '.join(wrong)}?" if wrong else None
        case ["tool", "dir" | "update-shell"]:
            return None
        case _:
            return "not a command of uv that is used here"


def _python(words: list[str]) -> str | None:
    if words[:1] != ["-m"] or words[1] not in _PACKAGES:
        return "not a program of this repository"
    return None if words[1].startswith("tests.") else _program(words)


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
        timeout=300,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _amplifier(words: list[str]) -> str | None:
    """Why a command in a sentence cannot work on a machine on which all modules are set up. It may be a mere name."""
    if " ".join(words) in COMMANDS:
        return None
    names = [backend.name for backend in BACKENDS]
    modules = {backend.module: str(backend.folder) for backend in BACKENDS}
    bundles = {"openai-coding": str(ROOT / "bundles/openai-coding.md")}
    host = Host(Path("/nowhere"), sources=modules, installed=[*modules], configured=names, bundles=bundles)
    try:
        host.run([word.replace("$PWD", str(ROOT)) for word in words])
    except RefusedError as error:
        return str(error)
    return None


_CHECKS: Mapping[str, Callable[[list[str]], str | None]] = {
    "nox": _nox,
    "pip": _pip,
    "python": _python,
    "uv": _uv,
    **{name: _script(package) for name, package in list_scripts().items()},
    "amplifier": _amplifier,
}
