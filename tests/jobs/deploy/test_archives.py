"""The archives that are shipped to a cluster."""

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from jobs.deploy import archives
from jobs.errors import SetupError

REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both archives."""
    folder = tmp_path_factory.mktemp("archives")
    archives.main(REPO, folder)
    return folder


def test_python_imports_our_code_from_the_archive(folder: Path) -> None:
    code = "import jobs, sys; print(jobs.__file__)"
    done = _bare_python(code, path=folder / "event-lake.zip")

    assert done == f"{folder}/event-lake.zip/jobs/__init__.py"


def test_the_packages_are_complete_and_pure_python(folder: Path) -> None:
    """An executor needs nothing else to call Kinesis with the credentials of a role."""
    code = """
import boto3
session = boto3.Session("key", "secret", region_name="eu-west-1")
print(*[session.client(name).meta.service_model.service_name for name in ("kinesis", "sts", "sso")])
"""
    done = _bare_python(code, path=folder / "event_lake_packages")

    assert done.split() == ["kinesis", "sts", "sso"]
    with zipfile.ZipFile(folder / "event-lake-packages.zip") as archive:
        compiled = [name for name in archive.namelist() if name.endswith((".so", ".pyc"))]
    assert compiled == []


def test_the_same_input_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    archives.main(REPO, tmp_path)

    for name in ("event-lake.zip", "event-lake-packages.zip"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_an_archive_is_written_only_when_its_files_change(tmp_path: Path) -> None:
    module, target = tmp_path / "module.py", tmp_path / "made.zip"
    module.write_text("a = 1\n")

    written = [archives.write_archive(target, [("module.py", module)]) for _ in range(2)]
    module.write_text("a = 2\n")
    written.append(archives.write_archive(target, [("module.py", module)]))

    assert written == [True, False, True]
    with zipfile.ZipFile(target) as archive:
        assert archive.read("module.py") == b"a = 2\n"


def test_a_damaged_archive_is_written_again(tmp_path: Path) -> None:
    module, target = tmp_path / "module.py", tmp_path / "made.zip"
    module.write_text("a = 1\n")
    target.write_bytes(b"PK\x03\x04 cut off")

    assert archives.write_archive(target, [("module.py", module)])
    assert zipfile.is_zipfile(target)


def test_a_package_that_is_not_installed_ends_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the package and what to do, and the exit code is that of SetupError."""

    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)

    with pytest.raises(SystemExit) as ended:
        archives.main(REPO, tmp_path)

    assert ended.value.code == SetupError.exit_code
    assert "event-lake: boto3 is not installed for" in capsys.readouterr().err


def _bare_python(code: str, *, path: Path) -> str:
    """Run `code` by this Python without any installed package (-S, -I). Return what it prints."""
    code = f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"
    command = [sys.executable, "-S", "-I", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
