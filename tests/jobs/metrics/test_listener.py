"""Spark's progress events become batches, each once, and their records are checked."""

import logging
from typing import Any

import pytest
from pyspark.sql.streaming.listener import StreamingQueryProgress

from jobs.config import Query
from jobs.metrics.batch import Batch
from jobs.metrics.listener import BatchListener
from jobs.sinks import BatchCounts
from jobs.sources.kinesis.offset import Offset, Position, State

RUN_ID = "00000000-0000-0000-0000-000000000001"


def progress(
    query: str,
    batch: int,
    records: int | None,
    *,
    duplicates: int = 0,
    dropped: int = 0,
    end_offset: object = None,
) -> StreamingQueryProgress:
    """What Spark reports of a batch, with the members that the listener reads."""
    state: dict[str, Any] = {
        "operatorName": "dedupeWithinWatermark",
        "numRowsTotal": 0,
        "numRowsUpdated": 0,
        "numRowsRemoved": 0,
        "allUpdatesTimeMs": 0,
        "allRemovalsTimeMs": 0,
        "commitTimeMs": 0,
        "memoryUsedBytes": 0,
        "numRowsDroppedByWatermark": dropped,
        "numShufflePartitions": 1,
        "numStateStoreInstances": 1,
        "customMetrics": {"numDroppedDuplicateRows": duplicates},
    }
    source = {
        "description": "source",
        "startOffset": None,
        "endOffset": end_offset,
        "latestOffset": None,
        "numInputRows": 0,
        "inputRowsPerSecond": 0.0,
        "processedRowsPerSecond": 0.0,
        "metrics": {},
    }
    return StreamingQueryProgress.fromJson(
        {
            "id": RUN_ID,
            "runId": RUN_ID,
            "name": query,
            "timestamp": "2026-01-01T00:00:00.000Z",
            "batchId": batch,
            "batchDuration": 2000,
            "durationMs": {"triggerExecution": 2000},
            "eventTime": {},
            "stateOperators": [state],
            "sources": [source],
            "sink": {"description": "sink", "numOutputRows": -1, "metrics": {}},
            "numInputRows": 0,
            "inputRowsPerSecond": 0.0,
            "processedRowsPerSecond": 0.0,
            "observedMetrics": {} if records is None else {query: {"records": records}},
        }
    )


class Heard:
    """A listener, with the batches and the violations that it passed on."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.violations: list[str] = []
        self.listener = BatchListener(self.batches.append, self.violations.append)


def counts(batch: int, stored: int) -> BatchCounts:
    return BatchCounts(batch, stored, late=0, looked_up=0, late_duplicates=0, quarantined=0)


def test_a_batch_of_process_has_the_counts_of_its_sink(caplog: pytest.LogCaptureFixture) -> None:
    """Spark and `recentProgress` report it twice; it is logged and passed on once."""
    heard = Heard()
    heard.listener.keep(counts(3, stored=8))
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            heard.listener.take(progress("process", 3, records=10, duplicates=2))
    expected = Batch(
        Query.PROCESS, 3, records=10, seconds=2.0, counts=counts(3, stored=8), duplicates=2
    )
    assert (heard.batches, heard.violations) == ([expected], [])
    assert caplog.messages == [str(expected)]


def test_a_batch_of_ingest_has_the_lag_of_the_slowest_shard() -> None:
    """It is in the offset that the source returned."""
    heard = Heard()
    offset = Offset(
        as_of_ms=0,
        shards={
            "s1": Position(State.TRIM_HORIZON, millis_behind_latest=250),
            "s2": Position(State.TRIM_HORIZON, millis_behind_latest=1500),
        },
    )
    heard.listener.take(progress("ingest", 0, records=5, end_offset=offset.to_json()))
    heard.listener.take(progress("ingest", 1, records=5))
    assert [(batch.query, batch.lag_seconds) for batch in heard.batches] == [
        (Query.INGEST, 1.5),
        (Query.INGEST, None),
    ]


def test_records_that_are_unaccounted_for_are_a_violation() -> None:
    """The batch is passed on as well."""
    heard = Heard()
    heard.listener.keep(counts(3, stored=7))
    heard.listener.take(progress("process", 3, records=10, duplicates=2))
    [violation] = heard.violations
    assert violation.startswith("a batch does not conserve its records: query=process batch=3")
    assert len(heard.batches) == 1


def test_rows_that_spark_dropped_by_its_watermark_are_a_violation() -> None:
    """The clock of `process` must never let that happen."""
    heard = Heard()
    heard.listener.keep(counts(3, stored=10))
    heard.listener.take(progress("process", 3, records=10, dropped=1))
    [violation] = heard.violations
    assert violation.startswith("Spark dropped 1 rows by its watermark: query=process batch=3")


def test_batches_without_records_and_other_queries_are_ignored() -> None:
    """They are neither logged nor passed on."""
    heard = Heard()
    for each in (
        progress("process", 0, records=0),
        progress("process", 1, records=None),
        progress("ingest", 0, records=0),
        progress("of somebody else", 0, records=9),
    ):
        heard.listener.take(each)
    assert (heard.batches, heard.violations) == ([], [])
