"""A lake that processes hostile streams, on machines whose clocks jump."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.audit import verify_tables
from jobs.checkpoints import Checkpoint, resume
from jobs.config import Once, Query, Settings
from jobs.errors import EventLakeError
from jobs.lake import Table, WriterFence, tables_of
from jobs.metrics import Batch
from jobs.runtime import HadoopDirectory, translated_spark_errors
from jobs.streaming import Run
from tests.support.hostile_traffic import MAX_FUTURE, Hazard, Step
from tests.support.oracle import Identity, expected_of, judge, micros
from tests.support.small_lake import settings_in
from transforms.columns import PROCESSED_AT, RAW_SCHEMA
from transforms.compose import Transform

Position = tuple[str, str]


@dataclass(frozen=True)
class Record:
    """A record in raw, and the step in which it was read."""

    data: bytes
    arrived: datetime
    ingested: datetime
    step: int


@dataclass
class HostileLake:
    """Runs one step after the other, and remembers every record that was put."""

    spark: SparkSession
    folder: Path
    records: dict[Position, Record] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    hazards: Counter[Hazard] = field(default_factory=Counter)
    deaths: int = 0

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
        report = verify_tables(self.spark, lake)
        return [
            *([] if report.is_clean else report.lines()),
            *self._wrong_in_quarantine(lake.quarantine),
            *self._wrong_in_events(lake.events),
        ]

    def _settings(self, window: timedelta) -> Settings:
        settings = settings_in(self.folder, once=Once(window=window, max_future=MAX_FUTURE))
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
        for data, shard in records:
            record = Record(data, now - step.lags[shard], ingested, number)
            position = (f"shardId-{shard:012d}", f"{len(self.records):056d}")
            self.records[position] = record
            times = (record.arrived, ingested, ingested.date())
            rows.append((bytearray(data), "key", *position, 0, *times, 0, -1))
        frame = self.spark.createDataFrame(rows, RAW_SCHEMA).coalesce(1)
        frame.write.format("delta").mode("append").save(raw.path)

    def _identity(self, record: Record) -> Identity | None:
        return judge(record.data, micros(record.arrived), MAX_FUTURE)

    def _wrong_in_quarantine(self, quarantine: Table) -> Iterator[str]:
        rows = quarantine.read(self.spark).select("shard_id", "sequence_number", "data").collect()
        stored = Counter((row[0], row[1], bytes(row[2])) for row in rows)
        rejected = (
            (*position, record.data)
            for position, record in self.records.items()
            if self._identity(record) is None
        )
        expected = Counter(rejected)
        for shard, number, _ in stored - expected:
            yield f"in quarantine, but should not be: {self._text((shard, number))}"
        for shard, number, _ in expected - stored:
            yield f"not in quarantine: {self._text((shard, number))}"

    def _wrong_in_events(self, events: Table) -> Iterator[str]:
        put = ((record.data, record.arrived) for record in self.records.values())
        expected = expected_of(put, MAX_FUTURE).events
        stored: Counter[Identity] = Counter()
        columns = ("shard_id", "sequence_number", "payload", "event_uuid")
        rows = events.read(self.spark).select(*columns, F.unix_micros("created_at")).collect()
        for shard, number, payload, uuid, created in rows:
            stored[uuid, created] += 1
            record = self.records[shard, number]
            if (record.data, self._identity(record)) != (payload.encode(), (uuid, created)):
                yield f"stored as {uuid!r} at {created}: {self._text((shard, number))}"
        for identity, times in stored.items():
            if identity not in expected or times > 1:
                yield f"stored {times} times: {self._deliveries(identity)}"
        for identity in expected.keys() - stored.keys():
            yield f"lost: {self._deliveries(identity)}"

    def _deliveries(self, identity: Identity) -> str:
        positions = (p for p, record in self.records.items() if self._identity(record) == identity)
        return f"{identity}, delivered as\n    " + "\n    ".join(map(self._text, positions))

    def _text(self, position: Position) -> str:
        return f"{position[0]} {int(position[1])}: {self.records.get(position)}"


_DIES_AFTER: dict[Hazard, str] = {"death after events": "/events", "death": "/quarantine"}


def _dies_after(table_name: str, append: Callable[..., None]) -> Callable[..., None]:
    def dying(fence: WriterFence, rows: DataFrame, table: Table, batch: int) -> None:
        append(fence, rows, table, batch)
        if table.path.endswith(table_name):
            raise RuntimeError("killed here")

    return dying


class Machine:
    """A machine whose clock shows `now`, which is later than the clock of this machine.

    A test cannot set Spark's clock. But `process` uses the time of a batch, `current_timestamp()`,
    for two things only: it is the clock of the rows, and it must not go back. `running` adds the
    difference of the clocks to both. It also adds it to the times in Spark's checkpoint when their
    batches are committed, as if Spark's own clock had been ahead.
    """

    def __init__(self, spark: SparkSession, now: datetime) -> None:
        self._spark = spark
        self._ahead = now - datetime.now(UTC)
        assert self._ahead > timedelta(0)

    @contextmanager
    def running(self, checkpoint: str) -> Iterator[None]:
        """While the block runs, `process` runs on this machine."""
        before = self._batches(checkpoint)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(resume, "datetime", _clock(self._ahead))
            patched.setattr(pipeline, "with_clock", self._with_clock)
            patched.setattr(Checkpoint, "require_clock", self._require_clock())
            yield
        for batch in self._batches(checkpoint) - before:
            self._set_time(checkpoint, batch)

    def _with_clock(self, not_before: datetime) -> Transform:
        def apply(records: DataFrame) -> DataFrame:
            clock = F.greatest(F.current_timestamp() + F.lit(self._ahead), F.lit(not_before))
            return records.withColumn(PROCESSED_AT, clock)

        return apply

    def _require_clock(self) -> Callable[..., None]:
        original = Checkpoint.require_clock

        def require(checkpoint: Checkpoint, batch: int, clock_floor: datetime) -> None:
            original(checkpoint, batch, max(clock_floor, datetime.now(UTC) + self._ahead))

        return require

    def _batches(self, checkpoint: str) -> set[str]:
        commits = HadoopDirectory(self._spark, f"{checkpoint}/commits")
        return {name for name in commits.names() if name.isdigit()}

    def _set_time(self, checkpoint: str, batch: str) -> None:
        offsets = HadoopDirectory(self._spark, f"{checkpoint}/offsets")
        version, line, *rest = (offsets.read(batch) or "").split("\n")
        metadata: dict[str, Any] = json.loads(line)
        metadata["batchTimestampMs"] += self._ahead // timedelta(milliseconds=1)
        offsets.write(batch, "\n".join([version, json.dumps(metadata), *rest]))


def _clock(ahead: timedelta) -> type[datetime]:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + ahead

    return Ahead
