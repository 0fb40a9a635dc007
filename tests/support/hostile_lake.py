"""A lake that hostile streams are put through, on machines whose clocks jump."""

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
from jobs.audit.verify import prove
from jobs.checkpoints.checkpoint import Checkpoint
from jobs.config.settings import Once, Settings
from jobs.errors import EventLakeError
from jobs.lake.fencing import Claim
from jobs.lake.tables import Table, tables
from jobs.metrics.listener import Batch
from jobs.runtime.filesystem import Folder
from jobs.streaming import process
from jobs.streaming.runner import Run
from tests.support.hostile_traffic import MAX_FUTURE, Step
from tests.support.oracle import Identity, expected_of, judge, micros
from tests.support.small_lake import settings_in
from transforms.columns import PROCESSED_AT, RAW_SCHEMA
from transforms.compose import Transform

Position = tuple[str, str]


@dataclass(frozen=True)
class Record:
    """A record as it stands in raw, and in which step it came."""

    data: bytes
    arrived: datetime
    ingested: datetime
    step: int


@dataclass
class HostileLake:
    """Takes steps one after the other; knows every record that it was given."""

    spark: SparkSession
    folder: Path
    records: dict[Position, Record] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    befell: Counter[str] = field(default_factory=Counter)

    def live(
        self, number: int, step: Step, now: datetime, told: Sequence[tuple[bytes, int]]
    ) -> None:
        """Put what is told in this step, and process it on the step's machine; `now` is true."""
        settings = self._settings(step.window)
        lake = tables(settings.lake)
        lake.create(self.spark)
        for commit in range(step.commits):
            self._put(lake.raw, number, step, now, told[commit :: step.commits])
        if step.befalls == "compaction":
            for table in (lake.raw, lake.events):
                DeltaTable.forPath(self.spark, table.path).optimize().executeCompaction()
        if step.befalls == "lost checkpoint":
            shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)
        self.befell[step.befalls] += 1
        machine = Machine(self.spark, now + step.clock)
        with machine.running(f"{settings.lake.checkpoints}/{process.NAME}"):
            if step.befalls in _DIES_BEHIND:
                self._die(settings, _DIES_BEHIND[step.befalls])
            self._run(settings)

    def problems(self) -> list[str]:
        """What the audit or the oracle has against the tables."""
        lake = tables(self._settings(timedelta(minutes=10)).lake)
        report = prove(self.spark, lake)
        return [
            *([] if report.is_clean else report.lines()),
            *self._wrong_in_quarantine(lake.quarantine),
            *self._wrong_in_events(lake.events),
        ]

    def _settings(self, window: timedelta) -> Settings:
        settings = settings_in(self.folder, once=Once(window=window, max_future=MAX_FUTURE))
        return replace(settings, process=replace(settings.process, max_files_per_batch=2))

    def _run(self, settings: Settings) -> None:
        Run(settings, once=True, on_batch=self.batches.append).start((process.NAME,))

    def _die(self, settings: Settings, behind: str) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Claim, "append", _dies(Claim.append, behind))
            try:
                self._run(settings)
            except EventLakeError as error:
                if "killed here" not in str(error):
                    raise
                self.befell["deaths"] += 1

    def _put(
        self, raw: Table, number: int, step: Step, now: datetime, told: Sequence[tuple[bytes, int]]
    ) -> None:
        ingested = now + step.clock
        rows = []
        for data, shard in told:
            record = Record(data, now - step.lags[shard], ingested, number)
            position = (f"shardId-{shard:012d}", f"{len(self.records):056d}")
            self.records[position] = record
            day = ingested.date()
            rows.append((bytearray(data), "key", *position, 0, record.arrived, ingested, day, 0))
        frame = self.spark.createDataFrame(rows, RAW_SCHEMA).coalesce(1)
        frame.write.format("delta").mode("append").save(raw.path)

    def _identity(self, record: Record) -> Identity | None:
        return judge(record.data, micros(record.arrived), MAX_FUTURE)

    def _wrong_in_quarantine(self, quarantine: Table) -> Iterator[str]:
        rows = quarantine.read(self.spark).select("shard_id", "sequence_number", "data").collect()
        held = Counter((row[0], row[1], bytes(row[2])) for row in rows)
        rejected = (
            (*position, record.data)
            for position, record in self.records.items()
            if self._identity(record) is None
        )
        wanted = Counter(rejected)
        for row in held - wanted:
            yield f"in quarantine, but should not be: {self._story_of(row[:2])}"
        for row in wanted - held:
            yield f"not in quarantine: {self._story_of(row[:2])}"

    def _wrong_in_events(self, events: Table) -> Iterator[str]:
        put = ((record.data, record.arrived) for record in self.records.values())
        wanted = expected_of(put, MAX_FUTURE).events
        stored: Counter[Identity] = Counter()
        columns = ("shard_id", "sequence_number", "payload", "event_uuid")
        rows = events.read(self.spark).select(*columns, F.unix_micros("created_at")).collect()
        for shard, number, payload, uuid, created in rows:
            stored[uuid, created] += 1
            record = self.records[shard, number]
            if (record.data, self._identity(record)) != (payload.encode(), (uuid, created)):
                yield f"stored as {uuid!r} at {created}: {self._story_of((shard, number))}"
        for identity, times in stored.items():
            if identity not in wanted or times > 1:
                yield f"stored {times} times: {self._tellings_of(identity)}"
        for identity in wanted.keys() - stored.keys():
            yield f"lost: {self._tellings_of(identity)}"

    def _tellings_of(self, identity: Identity) -> str:
        told = (p for p, record in self.records.items() if self._identity(record) == identity)
        return f"{identity}, told by\n    " + "\n    ".join(map(self._story_of, told))

    def _story_of(self, position: Position) -> str:
        return f"{position[0]} {int(position[1])}: {self.records.get(position)}"


_DIES_BEHIND = {"death behind events": "/events", "death": "/quarantine"}


def _dies(append: Callable[..., None], behind: str) -> Callable[..., None]:
    def appended(claim: Claim, rows: DataFrame, table: Table, batch: int) -> None:
        append(claim, rows, table, batch)
        if table.path.endswith(behind):
            raise RuntimeError("killed here")

    return appended


class Machine:
    """A machine whose clock says that it is `now`, later than the clock of this one.

    Spark has no clock that a test could set. But all that `process` does with Spark's time, the
    batch's `current_timestamp()`, is to stamp rows with it, and to look whether it has gone back;
    so `running` adds to both by how much the clock is ahead, and to the times that Spark notes in
    its checkpoint as well, when their batches are committed: there they stand as if Spark's own
    clock had been ahead.
    """

    def __init__(self, spark: SparkSession, now: datetime) -> None:
        self._spark = spark
        self._ahead = now - datetime.now(UTC)
        assert self._ahead > timedelta(0)

    @contextmanager
    def running(self, checkpoint: str) -> Iterator[None]:
        """Within, `process` runs on this machine."""
        noted = self._batches(checkpoint)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(process, "datetime", _clock(self._ahead))
            patched.setattr(pipeline, "with_clock", self._with_clock)
            patched.setattr(Checkpoint, "require_clock", self._require_clock())
            yield
        for batch in self._batches(checkpoint) - noted:
            self._set_time(checkpoint, batch)

    def _with_clock(self, not_before: datetime) -> Transform:
        def apply(records: DataFrame) -> DataFrame:
            clock = F.greatest(F.current_timestamp() + F.lit(self._ahead), F.lit(not_before))
            return records.withColumn(PROCESSED_AT, clock)

        return apply

    def _require_clock(self) -> Callable[..., None]:
        required = Checkpoint.require_clock

        def require(checkpoint: Checkpoint, batch: int, clock_floor: datetime) -> None:
            required(checkpoint, batch, max(clock_floor, datetime.now(UTC) + self._ahead))

        return require

    def _batches(self, checkpoint: str) -> set[str]:
        return {n for n in Folder(self._spark, f"{checkpoint}/commits").names() if n.isdigit()}

    def _set_time(self, checkpoint: str, batch: str) -> None:
        offsets = Folder(self._spark, f"{checkpoint}/offsets")
        version, metadata, *rest = (offsets.read(batch) or "").split("\n")
        noted: dict[str, Any] = json.loads(metadata)
        noted["batchTimestampMs"] += self._ahead // timedelta(milliseconds=1)
        offsets.write(batch, "\n".join([version, json.dumps(noted), *rest]))


def _clock(ahead: timedelta) -> type[datetime]:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + ahead

    return Ahead
