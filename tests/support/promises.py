"""The promises that tests are marked with; `python -m tests.support.promises` prints them with their tests.

`@pytest.mark.promise(text, area="hazard")` names a fault that other providers have and the test rules out here.
`@pytest.mark.promise(text, area="security")` names what no attack may reach; several tests may share it. `without` says
for which module there is nothing to test, and why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The tests of one module stand in a folder of its own. All other tests are for every module.
FOLDERS = {"azure": "azure-openai-v2", "chatgpt": "chatgpt-oauth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One marker of one test.

    Attributes:
        text: what the test promises.
        area: `hazard` or `security`.
        without: for each module that needs no such test the reason. By default every module needs one.
        test: the file below `tests`, and after `::` the test; without a test for a marker of the whole file.
    """

    text: str
    area: str
    test: str
    without: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def module(self) -> str | None:
        """The module that the test is for. None stands for all modules."""
        return next((FOLDERS[part] for part in Path(self.test).parts if part in FOLDERS), None)


def list_promises() -> list[Promise]:
    """Return the promises of all test files, read from their source."""
    return [promise for path in sorted((ROOT / "tests").rglob("test_*.py")) for promise in _read(path)]


def _read(path: Path) -> Iterator[Promise]:
    file = path.relative_to(ROOT / "tests").as_posix()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield from (_promise(call, f"{file}::{name}") for each in node.decorator_list for call in _marks(each))
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                yield from (_promise(call, file) for call in _marks(value))
            case _:
                pass


def _marks(node: ast.expr) -> Iterator[ast.Call]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.promise":
            yield each


def _promise(call: ast.Call, test: str) -> Promise:
    (text,) = (ast.literal_eval(argument) for argument in call.args)
    return Promise(text=text, test=test, **{str(each.arg): ast.literal_eval(each.value) for each in call.keywords})


def print_promises() -> None:
    """Print every promise once, with its tests below it."""
    tests: dict[tuple[str, str], list[str]] = {}
    for promise in list_promises():
        tests.setdefault((promise.area, promise.text), []).append(promise.test)
    for area, text in sorted(tests):
        print(f"{area}: {text}", *(f"    {test}" for test in tests[area, text]), sep="\n")


if __name__ == "__main__":
    print_promises()
