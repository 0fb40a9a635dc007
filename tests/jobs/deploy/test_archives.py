"""The archives that are shipped to a cluster."""

import runpy
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from jobs.deploy import archives
from jobs.errors import SetupError

REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both archives, for this machine."""
    folder = tmp_path_factory.mktemp("archives")
    archives.main(REPO, folder)
    return folder


def test_python_imports_our_code_from_the_archive(folder: Path) -> None:
    code = "import jobs, sys; print(jobs.__file__)"
    done = _bare_python(code, path=folder / "event-lake.zip")

    assert done == f"{folder}/event-lake.zip/jobs/__init__.py"


def test_a_node_needs_nothing_but_the_standard_library(folder: Path) -> None:
    """It calls Kinesis with the credentials of a role, and reads and writes Arrow."""
    code = """
import boto3, pyarrow
session = boto3.Session("key", "secret", region_name="eu-west-1")
print(*[session.client(name).meta.service_model.service_name for name in ("kinesis", "sts", "sso")])
print(pyarrow.array([1, 2]).sum())
"""
    done = _bare_python(code, path=folder / "event_lake_packages")

    assert done.split() == ["kinesis", "sts", "sso", "3"]
    assert (folder / "event_lake_packages/delta/tables.py").is_file()
    assert not (folder / "event_lake_packages/pyspark").exists()


def test_every_user_of_a_node_may_read_the_unpacked_files(folder: Path) -> None:
    """YARN sets the permissions that the archive names."""
    for name in ("event-lake.zip", "event-lake-packages.zip"):
        with zipfile.ZipFile(folder / name) as archive:
            modes = {entry.external_attr >> 16 for entry in archive.infolist()}
        assert modes == {0o100644}


def test_the_wheels_are_those_of_the_clusters_platform() -> None:
    """pip may take wheels of any glibc that the cluster has, and builds nothing."""
    options = archives.platform_options(("3.13", "aarch64"))

    assert options[:3] == ["--only-binary=:all:", "--python-version", "3.13"]
    assert "--platform=manylinux_2_28_aarch64" in options
    assert "--platform=manylinux_2_35_aarch64" not in options
    assert archives.platform_options(None) == []


@pytest.mark.parametrize(
    ("file", "shipped"),
    [
        ("boto3/session.py", True),
        ("botocore/data/kinesis/2013-12-02/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("botocore/data/endpoints.json", True),
        ("pyarrow/libarrow.so.2200", True),
        ("pyarrow/include/arrow/api.h", False),
        ("pyarrow/tests/test_io.py", False),
        ("bin/jp.py", False),
        ("six-1.17.0.dist-info/METADATA", True),
        ("six-1.17.0.dist-info/RECORD", False),
        ("six-1.17.0.dist-info/licenses/LICENSE", True),
    ],
)
def test_what_no_node_imports_or_opens_is_left_out(file: str, shipped: bool) -> None:
    assert archives.is_shipped(PurePosixPath(file)) == shipped


def test_nothing_is_installed_again_until_a_version_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []
    before = (folder / "event-lake-packages.zip").read_bytes()

    def install(target: Path, delta: str, built_for: tuple[str, str] | None) -> None:
        calls.append(target)
        Path(target, "six.py").touch()

    monkeypatch.setattr(archives, "install", install)
    archives.build_packages(folder, _delta(), None)
    assert calls == []
    assert (folder / "event-lake-packages.zip").read_bytes() == before

    archives.build_packages(folder, "0.0.1", None)
    assert len(calls) == 1


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


def test_packages_that_pip_cannot_install_end_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the packages, the platform and pip's reason. It is a SetupError's code."""

    def fails(target: Path, delta: str, built_for: tuple[str, str] | None) -> None:
        raise subprocess.CalledProcessError(1, "pip", stderr="ERROR: no matching distribution")

    monkeypatch.setattr(archives, "install", fails)

    with pytest.raises(SystemExit) as ended:
        archives.main(REPO, tmp_path, ("3.13", "aarch64"))

    assert ended.value.code == SetupError.exit_code
    error = capsys.readouterr().err
    assert "event-lake: pip could not install boto3, pyarrow and delta-spark" in error
    assert "(Python 3.13, Linux aarch64)" in error
    assert "ERROR: no matching distribution" in error


def _delta() -> str:
    return str(runpy.run_path(str(REPO / "jobs" / "versions.py"))["DELTA"])


def _bare_python(code: str, *, path: Path) -> str:
    """Run `code` by this Python without any installed package (-S, -I). Return what it prints."""
    code = f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"
    command = [sys.executable, "-S", "-I", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
