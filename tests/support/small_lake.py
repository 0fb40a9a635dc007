"""A small lake on the local disk, and records for its raw table."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.config import Lake, Query, Settings, Source
from jobs.lake import Tables, tables_of
from jobs.metrics import Batch
from jobs.runtime import translated_spark_errors
from jobs.streaming import Run
from transforms.columns import RAW_SCHEMA


def settings_in(folder: Path, **sections: Any) -> Settings:
    """Settings of a lake below `folder`."""
    lake = Lake(
        raw=f"{folder}/raw", processed=f"{folder}/processed", checkpoints=f"{folder}/checkpoints"
    )
    return Settings(source=Source(stream="unused"), lake=lake, **sections)


@dataclass
class SmallLake:
    """A lake whose raw table is filled by the test."""

    spark: SparkSession
    settings: Settings
    batches: list[Batch] = field(default_factory=list)
    _records: int = 0

    @property
    def tables(self) -> Tables:
        return tables_of(
            self.settings.lake,
            self.settings.fields,
            canonical_uuid=self.settings.once.canonical_uuid,
        )

    def put(self, *payloads: bytes, ingested_at: datetime | None = None) -> None:
        """Append records to raw in one commit, as `ingest` does."""
        now = ingested_at or datetime.now(UTC)
        shard = "shardId-000000000000"
        self.tables.create(self.spark)
        rows = []
        for payload in payloads:
            self._records += 1
            number = f"{self._records:056d}"
            rows.append((bytearray(payload), "key", shard, number, 0, now, now, now.date(), 0, -1))
        frame = self.spark.createDataFrame(rows, RAW_SCHEMA).coalesce(1)
        frame.write.format("delta").mode("append").save(self.tables.raw.path)

    def process(self) -> None:
        """Run `process --once`."""
        run = Run(self.settings, available_now=True, on_batch=self.batches.append)
        with translated_spark_errors():
            run.start([Query.PROCESS])

    def by_other_rules(self, **sections: Any) -> "SmallLake":
        """The same lake with other sections of the settings."""
        return SmallLake(self.spark, replace(self.settings, **sections), _records=self._records)

    def events(self) -> DataFrame:
        return self.tables.events.read(self.spark)

    def quarantine(self) -> DataFrame:
        return self.tables.quarantine.read(self.spark)

    def history(self) -> list[Row]:
        """The commits of events, the newest first."""
        return DeltaTable.forPath(self.spark, self.tables.events.path).history().collect()

    def stored(self) -> list[str]:
        """The event_uuid of each row of events, sorted."""
        return sorted(row[0] for row in self.events().select("event_uuid").collect())


def event(uuid: str, created_at: object, name: str = "account:created", **fields: object) -> bytes:
    """The bytes of an event."""
    return json.dumps(
        {"event_uuid": uuid, "event_name": name, "created_at": created_at} | fields
    ).encode()


def reasons_by_data(quarantine: DataFrame) -> dict[bytes, list[str]]:
    """The sorted reasons against each record in quarantine."""
    rows: Iterable[Row] = quarantine.select("data", "reasons").collect()
    return {bytes(row["data"]): sorted(row["reasons"]) for row in rows}


def forget_tables(spark: SparkSession) -> None:
    """Clear Delta's cache, as in a new process, after a table was deleted."""
    assert spark._jvm is not None
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
