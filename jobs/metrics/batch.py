"""A finished batch as one object and as one log line.

    query=ingest batch=12 records=40000 seconds=3.1 records_per_second=12903 lag_seconds=0.8
    query=process batch=7 records=40000 stored=37620 duplicates=1984 late_duplicates=12 ...

`records = stored + duplicates + late_duplicates + quarantined` holds for each batch of `process`.
"""

from dataclasses import dataclass

from jobs.config import Query
from jobs.sinks import BatchCounts


@dataclass(frozen=True)
class Batch:
    """A finished batch of either query.

    duplicates: records that the state of `process` has dropped
    counts:     what the sink of `process` reported
    """

    query: Query
    number: int
    records: int
    seconds: float
    lag_seconds: float | None = None
    counts: BatchCounts | None = None
    duplicates: int = 0

    @property
    def conserves(self) -> bool:
        """True if every record that was read is accounted for."""
        if self.query == Query.INGEST:
            return True
        if self.counts is None:  # the sink has not reported the batch
            return self.records == 0
        counts = self.counts
        kept = counts.stored + counts.late_duplicates + counts.quarantined
        return self.records == kept + self.duplicates

    def __str__(self) -> str:
        facts: dict[str, object] = {
            "query": self.query,
            "batch": self.number,
            "records": self.records,
        }
        if self.counts is not None:
            facts |= {
                "stored": self.counts.stored,
                "duplicates": self.duplicates,
                "late_duplicates": self.counts.late_duplicates,
                "late": self.counts.late,
                "looked_up": self.counts.looked_up,
                "quarantined": self.counts.quarantined,
            }
        facts["seconds"] = round(self.seconds, 1)
        facts["records_per_second"] = round(self.records / self.seconds) if self.seconds else 0
        if self.lag_seconds is not None:
            facts["lag_seconds"] = round(self.lag_seconds, 1)
        return " ".join(f"{name}={fact}" for name, fact in facts.items())
