"""The wheel that pip installs: `jobs` and `transforms`, complete, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PACKAGES = ("jobs", "transforms")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, because building leaves files next to the sources."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(REPO / package, source / package)
    for file in ("setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(REPO / file, source)
    target = source / "wheels"
    pip = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", target, source], check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


def test_the_wheel_installs_two_top_level_names(wheel: Path) -> None:
    """A third name could replace a package of another project."""
    with zipfile.ZipFile(wheel) as archive:
        (listing,) = [name for name in archive.namelist() if name.endswith("top_level.txt")]
        top_level = archive.read(listing).decode().split()

    assert sorted(top_level) == ["jobs", "transforms"]


def test_the_wheel_has_every_module_of_the_checkout(wheel: Path) -> None:
    """A folder without `__init__.py` would be missing."""
    with zipfile.ZipFile(wheel) as archive:
        installed = {name for name in archive.namelist() if name.endswith(".py")}

    expected = {
        path.relative_to(REPO).as_posix()
        for package in PACKAGES
        for path in (REPO / package).rglob("*.py")
    }
    assert installed == expected


def test_no_module_has_the_name_of_a_standard_one() -> None:
    """The folder of the entry script is on the path: `jobs/queue.py` would replace `queue`."""
    modules = {path.stem for package in PACKAGES for path in (REPO / package).rglob("*.py")}

    assert modules & sys.stdlib_module_names == set()
