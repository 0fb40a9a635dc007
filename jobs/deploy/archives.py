"""Build the two archives that are shipped to a cluster: our code, and the packages that it imports.

    python jobs/deploy/archives.py CHECKOUT FOLDER

`event-lake.zip` contains `jobs` and `transforms`. Python imports from the archive (`--py-files`).

`event-lake-packages.zip` contains the pure Python packages that they import, in the versions that
this Python has. botocore opens its service models as files, so this archive is unpacked on each
executor (`--archives`) and added to PYTHONPATH. pyarrow is compiled for one platform and is not in
it: the executors' Python must have it. FOLDER also gets this archive unpacked, as
`event_lake_packages`: Spark plans the batches of a Python data source on the driver's machine, but
with the executors' Python.

The same input gives the same bytes. An archive that is up to date is not written again.
"""

import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib import metadata
from pathlib import Path, PurePosixPath

OWN_PACKAGES = ("jobs", "transforms")
ROOTS = ("boto3",)

# botocore has the models of 400 services in 28 MB. Only these are shipped: the services that the
# jobs call, and those that botocore itself calls for credentials.
CALLED = ("athena", "cloudwatch", "dynamodb", "glue", "kinesis", "s3", "secretsmanager")
CREDENTIALS = ("sso", "sso-oidc", "sts")

# The earliest time that `zipfile` can write. A fixed time keeps the bytes the same.
EPOCH = (1980, 1, 1, 0, 0, 0)


def own_files(checkout: Path) -> Iterator[tuple[str, Path]]:
    """Yield the modules of this project: the name in the archive and the file on disk."""
    for package in OWN_PACKAGES:
        for path in (checkout / package).rglob("*.py"):
            yield path.relative_to(checkout).as_posix(), path


def package_files(roots: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield the pure Python files of `roots` and of every package that they require.

    Raises:
        metadata.PackageNotFoundError: a package is not installed for this Python.
    """
    for name in sorted(closure(roots)):
        for file in metadata.files(name) or []:
            if is_shipped(file):
                yield file.as_posix(), Path(str(file.locate()))


def closure(roots: Iterable[str]) -> set[str]:
    """Return `roots` and the names of every package that they require without an extra."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for requirement in metadata.requires(name) or []:
            if ";" not in requirement:
                waiting.append(re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0].lower())
    return found


def is_shipped(file: PurePosixPath) -> bool:
    """Return whether an executor may import or open `file`."""
    if file.parts[0] == ".." or "__pycache__" in file.parts or file.suffix in (".so", ".pyd"):
        return False
    if file.parts[:2] == ("botocore", "data") and len(file.parts) > 3:
        return file.parts[2] in CALLED + CREDENTIALS
    return True


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
            archive.writestr(zipfile.ZipInfo(name, EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
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


def main(checkout: Path, folder: Path) -> None:
    """Build both archives in `folder`. Exit with 3 if a package is not installed."""
    write_archive(folder / "event-lake.zip", own_files(checkout))
    packages, unpacked = folder / "event-lake-packages.zip", folder / "event_lake_packages"
    try:
        if write_archive(packages, package_files(ROOTS)) or not unpacked.exists():
            unpack(packages, unpacked)
    except metadata.PackageNotFoundError as missing:
        print(
            f"event-lake: {missing.name} is not installed for {sys.executable}, so it cannot be "
            "shipped. Install it, or unset EVENT_LAKE_NO_SETUP",
            file=sys.stderr,
        )
        sys.exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
