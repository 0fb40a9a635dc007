"""Spark's settings, by where it runs and by what it was started with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from jobs.config.settings import Process
from jobs.runtime import session
from tests.support.small_lake import settings_in

REPO = Path(__file__).parents[3]

SETTINGS = settings_in(Path("unused"))
# What a driver would build its session with, that spark-submit starts.
PROBE = """
import json, sys
from jobs.runtime import session
from tests.jobs.runtime.test_session import SETTINGS
json.dump(session.options(SETTINGS), sys.stdout)
"""

ON_A_CLUSTER = "spark.sql.codegen.hugeMethodLimit"
ON_THIS_MACHINE = ("spark.sql.shuffle.partitions", "spark.databricks.delta.snapshotPartitions")
ITS_FILES = "spark.hadoop.fs.file.impl"
COMPRESSED = "spark.sql.inMemoryColumnarStorage.compressed"
TIME_ZONE = "spark.sql.session.timeZone"


def started_by_spark_submit(master: str, folder: Path) -> dict[str, str]:
    """The settings of a driver whose JVM comes first: no variable tells Python of the master."""
    probe = folder / "probe.py"
    probe.write_text(PROBE)
    environment = {**os.environ, "PYTHONPATH": str(REPO), "PYSPARK_PYTHON": sys.executable}
    environment.pop("PYSPARK_SUBMIT_ARGS", None)
    done = subprocess.run(
        [
            *(Path(pyspark.__file__).parent / "bin/spark-submit", "--master", master),
            *("--conf", f"{COMPRESSED}=true", "--conf", f"{TIME_ZONE}=Europe/Paris", probe),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_driver_that_spark_submit_starts_on_a_cluster_takes_none_of_this_machines_settings(
    tmp_path: Path,
) -> None:
    """As in cluster mode. What was given stands, except where the tables' meaning rests on it."""
    options = started_by_spark_submit("spark://127.0.0.1:1", tmp_path)
    assert ON_A_CLUSTER in options
    assert options.keys().isdisjoint((*ON_THIS_MACHINE, ITS_FILES, COMPRESSED))
    assert options[TIME_ZONE] == "UTC"


def test_a_jvm_that_runs_already_is_asked_for_no_class_that_it_may_lack(tmp_path: Path) -> None:
    options = started_by_spark_submit("local[1]", tmp_path)
    assert options.keys() >= set(ON_THIS_MACHINE)
    assert options.keys().isdisjoint((ON_A_CLUSTER, ITS_FILES, "spark.driver.extraClassPath"))


@pytest.mark.parametrize("given", ["", "--master local[2] pyspark-shell", "--master 'local[*]'"])
def test_one_process_on_this_machine_has_its_settings(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", given)

    options = session.options(SETTINGS)

    assert options.keys() >= {*ON_THIS_MACHINE, ITS_FILES, COMPRESSED}
    assert ON_A_CLUSTER not in options


def test_executors_of_their_own_do_without_the_class_path_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local-cluster[2,1,1024] pyspark-shell")

    options = session.options(SETTINGS)

    assert options.keys() >= set(ON_THIS_MACHINE)
    assert ITS_FILES not in options


@pytest.mark.parametrize("master", ["yarn", "spark://127.0.0.1:1"])
def test_the_launchers_master_is_a_cluster(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = f"--master {master} --conf '{COMPRESSED}=true' pyspark-shell"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", given)

    options = session.options(SETTINGS)

    assert ON_A_CLUSTER in options
    assert options.keys().isdisjoint((*ON_THIS_MACHINE, ITS_FILES, COMPRESSED))


def test_shuffle_partitions_are_the_settings_unless_they_were_given_to_spark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = settings_in(Path("unused"), process=Process(shuffle_partitions=7))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    assert session.options(chosen)["spark.sql.shuffle.partitions"] == "7"

    given = "--master local[2] --conf spark.sql.shuffle.partitions=3 pyspark-shell"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", given)
    assert "spark.sql.shuffle.partitions" not in session.options(chosen)
