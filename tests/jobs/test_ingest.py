"""Where `ingest` goes on."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoint import Checkpoint
from jobs.errors import LakeError
from jobs.ingest import require_newest
from jobs.sinks.events import Transaction, append
from tests.jobs.lake import SmallLake, settings_in


def test_a_checkpoint_that_is_older_than_raw_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Restored from a copy, it would plan other records under numbers that Delta skips."""
    lake = SmallLake(spark, settings_in(tmp_path))
    lake.put(b"1")
    raw = lake.tables.raw
    checkpoint = Checkpoint(spark, f"{tmp_path}/checkpoint")
    require_newest(spark, checkpoint, raw)
    offsets = tmp_path / "checkpoint/offsets"
    offsets.mkdir(parents=True)
    (tmp_path / "checkpoint/metadata").write_text(json.dumps({"id": "query"}))
    (offsets / "0").touch()
    require_newest(spark, checkpoint, raw)
    append(raw.read(spark), raw, Transaction("query", 1))
    with pytest.raises(LakeError, match="its last batch is 0, but the table has batch 1"):
        require_newest(spark, checkpoint, raw)
    (offsets / "1").touch()
    require_newest(spark, checkpoint, raw)
