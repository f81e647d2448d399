"""Print the test files that a change against main touches, one a line, by a rule that can be said in four lines.

A test file is touched if it changed itself, if it or its name names a changed file, or if a changed conftest lies above
it. Names are what imports and paths are made of: `openai_responses_common.wire`, `tests.emulator`, `routing.yaml`. A
file of the library or of a module that no test names is tested by its behaviour: the tests in tests/behaviour, and
those that name its module. With any change go the tests of what the repository promises about itself.

That is a quick look before a commit, not a proof: what breaks at a distance, the whole run finds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = ("tests/install/", "tests/keyring/", "tests/behaviour/test_live.py")  # have nox sessions of their own
PROMISES = "tests/project/test_walls.py"


def git(*words: str) -> list[str]:
    done = subprocess.run(("git", "-C", ROOT, *words), check=False, capture_output=True, text=True)
    return [line for line in done.stdout.split("\0" if "-z" in words else "\n") if line]


def changed() -> list[str]:
    """What differs from where this branch left main, committed or not; without a main, from the last commit."""
    for main in ("origin/main", "main"):
        if base := git("merge-base", main, "HEAD"):
            break
    else:
        base = ["HEAD"]
    found = {
        *git("diff", "-z", "--name-only", "--no-renames", base[0]),
        *git("ls-files", "-z", "--others", "--exclude-standard"),
    }
    return sorted(found)


def dotted(path: PurePosixPath) -> str:
    """The name that a Python file is imported under."""
    parts = path.with_suffix("").parts
    if parts[0] in {"libs", "modules"}:
        parts = parts[2:]
    return ".".join(parts).removesuffix(".__init__")


def names(file: str) -> set[str]:
    """What a test that needs this file may call it."""
    path = PurePosixPath(file)
    if path.suffix != ".py":
        return {path.name, f'"{path.parts[0]}"'}  # a test that reads all files of a folder names the folder
    name = dotted(path)
    package = name.rpartition(".")[0]
    # Helpers of the tests are imported through their package, too.
    return {name, package} if package.startswith("tests.") else {name}


def touched(files: Iterable[str], tests: dict[str, str]) -> set[str]:
    """Of `tests`, which are texts by path, those that a change of `files` touches."""
    found: set[str] = set()
    for file in files:
        found.add(PROMISES)
        path = PurePosixPath(file)
        if file in tests:
            found.add(file)
        elif path.name == "conftest.py":
            found |= {test for test in tests if PurePosixPath(test).is_relative_to(path.parent)}
        else:
            called = "|".join(re.escape(name) for name in names(file))
            hits = {test for test, text in tests.items() if re.search(rf"(?<![\w.-])({called})(?![\w-])", text)}
            if path.suffix == ".py":
                hits |= {test for test in tests if PurePosixPath(test).name == f"test_{path.stem.strip('_')}.py"}
            if not hits and path.suffix == ".py" and path.parts[0] in {"libs", "modules"}:
                package = re.compile(rf"\b{re.escape(path.parts[2])}\b")
                of_module = path.parts[0] == "modules"
                hits = {test for test in tests if test.startswith("tests/behaviour/")}
                hits |= {test for test, text in tests.items() if of_module and package.search(text)}
            found |= hits
    return found


def main() -> int:
    paths = [str(path.relative_to(ROOT).as_posix()) for path in (ROOT / "tests").rglob("test_*.py")]
    tests = {path: (ROOT / path).read_text("utf-8") for path in paths if not path.startswith(ELSEWHERE)}
    print("\n".join(sorted(touched(changed(), tests))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
