"""The checkpoints of a whole `stream`: lost, exchanged, or over another stream or raw table."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit.verify import prove
from jobs.config.settings import Settings, Source
from jobs.errors import EventLakeError, LakeError
from jobs.streaming.runner import Run
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.small_lake import SmallLake, settings_in
from tests.support.two_rounds import AFTER, BEFORE, assert_exact, forget_tables

pytestmark = pytest.mark.slow


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        for stream in ("events", "others"):
            running.client().create_stream(StreamName=stream, ShardCount=1)
        yield running


def test_both_checkpoints_of_stream_are_lost(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`ingest` goes on where raw ends, `process` asks the tables, and both say so."""
    given = _fed_by(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    _stream(given)
    shutil.rmtree(tmp_path / "checkpoints")
    _send(fake, *AFTER)
    with caplog.at_level(logging.INFO, logger="event-lake"):
        _stream(given)
    assert any("query=ingest begins anew" in line for line in caplog.messages)
    assert any("behind the last record that raw has of each of 1 sh" in m for m in caplog.messages)
    lake = SmallLake(spark, given)
    assert lake.tables.raw.read(spark).count() == len(BEFORE + AFTER)
    assert prove(spark, lake.tables).is_clean
    assert_exact(lake)


def test_a_checkpoint_of_ingest_is_refused_for_another_stream_or_raw_table(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path
) -> None:
    """It would skip what was read before, of one, or into the other."""
    given = _fed_by(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    Run(given, once=True).start(("ingest",))
    with pytest.raises(LakeError, match=r"was made for another stream \(events\)"):
        Run(_fed_by(fake, tmp_path, "others"), once=True).start(("ingest",))
    shutil.rmtree(tmp_path / "raw")
    forget_tables(spark)
    with pytest.raises(LakeError, match=r"was made for another raw"):
        _stream(given)
    (tmp_path / "checkpoints/ingest").rename(tmp_path / "moved")
    _stream(given)
    _send(fake, *AFTER)
    _stream(given)
    lake = SmallLake(spark, given)
    assert lake.tables.raw.read(spark).count() == len(BEFORE + AFTER)
    assert_exact(lake)


def test_a_checkpoint_that_holds_the_other_querys_offsets_is_refused(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path
) -> None:
    """The folders of `ingest` and `process` were exchanged."""
    given = _fed_by(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    _stream(given)
    folder = tmp_path / "checkpoints"
    for name, place in (("ingest", "kept"), ("process", "ingest"), ("kept", "process")):
        (folder / name).rename(folder / place)
    for query in ("ingest", "process"):
        with pytest.raises(EventLakeError, match="checkpoint") as refused:
            Run(given, once=True).start((query,))
        assert "\n" not in str(refused.value)
    shutil.rmtree(folder)
    _send(fake, *AFTER)
    _stream(given)
    assert_exact(SmallLake(spark, given))


def _fed_by(fake: FakeKinesis, folder: Path, stream: str) -> Settings:
    source = Source(stream=stream, endpoint_url=fake.url)
    return replace(settings_in(folder), source=source)


def _send(fake: FakeKinesis, *records: bytes) -> None:
    for data in records:
        fake.client().put_record(StreamName="events", Data=data, PartitionKey="key")


def _stream(given: Settings) -> None:
    Run(given, once=True).start(("ingest", "process"))
