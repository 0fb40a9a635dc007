"""A small lake on local disk, and records for its raw table."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs.config.settings import Lake, Settings, Source
from jobs.lake.tables import Tables, tables
from jobs.metrics.listener import Batch
from jobs.streaming.runner import Run
from transforms.columns import RAW_SCHEMA


def settings_in(folder: Path, **sections: Any) -> Settings:
    """Settings of a lake below `folder`."""
    lake = Lake(
        raw=f"{folder}/raw", processed=f"{folder}/processed", checkpoints=f"{folder}/checkpoints"
    )
    return Settings(source=Source(stream="unused"), lake=lake, **sections)


@dataclass
class SmallLake:
    """A lake whose raw table a test fills itself."""

    spark: SparkSession
    settings: Settings
    batches: list[Batch] = field(default_factory=list)
    _records: int = 0

    @property
    def tables(self) -> Tables:
        return tables(self.settings.lake, self.settings.fields)

    def put(self, *payloads: bytes, ingested_at: datetime | None = None) -> None:
        """One commit to raw, as `ingest` makes it."""
        now = ingested_at or datetime.now(UTC)
        shard = "shardId-000000000000"
        self.tables.create(self.spark)
        rows = []
        for payload in payloads:
            self._records += 1
            number = f"{self._records:056d}"
            rows.append((bytearray(payload), "key", shard, number, 0, now, now, now.date(), 0))
        frame = self.spark.createDataFrame(rows, RAW_SCHEMA).coalesce(1)
        frame.write.format("delta").mode("append").save(self.tables.raw.path)

    def process(self) -> None:
        """`process --once`."""
        Run(self.settings, once=True, on_batch=self.batches.append).start(("process",))

    def by_other_rules(self, **sections: Any) -> "SmallLake":
        """The same lake, with other sections of the settings."""
        return SmallLake(self.spark, replace(self.settings, **sections))

    def events(self) -> DataFrame:
        return self.tables.events.read(self.spark)

    def quarantine(self) -> DataFrame:
        return self.tables.quarantine.read(self.spark)

    def history(self) -> list[Any]:
        """The commits of events, the last one first."""
        return DeltaTable.forPath(self.spark, self.tables.events.path).history().collect()

    def stored(self) -> list[str]:
        """The identities in events, as often as they stand there."""
        return sorted(row[0] for row in self.events().select("event_uuid").collect())


def event(uuid: str, created_at: Any, name: str = "account:created", **fields: Any) -> bytes:
    """The bytes of an event."""
    return json.dumps(
        {"event_uuid": uuid, "event_name": name, "created_at": created_at} | fields
    ).encode()


def reasons_by_data(quarantine: DataFrame) -> dict[bytes, list[str]]:
    """What quarantine says of each record."""
    rows: Iterable[Any] = quarantine.select("data", "reasons").collect()
    return {bytes(row["data"]): sorted(row["reasons"]) for row in rows}
