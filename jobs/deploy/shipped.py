"""On a node: check that the shipped packages are for its Python."""

import platform
import sys
from pathlib import Path

from jobs.deploy.archives import BUILT_FOR
from jobs.errors import SetupError


def require_matching_python() -> None:
    """Compare this Python with the one that the packages on `sys.path` were packed for.

    Raises:
        SetupError: their compiled libraries cannot be loaded here.
    """
    here = (".".join(map(str, sys.version_info[:2])), platform.machine())
    for folder in sys.path:
        file = Path(folder, BUILT_FOR)
        if not file.is_file():
            continue
        python, _, machine = file.read_text().strip().partition(" ")
        if python != here[0] or machine not in (here[1], "this machine"):
            raise SetupError(
                f"the shipped Python packages are for Python {python} on {machine}, but "
                f"{sys.executable} is Python {here[0]} on {here[1]}: where spark-submit.sh runs, "
                f"set EVENT_LAKE_CLUSTER_PYTHON={here[0]} and "
                f"EVENT_LAKE_CLUSTER_MACHINE={here[1]}, or choose the cluster's Python with "
                "--conf spark.pyspark.python=PATH"
            )
