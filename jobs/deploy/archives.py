"""Build the two archives that are shipped to a cluster: our code, and the packages that it imports.

    python jobs/deploy/archives.py CHECKOUT FOLDER [PYTHON MACHINE]

`event-lake.zip` contains `jobs` and `transforms`. Python imports from the archive (`--py-files`).

`event-lake-packages.zip` contains boto3, pyarrow and all that they require, in the versions that
this Python has, and Delta's Python package. It is unpacked on each node (`--archives`) and added to
PYTHONPATH, because botocore opens its service models as files and compiled libraries cannot be
loaded from an archive. pip installs the wheels for PYTHON (such as 3.11) on Linux and MACHINE
(x86_64 or aarch64); without the two, those for this Python on this machine. pyspark is left out,
because the cluster has its own.

FOLDER also gets this archive unpacked, as `event_lake_packages`: in client mode the driver imports
Delta from there, and Spark plans the batches of a Python data source on the driver's machine with
the executors' Python.

The same versions give the same bytes. An archive that is up to date is not written again.
"""

import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib import metadata
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

OWN_PACKAGES = ("jobs", "transforms")
ROOTS = ("boto3", "pyarrow")
# In the packages: the Python and the machine that they are for. `jobs.deploy.shipped` compares it.
BUILT_FOR = "event-lake-built-for"

# botocore has the models of 400 services in 28 MB. Only these are shipped: the services that the
# jobs call, and those that botocore itself calls for credentials.
CALLED = ("athena", "cloudwatch", "dynamodb", "glue", "kinesis", "s3", "secretsmanager")
CREDENTIALS = ("sso", "sso-oidc", "sts")

# A wheel may need at most this version of glibc, 2.x: that of Amazon Linux 2023.
GLIBC = range(17, 35)

# The earliest time that `zipfile` can write. A fixed time keeps the bytes the same.
EPOCH = (1980, 1, 1, 0, 0, 0)
# YARN gives an unpacked file the permissions in the archive. Without them nobody could read it.
REGULAR_FILE_644 = 0o100644 << 16


def own_files(checkout: Path) -> Iterator[tuple[str, Path]]:
    """Yield the modules of this project: the name in the archive and the file on disk."""
    for package in OWN_PACKAGES:
        for path in (checkout / package).rglob("*.py"):
            yield path.relative_to(checkout).as_posix(), path


def installed_versions() -> list[str]:
    """The packages of this Python, as pip's constraints: `boto3==1.40.5`."""
    found = {(dist.name, dist.version) for dist in metadata.distributions()}
    return sorted(f"{name}=={version}" for name, version in found if name != "event-lake")


def install(target: Path, delta: str, built_for: tuple[str, str] | None) -> None:
    """Install `ROOTS` with all that they require, and Delta's Python package alone, into `target`.

    Raises:
        subprocess.CalledProcessError: pip failed; `stderr` has its output.
    """
    pip = [
        *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"),
        *("--no-compile", "--target", str(target), *platform_options(built_for)),
    ]
    with TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(installed_versions()))
        # delta-spark requires pyspark, so it is installed without what it requires.
        for packages in (
            ("--constraint", str(constraints), *ROOTS),
            ("--no-deps", f"delta-spark=={delta}"),
        ):
            subprocess.run([*pip, *packages], check=True, capture_output=True, text=True)


def platform_options(built_for: tuple[str, str] | None) -> list[str]:
    """pip's options for wheels of another Python and machine; none for those of this one."""
    if built_for is None:
        return []
    python, machine = built_for
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    return [
        *("--only-binary=:all:", "--python-version", python, "--implementation", "cp"),
        *(f"--platform={platform}" for platform in [*platforms, f"manylinux2014_{machine}"]),
    ]


def package_files(target: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of the installed packages that a node may import or open."""
    for path in target.rglob("*"):
        name = path.relative_to(target)
        if path.is_file() and is_shipped(PurePosixPath(name.as_posix())):
            yield name.as_posix(), path


def is_shipped(file: PurePosixPath) -> bool:
    """Return whether a node may import or open `file`. Licences are shipped too."""
    match file.parts:
        case ("bin", *_):  # programs, with the path of this machine's Python in them
            return False
        case ("botocore", "data", service, _, *_):
            return service in CALLED + CREDENTIALS
        case ("pyarrow", "include" | "src" | "tests", *_):
            return False
    return file.name not in ("RECORD", "INSTALLER", "REQUESTED") and file.suffix not in (
        *(".pyc", ".pyx", ".pxd", ".pxi"),
    )


def write_archive(target: Path, files: Iterable[tuple[str, Path]]) -> bool:
    """Write `files` to `target`, unless it contains exactly these. Return whether it wrote."""
    ordered = sorted(files)
    digest = sha256()
    for name, path in ordered:
        digest.update(f"{name}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    comment = digest.hexdigest().encode()
    if target.exists() and zipfile.is_zipfile(target):
        with zipfile.ZipFile(target) as archive:
            if archive.comment == comment:
                return False
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in ordered:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = REGULAR_FILE_644
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
        archive.comment = comment
    unfinished.replace(target)
    return True


def unpack(archive: Path, target: Path) -> None:
    """Unpack `archive` to `target`. The former content of `target` is deleted."""
    unfinished = target.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.replace(target)


def build_packages(folder: Path, delta: str, built_for: tuple[str, str] | None) -> None:
    """Build the archive of the packages, unless it was built from the same versions before.

    Raises:
        subprocess.CalledProcessError: pip failed; `stderr` has its output.
    """
    packages, unpacked = folder / "event-lake-packages.zip", folder / "event_lake_packages"
    stamp = folder / "event-lake-packages.versions"
    python = built_for[0] if built_for else ".".join(map(str, sys.version_info[:2]))
    machine = built_for[1] if built_for else "this machine"
    source = sha256(Path(__file__).read_bytes()).hexdigest()
    versions = "\n".join([source, python, machine, delta, *installed_versions(), ""])
    is_built = packages.exists() and unpacked.exists() and stamp.exists()
    if is_built and stamp.read_text() == versions:
        return
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"event-lake: packing the Python packages for Python {python} on {machine} "
        "(again only when a version changes)",
        file=sys.stderr,
    )
    with TemporaryDirectory(dir=folder) as installed:
        install(Path(installed), delta, built_for)
        Path(installed, BUILT_FOR).write_text(f"{python} {machine}\n")
        stamp.unlink(missing_ok=True)
        write_archive(packages, package_files(Path(installed)))
    unpack(packages, unpacked)
    stamp.write_text(versions)


def main(checkout: Path, folder: Path, built_for: tuple[str, str] | None = None) -> None:
    """Build both archives in `folder`. Exit with 3 if pip cannot install the packages."""
    write_archive(folder / "event-lake.zip", own_files(checkout))
    delta = runpy.run_path(str(checkout / "jobs" / "versions.py"))["DELTA"]
    try:
        build_packages(folder, delta, built_for)
    except subprocess.CalledProcessError as failed:
        print(
            f"event-lake: pip could not install {', '.join(ROOTS)} and delta-spark {delta} to ship "
            f"them{f' (Python {built_for[0]}, Linux {built_for[1]})' if built_for else ''}. "
            "The first time, this needs the package index.\n"
            + "".join(f"  {line}\n" for line in str(failed.stderr).splitlines()[-5:]),
            file=sys.stderr,
            end="",
        )
        sys.exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3], sys.argv[4]) if sys.argv[3:] else None)
