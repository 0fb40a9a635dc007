"""VACUUM deletes files that `process` has not read yet."""

import shutil
import time
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.config import Query
from jobs.errors import LakeError
from tests.support.small_lake import SmallLake, event, settings_in


def test_a_new_generation_stores_the_records_of_files_that_were_vacuumed_too_early(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The run before it ends with one line. The records are in other files of raw now."""
    lake = SmallLake(spark, settings_in(tmp_path))
    now = int(time.time())
    lake.put(event("a", now))
    lake.process()
    lake.put(event("b", now), event("a", now))
    lake.put(event("c", now))
    raw = DeltaTable.forPath(lake.spark, lake.tables.raw.path)
    raw.optimize().executeCompaction()
    raw.vacuum(0)

    with pytest.raises(LakeError, match=r"a file was deleted that this run still needs\. VACUUM"):
        lake.process()
    assert lake.stored() == ["a"]
    shutil.rmtree(lake.settings.lake.checkpoint(Query.PROCESS))
    lake.process()
    assert lake.stored() == ["a", "b", "c"]
