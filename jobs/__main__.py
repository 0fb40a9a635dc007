"""`python -m jobs COMMAND`, and the script that spark-submit runs on a cluster."""

import sys

from jobs.cli import main

if __name__ == "__main__":
    sys.exit(main())
