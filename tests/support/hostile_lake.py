"""A lake that processes hostile streams, on machines whose clocks jump."""

import gzip
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit import verify_tables
from jobs.config import Format, Once, Query, Settings
from jobs.errors import EventLakeError
from jobs.lake import Table, WriterFence, tables_of
from jobs.metrics import Batch
from jobs.runtime import translated_spark_errors
from jobs.streaming import Run
from tests.support.hostile_traffic import MAX_FUTURE, Hazard, Step
from tests.support.machine import Machine
from tests.support.oracle import Identity, expected_of, judge, micros
from tests.support.small_lake import settings_in
from transforms.columns import RAW_SCHEMA

Position = tuple[str, str, int]
LINES = Format(compression="auto", framing="lines")


@dataclass(frozen=True)
class Record:
    """What a record in raw holds, and the step in which it was read."""

    data: bytes
    arrived: datetime
    ingested: datetime
    step: int


@dataclass
class HostileLake:
    """Runs one step after the other, and remembers every record that was put.

    form: that of the records. With `LINES`, up to four are put as the lines of one, and every other
          one of these is compressed.
    """

    spark: SparkSession
    folder: Path
    form: Format = field(default_factory=Format)
    records: dict[Position, Record] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    hazards: Counter[Hazard] = field(default_factory=Counter)
    deaths: int = 0
    _put_records: int = 0

    def run_step(
        self, number: int, step: Step, now: datetime, records: Sequence[tuple[bytes, int]]
    ) -> None:
        """Put the records of this step, and process them on its machine. `now` is the true time."""
        settings = self._settings(step.window)
        lake = tables_of(settings.lake)
        lake.create(self.spark)
        for commit in range(step.commits):
            self._put(lake.raw, number, step, now, records[commit :: step.commits])
        if step.hazard == "compaction":
            for table in (lake.raw, lake.events):
                DeltaTable.forPath(self.spark, table.path).optimize().executeCompaction()
        if step.hazard == "lost checkpoint":
            shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)
        self.hazards[step.hazard] += 1
        machine = Machine(self.spark, now + step.clock)
        with machine.running(f"{settings.lake.checkpoints}/{Query.PROCESS}"):
            if step.hazard in _DIES_AFTER:
                self._die(settings, _DIES_AFTER[step.hazard])
            self._run(settings)

    def problems(self) -> list[str]:
        """The differences that the audit or the oracle finds in the tables."""
        lake = tables_of(self._settings(timedelta(minutes=10)).lake)
        report = verify_tables(self.spark, lake, form=self.form)
        return [
            *([] if report.is_clean else report.lines()),
            *self._wrong_in_quarantine(lake.quarantine),
            *self._wrong_in_events(lake.events),
        ]

    def _settings(self, window: timedelta) -> Settings:
        once = Once(window=window, max_future=MAX_FUTURE)
        settings = settings_in(self.folder, once=once, format=self.form)
        return replace(settings, process=replace(settings.process, max_files_per_batch=2))

    def _run(self, settings: Settings) -> None:
        run = Run(settings, available_now=True, on_batch=self.batches.append)
        with translated_spark_errors():
            run.start([Query.PROCESS])

    def _die(self, settings: Settings, table: str) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(WriterFence, "append", _dies_after(table, WriterFence.append))
            try:
                self._run(settings)
            except EventLakeError as error:
                if "killed here" not in str(error):
                    raise
                self.deaths += 1

    def _put(
        self,
        raw: Table,
        number: int,
        step: Step,
        now: datetime,
        records: Sequence[tuple[bytes, int]],
    ) -> None:
        ingested = now + step.clock
        rows = []
        for data, shard in records if self.form.record_format.is_plain else in_lines(records):
            arrived = now - step.lags[shard]
            place = (f"shardId-{shard:012d}", f"{self._put_records:056d}")
            self._put_records += 1
            for index, part in self._parts(data):
                self.records[*place, index] = Record(part, arrived, ingested, number)
            times = (arrived, ingested, ingested.date())
            rows.append((bytearray(data), "key", *place, 0, *times, 0, -1))
        frame = self.spark.createDataFrame(rows, RAW_SCHEMA).coalesce(1)
        frame.write.format("delta").mode("append").save(raw.path)

    def _parts(self, data: bytes) -> list[tuple[int, bytes]]:
        """The index and the bytes of each event in a record; -1 for the record itself."""
        if self.form.record_format.is_plain:
            return [(-1, data)]
        content = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return [(-1, data)]
        return [*enumerate(line for line in content.split(b"\n") if line.strip())] or [(-1, data)]

    def _identity(self, record: Record) -> Identity | None:
        return judge(record.data, micros(record.arrived), MAX_FUTURE)

    def _wrong_in_quarantine(self, quarantine: Table) -> Iterator[str]:
        rows = quarantine.read(self.spark).select(*_PLACE, "data").collect()
        stored = Counter((*row[:3], bytes(row[3])) for row in rows)
        rejected = (
            (*position, record.data)
            for position, record in self.records.items()
            if self._identity(record) is None
        )
        expected = Counter(rejected)
        for *position, _ in stored - expected:
            yield f"in quarantine, but should not be: {self._text(tuple(position))}"
        for *position, _ in expected - stored:
            yield f"not in quarantine: {self._text(tuple(position))}"

    def _wrong_in_events(self, events: Table) -> Iterator[str]:
        put = ((record.data, record.arrived) for record in self.records.values())
        expected = expected_of(put, MAX_FUTURE).events
        stored: Counter[Identity] = Counter()
        columns = (*_PLACE, "payload", "event_uuid")
        rows = events.read(self.spark).select(*columns, F.unix_micros("created_at")).collect()
        for *position, payload, uuid, created in rows:
            stored[uuid, created] += 1
            record = self.records[tuple(position)]
            if (record.data, self._identity(record)) != (payload.encode(), (uuid, created)):
                yield f"stored as {uuid!r} at {created}: {self._text(tuple(position))}"
        for identity, times in stored.items():
            if identity not in expected or times > 1:
                yield f"stored {times} times: {self._deliveries(identity)}"
        for identity in expected.keys() - stored.keys():
            yield f"lost: {self._deliveries(identity)}"

    def _deliveries(self, identity: Identity) -> str:
        positions = (p for p, record in self.records.items() if self._identity(record) == identity)
        return f"{identity}, delivered as\n    " + "\n    ".join(map(self._text, positions))

    def _text(self, position: Position) -> str:
        return f"{position}: {self.records.get(position)}"


def in_lines(records: Sequence[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """The records of each shard as the lines of larger ones: one to four, then one to four, …"""
    by_shard: dict[int, list[bytes]] = {}
    for data, shard in records:
        by_shard.setdefault(shard, []).append(data)
    for shard, each in by_shard.items():
        for number, start in enumerate(range(0, len(each), 4)):
            lines = b"\n".join(each[start : start + 1 + number % 4])
            rest = each[start + 1 + number % 4 : start + 4]
            for data in (lines, *rest):
                yield (gzip.compress(data) if number % 2 else data), shard


_PLACE = ("shard_id", "sequence_number", "record_index")
_DIES_AFTER: dict[Hazard, str] = {"death after events": "/events", "death": "/quarantine"}


def _dies_after(table_name: str, append: Callable[..., None]) -> Callable[..., None]:
    def dying(fence: WriterFence, rows: DataFrame, table: Table, batch: int) -> None:
        append(fence, rows, table, batch)
        if table.path.endswith(table_name):
            raise RuntimeError("killed here")

    return dying
