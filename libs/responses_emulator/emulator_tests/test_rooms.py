"""The rooms of the emulator import downwards only, and the package stands alone."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import responses_emulator

PACKAGE = Path(responses_emulator.__file__).parent
PROJECT = PACKAGE.parent
NAME = PACKAGE.name
# Each room, and the rooms that it may import besides itself: always rooms below it.
ROOMS = {
    "facts": set[str](),
    "rules": set[str](),
    "contract": {"facts", "rules"},
    "accounting": set[str](),
    "conversation": {"accounting", "contract", "facts", "rules"},
    "script": {"rules"},
    "transport": {"script"},
    "output": {"script", "conversation", "accounting", "contract", "facts"},
    "responders": {"output", "script", "contract", "rules"},
    "service": {
        *("responders", "output", "script", "transport", "conversation", "accounting", "contract", "facts", "rules"),
    },
    "microsoft": {"contract", "script"},
    "entra": {"service", "microsoft", "script", "transport", "contract", "rules"},
    "machines": {"entra", "service", "microsoft", "script", "transport", "contract", "rules"},
    "openai_api": {"service", "script", "transport", "contract", "facts", "rules"},
    "openai_sign_in": {"service", "script", "transport", "contract", "rules"},
    "azure": {"entra", "service", "microsoft", "script", "transport", "contract", "facts", "rules"},
    "chatgpt": {"openai_sign_in", "service", "script", "transport", "conversation", "contract", "facts", "rules"},
    "chatgpt_plan": {"chatgpt", "openai_sign_in", "service", "script", "transport", "contract", "rules"},
}


def imports(path: Path) -> Iterator[str]:
    """Yield the names of the modules that a file imports; a relative name begins with a dot."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = "." * level + (module or "")
                yield base
                yield from (f"{base}.{name.name}" for name in names)
            case _:
                pass


def modules_imported(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports(path) if name.startswith(f"{NAME}.")}
    return names & {child.stem for child in PACKAGE.iterdir()}


def test_imports_are_absolute() -> None:
    assert [path for path in PACKAGE.rglob("*.py") if any(name.startswith(".") for name in imports(path))] == []


def test_every_room_has_a_place_in_the_order() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ROOMS)
    order = list(ROOMS)
    assert {room: above for room, below in ROOMS.items() if (above := below - set(order[: order.index(room)]))} == {}


def test_rooms_import_only_rooms_below_them() -> None:
    wrong = {
        str(path.relative_to(PACKAGE)): above
        for room, below in ROOMS.items()
        for path in (PACKAGE / room).rglob("*.py")
        if (above := modules_imported(path) - below - {room})
    }
    assert wrong == {}


def test_the_rooms_use_every_import_that_the_order_allows() -> None:
    used = {
        room: {other for path in (PACKAGE / room).rglob("*.py") for other in modules_imported(path)} - {room}
        for room in ROOMS
    }
    assert used == ROOMS


def test_a_room_says_what_it_is_for_and_holds_nothing_else() -> None:
    for path in PACKAGE.glob("*/__init__.py"):
        (statement,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(statement, ast.Expr), path


def test_files_of_a_room_do_not_import_each_other_in_a_circle() -> None:
    graph = {
        f"{NAME}.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}": set(imports(path))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    remaining = {name: names & set(graph) for name, names in graph.items()}
    while free := [name for name, names in remaining.items() if not names & set(remaining)]:
        for name in free:
            del remaining[name]
    assert remaining == {}


def test_the_package_imports_only_what_it_declares() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {"h11", "openai", "typing_extensions", "websockets", "yaml"}
    declared |= {"trustme", "cryptography", "jwt", "pytest", "backports"}
    assert len(project["dependencies"]) + sum(map(len, project["optional-dependencies"].values())) == len(declared)
    foreign = {name.split(".")[0] for path in PACKAGE.rglob("*.py") for name in imports(path)}
    # zstd is a part of Python from 3.14 on.
    assert foreign - set(sys.stdlib_module_names) - {NAME, "compression"} == declared


def test_no_module_imports_the_emulator() -> None:
    repository = PROJECT.parents[1]
    product = [repository / "libs/openai_responses_common", *(repository / "modules").glob("*")]
    files = [path for folder in product for path in folder.rglob("*.py") if ".venv" not in path.parts]
    users = [path for path in files if any(name.split(".")[0] == NAME for name in imports(path))]
    assert users == []
