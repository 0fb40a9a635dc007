"""A lake whose rows a test writes itself, also rows that no pipeline would write."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.config import Lake
from jobs.lake import Table, Tables, tables_of
from tests.support.small_lake import settings_in
from transforms.columns import EVENT_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA

SHARD = "shardId-000000000000"
CREATED_ON = date(2026, 1, 2)
FIRST_DAY = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _record(number: int, data: bytes) -> tuple[bytearray, str, str, str, int]:
    """The bytes of a record, its key and its position."""
    return bytearray(data), "key", SHARD, str(number), 0


def _text(time: datetime | None) -> str:
    """`created_datetime` of an event."""
    return f"{time:%Y-%m-%dT%H:%M:%S.%fZ}" if time else ""


class HandmadeLake:
    """Tables to which each call appends rows in one commit."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark = spark
        self.location: Lake = settings_in(folder).lake
        self.tables: Tables = tables_of(self.location)
        self.tables.create(spark)

    def raw(self, *records: tuple[int, bytes], ingested_at: datetime = FIRST_DAY) -> None:
        """Append records: a sequence number and bytes each."""
        rows = [
            (*_record(number, data), ingested_at, ingested_at, ingested_at.date(), 0, -1)
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
        """Append events of one partition: sequence number, payload, event_uuid and created_at."""
        rows = [
            (
                *(uuid, name, created_at, on, _text(created_at), "account", "created"),
                *(payload.decode(), ingested_at, ingested_at, ingested_at, False),
                *(SHARD, str(number), 0, -1, 0, ""),
            )
            for number, payload, uuid, created_at in events
        ]
        self._append(self.tables.events, rows, EVENT_SCHEMA)

    def quarantine(
        self, *rejections: tuple[int, bytes, list[str], str | None, datetime | None]
    ) -> None:
        """Append rejections: sequence number, bytes, reasons, event_uuid and created_at."""
        rows = [
            (
                *(*_record(number, data), FIRST_DAY, FIRST_DAY, FIRST_DAY.date(), 0, -1),
                *(reasons, None, uuid, None, created_at, FIRST_DAY),
            )
            for number, data, reasons, uuid, created_at in rejections
        ]
        self._append(self.tables.quarantine, rows, QUARANTINE_SCHEMA)

    def _append(self, table: Table, rows: list[Any], schema: str) -> None:
        frame: DataFrame = self._spark.createDataFrame(rows, schema).coalesce(1)
        frame.write.format("delta").mode("append").save(table.path)
