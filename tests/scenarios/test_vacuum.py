"""VACUUM takes files that `process` has not read yet."""

import shutil
import time

import pytest
from delta.tables import DeltaTable

from jobs.errors import LakeError
from jobs.streaming import process
from tests.support.small_lake import SmallLake, event


@pytest.mark.slow
def test_where_raw_was_compacted_and_vacuumed_too_soon_a_new_generation_has_all_records(
    lake: SmallLake,
) -> None:
    """The run ends in one line that says so: the records stand in other files of raw now."""
    now = int(time.time())
    lake.put(event("a", now))
    lake.process()
    lake.put(event("b", now), event("a", now))
    lake.put(event("c", now))
    raw = DeltaTable.forPath(lake.spark, lake.tables.raw.path)
    raw.optimize().executeCompaction()
    raw.vacuum(0)

    with pytest.raises(LakeError, match="a file was deleted that this run still needs: VACUUM"):
        lake.process()
    assert lake.stored() == ["a"]
    shutil.rmtree(lake.settings.lake.checkpoint(process.NAME))
    lake.process()
    assert lake.stored() == ["a", "b", "c"]
