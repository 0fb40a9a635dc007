"""Five records of every kind, and the batches that took them in."""

from jobs.config import Query
from jobs.generator import Record, Tally
from jobs.metrics import Batch
from jobs.sinks import BatchCounts

INGESTED = Batch(query=Query.INGEST, number=0, records=5, seconds=1.0)
PROCESSED = Batch(
    query=Query.PROCESS,
    number=0,
    records=5,
    seconds=1.0,
    counts=BatchCounts(batch=0, stored=2, late=1, looked_up=1, late_duplicates=1, quarantined=1),
    duplicates=1,
)


def five_records() -> Tally:
    """Two events, one of them late, two duplicates and a broken record."""
    tally = Tally()
    tally.add([Record("k", b"", "event"), Record("k", b"", "late")])
    tally.add(
        [
            Record("k", b"", "duplicate", "same bytes"),
            Record("k", b"", "duplicate", "other payload"),
        ]
    )
    tally.add([Record("k", b"", "broken", "nothing")])
    return tally
