"""The rules of the house (docs/architecture.md), held over the syntax trees of all modules."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_LINES = 250
# Lowest first. A room imports rooms of lower layers only, and none of its own layer.
LAYERS = (
    {"errors", "versions"},
    {"config", "reporting", "deploy"},
    {"runtime"},
    {"lake"},
    {"dataframes", "checkpoints"},
    {"sinks", "sources"},
    {"pipeline"},
    {"metrics"},
    {"streaming"},
    {"audit", "replay", "rebuild", "maintenance", "generator"},
    {"demo"},
    {"cli"},
)
ALLOWED_IN_TRANSFORMS = {
    *("collections", "dataclasses", "datetime", "functools", "pyspark", "re", "transforms"),
    *("base64", "binascii", "json", "typing", "uuid", "zlib"),
}


@dataclass(frozen=True)
class Import:
    """One imported module, and where it is imported."""

    file: Path
    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports_of(file: Path) -> Iterator[Import]:
    """Every module that `file` imports, also within functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (Import(file, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                is_module = _is_module(name) and alias.name not in _exports(node.module)
                yield Import(file, name if is_module else node.module, node.lineno)


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def _exports(module: str) -> list[str]:
    """The `__all__` of a package: a door may export what has the name of one of its modules."""
    door = ROOT.joinpath(*module.split("."), "__init__.py")
    tree = ast.parse(door.read_text() if door.exists() else "")
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return [str(name) for each in lists for name in ast.literal_eval(each)]


def package_of(file: Path) -> str:
    """`jobs/sources/kinesis/offset.py` -> `jobs.sources.kinesis`"""
    return ".".join(file.relative_to(ROOT).parts[:-1])


def room_of(module: str) -> str:
    """`jobs.sources.kinesis.offset` -> `sources`; `jobs.pipeline` -> `pipeline`"""
    return module.split(".")[1]


def layer_of(room: str) -> int:
    [layer] = [number for number, rooms in enumerate(LAYERS) if room in rooms]
    return layer


JOBS = python_files("jobs")
CODE = python_files("jobs", "transforms", "benchmarks")
PACKAGES = sorted({path.parent for path in python_files("jobs", "transforms")})


def test_a_room_imports_lower_layers_only() -> None:
    """The graph of the rooms has no circle, and a reader can read it from the bottom."""
    wrong = [
        str(each)
        for file in JOBS
        if len(file.relative_to(ROOT).parts) > 2 or file.stem in ("pipeline", "errors", "versions")
        for each in imports_of(file)
        if each.module.startswith("jobs.")
        and (own := room_of(".".join(file.relative_to(ROOT).with_suffix("").parts)))
        != (other := room_of(each.module))
        and layer_of(own) <= layer_of(other)
    ]
    assert wrong == []


def test_rooms_are_entered_through_their_doors() -> None:
    """Nobody imports `jobs.X.y` from outside of `jobs.X`."""
    wrong = [
        str(each)
        for file in CODE
        for each in imports_of(file)
        if each.module.split(".")[0] in ("jobs", "transforms")
        and (room := _room_with_door(each.module)) is not None
        and not f"{package_of(file)}.".startswith(f"{room}.")
    ]
    assert wrong == []


def _room_with_door(module: str) -> str | None:
    """The package that a module is inside of, if it is no top-level module or door itself."""
    package, _, _ = module.rpartition(".")
    is_door = ROOT.joinpath(*module.split(".")).is_dir()
    return None if is_door or package in ("", "jobs", "transforms") else package


def test_transforms_are_pure() -> None:
    """They do no I/O, log nothing, and never import the jobs."""
    wrong = [
        str(each)
        for file in python_files("transforms")
        for each in imports_of(file)
        if each.module.split(".")[0] not in ALLOWED_IN_TRANSFORMS
    ]
    assert wrong == []


def test_only_the_command_line_knows_argparse() -> None:
    """A feature takes plain arguments, so it can be used as a library."""
    wrong = [
        str(each)
        for file in JOBS
        for each in imports_of(file)
        if each.module == "argparse" and package_of(file) != "jobs.cli"
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_door_says_what_its_room_is_for(package: Path) -> None:
    """Its docstring does, and every name in `__all__` can be imported."""
    name = ".".join(package.relative_to(ROOT).parts)
    module = importlib.import_module(name)
    assert module.__doc__
    exported = getattr(module, "__all__", [])
    assert sorted(exported, key=_as_ruff_sorts) == list(exported)
    assert [each for each in exported if not hasattr(module, each)] == []


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants first, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_every_module_has_its_tests() -> None:
    """In the mirrored folder; or its `__init__.py` says why not, in a line `name: why`."""
    missing = [
        str(file.relative_to(ROOT))
        for file in python_files("jobs", "transforms")
        if file.stem not in ("__init__", "__main__") and not _has_tests(file)
    ]
    assert missing == []


def _has_tests(file: Path) -> bool:
    folder = ROOT / "tests" / file.relative_to(ROOT).parent
    if (folder / f"test_{file.stem}.py").exists():
        return True
    reasons = folder / "__init__.py"
    return reasons.exists() and bool(
        re.search(rf"^{file.stem}: \S", reasons.read_text(), re.MULTILINE)
    )


def test_the_list_of_rooms_is_complete() -> None:
    """docs/architecture.md has each room with all of its modules and its layer."""
    table = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `([\w/]+)` \|[^|]+\|([^|]+)\|$", table, re.MULTILINE)
    listed: dict[str, set[str]] = {}
    for layer, room, modules in rows:
        names = set(re.findall(r"`(\w+)`", modules))
        listed[room] = listed.get(room, set()) | names
        if room.startswith("jobs"):
            inside = room.split("/")[1:2] or sorted(names - {"__main__"})
            assert {layer_of(name) for name in inside} == {int(layer) - 1}, room
    present: dict[str, set[str]] = {}
    for file in python_files("jobs", "transforms"):
        if file.stem != "__init__":
            folder = str(file.relative_to(ROOT).parent)
            present.setdefault(folder, set()).add(file.stem)
    assert listed == present


def test_no_file_is_too_long_or_a_drawer() -> None:
    """A file has one subject, and its name says which."""
    files = python_files("jobs", "transforms", "benchmarks", "tests")
    too_long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in files
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    ]
    drawers = [path for path in files if path.stem in ("utils", "util", "helpers", "common")]
    assert (too_long, drawers) == ([], [])


def test_every_test_states_its_promise() -> None:
    """It has a docstring, or a name of four words and more."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in python_files("tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and ast.get_docstring(node) is None
        and node.name.count("_") < 4
    ]
    assert silent == []
