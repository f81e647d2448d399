"""The rooms of the library, the wall round the pure ones, and what every file of the product has."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"
MODULES = sorted(path for path in (ROOT / "modules").glob("*/amplifier_module_*") if (path / "__init__.py").is_file())
OURS = sorted([*LIBRARY.parent.rglob("*.py"), *(ROOT / "modules").rglob("*.py")])
# Each room, and the rooms that it may import from besides itself: always rooms below it.
MAY_IMPORT = {
    "wire": set[str](),
    "facts": {"wire"},
    "options": {"facts", "wire"},
    "failures": {"facts", "wire"},
    "translate": {"options", "facts", "wire"},
    "transport": {"failures", "wire"},
    "auth": {"transport", "failures", "wire"},
    "engine": {"translate", "transport", "failures", "options", "facts", "wire"},
    "provider": {"engine", "translate", "transport", "options", "facts", "wire"},
    "cli": {"provider", "auth", "wire"},
}
PURE_ROOMS = ("wire", "facts", "options", "failures", "translate")
# The same list says which files `nox -s coverage` measures.
PURE_PATTERNS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["report"]["include"]
PURE = sorted(path for pattern in PURE_PATTERNS for path in ROOT.glob(pattern) if path.suffix == ".py")

# What reads a clock, the environment or the network, or waits.
IMPURE = {
    *("aiohttp", "http", "httpx", "httpx2", "openai", "requests", "select", "socket", "ssl", "urllib", "urllib3"),
    *("anyio", "asyncio", "logging", "random", "secrets", "threading", "time", "uuid", "websockets"),
    *("importlib", "io", "os", "pathlib", "subprocess", "sys", "tempfile"),
}
IMPURE_CALLS = frozenset({"now", "utcnow", "today", "open", "print", "input", "__import__"})


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, by absolute name; `from a import b` counts as a and as a.b."""
    package = [LIBRARY.name, *path.relative_to(LIBRARY).parts[:-1]] if path.is_relative_to(LIBRARY) else []
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = [*package[: len(package) - level + 1]] if level else []
                full = ".".join([*base, *([module] if module else [])])
                yield full
                yield from (f"{full}.{name.name}" for name in names)
            case _:
                pass


def room_of(module: str) -> str:
    """The room of a module of the library; empty for other modules and for the library's own top."""
    parts = module.split(".")
    return parts[1] if parts[0] == LIBRARY.name and len(parts) > 1 and parts[1] in MAY_IMPORT else ""


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_folder_of_the_library_is_a_room_with_a_place_in_the_order() -> None:
    folders = {path.parent.relative_to(LIBRARY).parts[0] for path in LIBRARY.glob("*/__init__.py")}
    assert folders - {"testing"} == set(MAY_IMPORT)
    rooms = list(MAY_IMPORT)
    for room, below in MAY_IMPORT.items():
        assert below <= set(rooms[: rooms.index(room)])


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_from_rooms_below_it(room: str) -> None:
    arrows = {
        (short(path), module)
        for path in (LIBRARY / room).rglob("*.py")
        for module in imports(path)
        if room_of(module) not in {"", room, *MAY_IMPORT[room]}
    }
    assert arrows == set()


def test_product_does_not_import_the_tests_for_authors_of_backends() -> None:
    testing = LIBRARY / "testing"
    importers = {
        short(path)
        for path in OURS
        if not path.is_relative_to(testing)
        for module in imports(path)
        if module.startswith(f"{LIBRARY.name}.testing")
    }
    assert importers == set()


def test_product_imports_neither_the_emulator_nor_a_module_another_module() -> None:
    packages = {path.name for path in MODULES}
    importers = {
        (short(path), module)
        for path in OURS
        for module in imports(path)
        if (top := module.partition(".")[0]) == "responses_emulator" or (top in packages and top not in path.parts)
    }
    assert importers == set()


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_takes_nothing_from_the_top_of_the_library(room: str) -> None:
    """The top offers names of every room, so an import from it would go round the order of the rooms."""
    allowed = {*MAY_IMPORT, "installation", "version", "__version__"}
    taken = {
        (short(path), module)
        for path in (LIBRARY / room).rglob("*.py")
        for module in imports(path)
        if module.startswith(f"{LIBRARY.name}.") and module.split(".")[1] not in allowed
    }
    assert taken == set()


def test_tests_for_authors_of_backends_need_no_test_library() -> None:
    """Importing them must not fail, or cost anything, without pytest."""
    used = {module.partition(".")[0] for path in (LIBRARY / "testing").rglob("*.py") for module in imports(path)}
    assert used <= {*sys.stdlib_module_names, LIBRARY.name}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_has_a_door_that_holds_one_sentence(room: str) -> None:
    for door in (LIBRARY / room).rglob("__init__.py"):
        (docstring,) = parsed(door).body
        assert isinstance(docstring, ast.Expr)


@pytest.mark.parametrize("path", OURS, ids=short)
def test_a_private_name_is_used_in_its_own_room_only(path: Path) -> None:
    """A name that begins with an underscore is imported only inside the folder that holds it."""
    parts = path.relative_to(LIBRARY).parts if path.is_relative_to(LIBRARY) else ()
    own = ".".join([LIBRARY.name, *parts[:-1]]) if parts else "-"
    private = {
        module
        for module in imports(path)
        if module.startswith(f"{LIBRARY.name}.")
        and any(part.startswith("_") and not part.startswith("__") for part in module.split("."))
        and not module.startswith(f"{own}.")
    }
    assert private == set()


def reached(path: Path) -> set[str]:
    """Every module that a file of the library imports, itself or through other files of the library."""
    modules: set[str] = set()
    waiting, seen = [path], set[Path]()
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        for module in imports(here):
            modules.add(module)
            if (file := LIBRARY.parent / f"{module.replace('.', '/')}.py").is_file():
                waiting.append(file)
    return modules


def is_pure(path: Path) -> bool:
    awaits = any(isinstance(node, ast.Await) for node in ast.walk(parsed(path)))
    return not awaits and not {module.partition(".")[0] for module in reached(path)} & IMPURE


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_the_list_of_pure_files_holds_the_pure_rooms(room: str) -> None:
    assert set((LIBRARY / room).rglob("*.py")) <= set(PURE)


@pytest.mark.parametrize("pattern", PURE_PATTERNS)
def test_the_list_of_pure_files_names_files_that_exist(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


def test_every_file_that_could_be_pure_is_listed() -> None:
    """So that no file slips out of the demand that every branch of it is tested."""
    could_be = {path for path in LIBRARY.rglob("*.py") if path.name != "__init__.py" and is_pure(path)}
    assert sorted(map(short, could_be - set(PURE))) == []


@pytest.mark.parametrize("path", PURE, ids=short)
def test_a_pure_file_reaches_nothing_impure(path: Path) -> None:
    assert {module.partition(".")[0] for module in reached(path)} & IMPURE == set()


@pytest.mark.parametrize("path", PURE, ids=short)
def test_a_pure_file_asks_neither_clock_nor_console(path: Path) -> None:
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }
    assert called & IMPURE_CALLS == set()


def words_of(tree: ast.Module) -> Iterator[str]:
    """Every name and every text of a file, but for docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
            case _:
                pass


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=short)
def test_the_library_names_no_single_service(path: Path) -> None:
    named = [word for word in words_of(parsed(path)) if re.search("azure|chatgpt", word, re.I)]
    assert named == []


@pytest.mark.parametrize("path", OURS, ids=short)
def test_a_file_is_one_idea_and_a_function_fits_on_a_screen(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 60
    ]
    assert long == []


@pytest.mark.parametrize("path", OURS, ids=short)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring
    assert "from __future__ import annotations" in path.read_text() or path.name in {"__init__.py", "version.py"}
