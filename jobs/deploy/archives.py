"""Make the two archives that a cluster gets: our code, and the pure Python packages under it.

    python jobs/deploy/archives.py CHECKOUT FOLDER

`event-lake.zip` holds `jobs` and `transforms`; Python imports from it as it is (`--py-files`).
`event-lake-packages.zip` holds what they import, taken from where this Python has it: botocore
opens its service models as files, so this one is unpacked on each executor (`--archives`) and named
in PYTHONPATH. pyarrow is compiled for its machine and stays out: the executors' Python has it.
FOLDER gets it unpacked too, as `event_lake_packages`: Spark runs the planning half of a Python data
source on the driver's machine, but with the executors' Python.

The same input gives the same bytes, and an archive that is already right is not written again.
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

# botocore has the models of 400 services in 28 MB. These are the ones that the jobs call, and those
# through which botocore itself finds credentials.
CALLED = ("athena", "cloudwatch", "dynamodb", "glue", "kinesis", "s3", "secretsmanager")
CREDENTIALS = ("sso", "sso-oidc", "sts")

# `zipfile` cannot write an earlier time; a fixed one keeps the bytes the same.
EPOCH = (1980, 1, 1, 0, 0, 0)


def own_files(checkout: Path) -> Iterator[tuple[str, Path]]:
    """The modules of this project: name in the archive, file on disk."""
    for package in OWN_PACKAGES:
        for path in (checkout / package).rglob("*.py"):
            yield path.relative_to(checkout).as_posix(), path


def package_files(roots: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """The pure Python files of `roots` and of all that they require.

    Raises:
        metadata.PackageNotFoundError: a package is not installed for this Python.
    """
    for name in sorted(closure(roots)):
        for file in metadata.files(name) or []:
            if is_shipped(file):
                yield file.as_posix(), Path(str(file.locate()))


def closure(roots: Iterable[str]) -> set[str]:
    """The names of `roots` and of everything that they require without an extra."""
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
    """Whether an executor may import or open `file`."""
    if file.parts[0] == ".." or "__pycache__" in file.parts or file.suffix in (".so", ".pyd"):
        return False
    if file.parts[:2] == ("botocore", "data") and len(file.parts) > 3:
        return file.parts[2] in CALLED + CREDENTIALS
    return True


def write_archive(target: Path, files: Iterable[tuple[str, Path]]) -> bool:
    """Write `files` to `target` unless it holds just them. Returns whether it was written."""
    chosen = sorted(files)
    digest = sha256()
    for name, path in chosen:
        digest.update(f"{name}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    comment = digest.hexdigest().encode()
    if target.exists() and zipfile.is_zipfile(target):
        with zipfile.ZipFile(target) as archive:
            if archive.comment == comment:
                return False
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in chosen:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
        archive.comment = comment
    unfinished.replace(target)
    return True


def unpack(archive: Path, target: Path) -> None:
    """Put the files of `archive` in `target`, in place of what is there."""
    unfinished = target.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.replace(target)


def main(checkout: Path, folder: Path) -> None:
    write_archive(folder / "event-lake.zip", own_files(checkout))
    packages, unpacked = folder / "event-lake-packages.zip", folder / "event_lake_packages"
    try:
        if write_archive(packages, package_files(ROOTS)) or not unpacked.exists():
            unpack(packages, unpacked)
    except metadata.PackageNotFoundError as missing:
        print(
            f"event-lake: {missing.name} is not installed for {sys.executable}, so it cannot be "
            "shipped; install it, or unset EVENT_LAKE_NO_SETUP",
            file=sys.stderr,
        )
        sys.exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
