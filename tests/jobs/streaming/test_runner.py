"""A run comes to its end, or reports why it ended earlier."""

import time

import pytest

from jobs.checkpoints import Checkpoint
from jobs.config import Query
from jobs.errors import EventLakeError, IntegrityError
from jobs.lake import WriterFence
from jobs.metrics import Batch
from jobs.streaming.runner import Run
from tests.support.small_lake import SmallLake, event


@pytest.fixture
def lake(lake: SmallLake) -> SmallLake:
    """A lake with one record in raw."""
    lake.put(event("a", int(time.time())))
    return lake


def test_a_run_that_is_stopped_ends_after_its_batch(lake: SmallLake) -> None:
    """The batch is committed, so the next start has nothing to repeat."""
    batches: list[Batch] = []

    def stop(batch: Batch) -> None:
        batches.append(batch)
        run.stop()

    run = Run(lake.settings, available_now=False, on_batch=stop)
    run.start([Query.PROCESS])
    assert [batch.records for batch in batches] == [1]
    assert lake.stored() == ["a"]
    path = lake.settings.lake.checkpoint(Query.PROCESS)
    assert Checkpoint(lake.spark, path).uncommitted_batch() is None


def test_a_run_that_is_stopped_before_its_start_runs_no_query(lake: SmallLake) -> None:
    """The signal arrived while Spark was starting."""
    run = Run(lake.settings, available_now=True, on_batch=lake.batches.append)
    run.stop()
    run.start([Query.PROCESS])
    assert lake.batches == []
    assert lake.stored() == []


def test_a_batch_that_does_not_conserve_its_records_ends_the_run(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an error of its own class: a record may be lost."""
    monkeypatch.setattr(Batch, "conserves", property(lambda self: False))
    with pytest.raises(IntegrityError, match="does not conserve its records: query=process batch"):
        lake.process()


def test_a_query_that_ends_without_an_error_ends_the_run_with_one(lake: SmallLake) -> None:
    """Spark stops a query, for example, if another session starts the same one."""

    def stop_query(_: Batch) -> None:
        for query in lake.spark.streams.active:
            query.stop()

    run = Run(lake.settings, available_now=False, on_batch=stop_query)
    message = "the query process ended, and Spark reports no cause. See its log and start again"
    with pytest.raises(EventLakeError, match=message):
        run.start([Query.PROCESS])
    assert lake.stored() == ["a"]


def test_an_error_of_java_is_one_line_with_the_message_of_java(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stacks of Spark, Python and py4j around it are left out."""
    assert lake.spark._jvm is not None
    java_class = lake.spark._jvm.java.lang.Class
    monkeypatch.setattr(WriterFence, "append", lambda *_: java_class.forName("no.such.Class"))
    with pytest.raises(EventLakeError, match=r"^java.lang.ClassNotFoundException: no.such.Class$"):
        lake.process()
