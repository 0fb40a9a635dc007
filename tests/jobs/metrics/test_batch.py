"""A finished batch conserves its records, and is logged in one line."""

import pytest

from jobs.config import Query
from jobs.metrics.batch import Batch
from jobs.sinks import BatchCounts

COUNTS = BatchCounts(batch=7, stored=80, late=9, looked_up=8, late_duplicates=3, quarantined=4)


def test_a_batch_that_the_sink_has_not_reported_does_not_conserve_its_records() -> None:
    """A missing report is no proof that nothing is lost. `ingest` has no such report."""
    assert not Batch(query=Query.PROCESS, number=0, records=5, seconds=1.0).conserves
    assert Batch(query=Query.PROCESS, number=0, records=0, seconds=1.0).conserves
    assert Batch(query=Query.INGEST, number=0, records=5, seconds=1.0).conserves


@pytest.mark.parametrize(("records", "conserves"), [(89, True), (88, False), (90, False)])
def test_records_are_stored_quarantined_or_duplicates(records: int, conserves: bool) -> None:
    """`late` and `looked_up` describe some of these records, and are not added."""
    batch = Batch(Query.PROCESS, 7, records, seconds=1.0, counts=COUNTS, duplicates=2)
    assert batch.conserves is conserves


def test_a_batch_is_one_line_of_key_value_pairs() -> None:
    """With the number of records for each second, and without facts that the query lacks."""
    ingest = Batch(Query.INGEST, 12, 40_000, seconds=3.14, lag_seconds=0.84)
    assert str(ingest) == (
        "query=ingest batch=12 records=40000 seconds=3.1 records_per_second=12739 lag_seconds=0.8"
    )
    process = Batch(Query.PROCESS, 7, 89, seconds=0.0, counts=COUNTS, duplicates=2)
    assert str(process) == (
        "query=process batch=7 records=89 stored=80 duplicates=2 late_duplicates=3 late=9 "
        "looked_up=8 quarantined=4 seconds=0.0 records_per_second=0"
    )
