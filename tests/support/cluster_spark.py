"""A Spark as a node of a cluster has it, and a Python with nothing but the standard library."""

import os
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import REPO, Running
from tests.support.java import spark_home
from tests.support.servers.yarn import YarnCluster


@dataclass(frozen=True)
class ClusterSpark:
    """A home of Spark for `cluster`, and the environment in which the launcher runs."""

    home: Path
    python: Path
    cluster: YarnCluster

    def submit(self, *arguments: str) -> Running:
        """Run ./spark-submit.sh as a user of the cluster does."""
        return Running(
            *arguments, launcher=REPO / "spark-submit.sh", environment=self._environment()
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """The same, to its end. Return its exit code and its log."""
        with self.submit(*arguments) as launcher:
            return launcher.end()

    def _environment(self) -> dict[str, str]:
        environment = {
            **os.environ,
            "SPARK_HOME": str(self.home),
            "SPARK_CONF_DIR": str(self.home / "conf"),
            "HADOOP_CONF_DIR": str(self.cluster.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": str(self.python),
        }
        for name in ("PYTHONPATH", "PYSPARK_SUBMIT_ARGS", "PYSPARK_DRIVER_PYTHON"):
            environment.pop(name, None)
        return environment


def cluster_spark(home: Path, cluster: YarnCluster) -> ClusterSpark:
    """Lay out a Spark in `home`: the installed one, with Delta on its class path as on EMR."""
    installed = spark_home()
    (home / "python").mkdir(parents=True)
    (home / "bin").symlink_to(installed / "bin")
    (home / "python" / "pyspark").symlink_to(installed)
    (home / "python" / "lib").symlink_to(installed / "python" / "lib")
    (home / "jars").mkdir()
    for jar in [*(installed / "jars").glob("*.jar"), *(REPO / ".cache" / "jars").glob("*.jar")]:
        (home / "jars" / jar.name).symlink_to(jar)
    python = bare_python(home / "bare")
    # Containers see the environment of YARN, not ours.
    environment = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": str(python),
        **{key: value for key, value in os.environ.items() if key.startswith("AWS_")},
    }
    options = {
        "spark.yarn.jars": f"local:{home}/jars/*",
        "spark.pyspark.python": str(python),
        "spark.executor.instances": "1",
        "spark.executor.memory": "1g",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        # The defaults are for many cores. Here each commit would start 50 tasks on the only one.
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        **{f"spark.yarn.appMasterEnv.{key}": value for key, value in environment.items()},
        **{f"spark.executorEnv.{key}": value for key, value in environment.items()},
    }
    (home / "conf").mkdir()
    lines = [f"{key} {value}\n" for key, value in options.items()]
    (home / "conf" / "spark-defaults.conf").write_text("".join(lines))
    return ClusterSpark(home, python, cluster)


def bare_python(home: Path) -> Path:
    """A Python of our version without any package, not even pip."""
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    for module in ("jobs", "transforms", "boto3", "pyarrow", "delta", "pyspark", "pip"):
        absent = subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True)
        assert b"ModuleNotFoundError" in absent.stderr, f"{python} has {module}"
    return python
