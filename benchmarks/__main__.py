"""The benchmarks, each in a process of its own: `python -m benchmarks [NAME ...]`."""

import argparse
import subprocess
import sys

SHORT = ("kinesis_plan", "kinesis_source", "processing")
# What the guarantee costs: an hour or two, and 25 GB of disk.
LONG = ("audit", "late", "window", "restart")


def main() -> int:
    """Run one after the other; answers 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"by default {', '.join(SHORT)}; only by name, as they take long: {', '.join(LONG)}",
    )
    names = parser.parse_args().names or SHORT
    if unknown := sorted({*names} - {*SHORT, *LONG}):
        parser.error(f"unknown: {unknown}; known: {[*SHORT, *LONG]}")
    codes = []
    for name in names:
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode)
        print(flush=True)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
