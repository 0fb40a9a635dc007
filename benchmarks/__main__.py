"""All benchmarks, each in a process of its own: `python -m benchmarks`."""

import subprocess
import sys

BENCHMARKS = ("kinesis_plan", "kinesis_source", "processing")


def main() -> int:
    """Run one after the other; answers 1 if one of them failed."""
    codes = []
    for name in BENCHMARKS:
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode)
        print(flush=True)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
