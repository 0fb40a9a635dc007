"""Run benchmarks, each in a process of its own: `python -m benchmarks [NAME ...]`."""

import argparse
import subprocess
import sys

SHORT = ("kinesis_plan", "kinesis_source", "processing")
# They measure the cost of the guarantee, and take an hour or two and 25 GB of disk.
LONG = ("audit", "late", "window", "restart")


def main() -> int:
    """Run one after the other. Return 1 if one of them failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"default: {', '.join(SHORT)}; only by name, because they are long: {', '.join(LONG)}",
    )
    names = parser.parse_args().names or SHORT
    if unknown := sorted({*names} - {*SHORT, *LONG}):
        parser.error(f"unknown benchmark(s) {unknown}; known: {[*SHORT, *LONG]}")
    codes = []
    for name in names:
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode)
        print(flush=True)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
