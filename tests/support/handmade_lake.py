"""A lake of which a test writes every row, sound or not."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.audit import verify as audit
from jobs.lake.tables import Table, Tables, tables
from tests.support.small_lake import settings_in
from transforms.columns import EVENT_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA

SHARD = "shardId-000000000000"
CREATED_ON = date(2026, 1, 2)
FIRST_DAY = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _raw(number: int, data: bytes) -> tuple[bytearray, str, str, str, int]:
    """Where a record came from, and its bytes."""
    return bytearray(data), "key", SHARD, str(number), 0


class HandmadeLake:
    """Tables into which a test writes what it likes, each call one commit."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark = spark
        self._folder = folder
        self.tables: Tables = tables(settings_in(folder).lake)
        self.tables.create(spark)

    def raw(self, *records: tuple[int, bytes], ingested_at: datetime = FIRST_DAY) -> None:
        rows = [
            (*_raw(number, data), ingested_at, ingested_at, ingested_at.date(), 0)
            for number, data in records
        ]
        self._append(self.tables.raw, rows, RAW_SCHEMA)

    def events(
        self,
        *events: tuple[int, bytes, str | None, datetime | None],
        name: str | None = "account:created",
        on: date | None = CREATED_ON,
        ingested_at: datetime = FIRST_DAY,
    ) -> None:
        """All in one partition."""
        rows = [
            (
                *(uuid, name, created_at, on, "", "account", "created"),
                *(payload.decode(), ingested_at, ingested_at, ingested_at, False),
                *(SHARD, str(number), 0, 0, ""),
            )
            for number, payload, uuid, created_at in events
        ]
        self._append(self.tables.events, rows, EVENT_SCHEMA)

    def quarantine(
        self, *rejections: tuple[int, bytes, list[str], str | None, datetime | None]
    ) -> None:
        rows = [
            (
                *(*_raw(number, data), FIRST_DAY, FIRST_DAY, FIRST_DAY.date(), 0),
                *(reasons, None, uuid, None, created_at, FIRST_DAY),
            )
            for number, data, reasons, uuid, created_at in rejections
        ]
        self._append(self.tables.quarantine, rows, QUARANTINE_SCHEMA)

    def arguments(self, *given: str) -> argparse.Namespace:
        """What the command line makes of `audit` with `given` on this lake."""
        parser = argparse.ArgumentParser()
        audit.add_arguments(parser)
        overrides = [
            "source.stream=unused",
            f"lake.raw={self._folder}/raw",
            f"lake.processed={self._folder}/processed",
            f"lake.checkpoints={self._folder}/checkpoints",
        ]
        return parser.parse_args(
            given, argparse.Namespace(config=None, overrides=overrides, verbose=False)
        )

    def _append(self, table: Table, rows: list[Any], schema: str) -> None:
        frame: DataFrame = self._spark.createDataFrame(rows, schema).coalesce(1)
        frame.write.format("delta").mode("append").save(table.path)
