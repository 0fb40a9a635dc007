"""What the demo tells in the end: what was put against what the tables hold, and a query."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit.report import Report
from jobs.generator.traffic import Tally
from jobs.lake.tables import Table
from transforms.columns import ARRIVED_AT, CREATED_AT, EVENT_DATE, EVENT_NAME

_LATE = timedelta(minutes=30)


@dataclass(frozen=True)
class Count:
    """A number that the generator knows, and the same number as the tables have it."""

    name: str
    put: int
    found: int

    @property
    def agrees(self) -> bool:
        """True where both are the same."""
        return self.put == self.found

    def __str__(self) -> str:
        """`  in the raw table                60,000     60,000   ok`"""
        verdict = "ok" if self.agrees else "DIFFERS"
        return f"  {self.name:<44}{self.put:>12,}{self.found:>12,}   {verdict}"


def counts(tally: Tally, report: Report, late: int) -> list[Count]:
    """Everything that must agree."""
    reasons = sorted(
        tally.reasons.keys() | report.reasons.keys(),
        key=lambda reason: (-tally.reasons.get(reason, 0), reason),
    )
    return [
        Count("records, in raw byte for byte", tally.of(), report.raw),
        Count("events, each identity once", tally.identities, report.stored),
        Count("  of them hours or days late", tally.of("late"), late),
        Count("twins, left out", tally.of("twin"), report.twins),
        Count("broken, in quarantine with the reason", tally.of("broken"), report.quarantined),
        *(
            Count(f"  {reason}", tally.reasons.get(reason, 0), report.reasons.get(reason, 0))
            for reason in reasons
        ),
    ]


def late_events(events: DataFrame) -> int:
    """How many events arrived long after they were created."""
    delay = F.unix_micros(ARRIVED_AT) - F.unix_micros(CREATED_AT)
    return events.where(delay > _LATE // timedelta(microseconds=1)).count()


def sample_query(spark: SparkSession, events: Table) -> Iterator[str]:
    """A question that analysts ask, its answer, and how little of the table it read."""
    name, date = _a_busy_partition(events.read(spark))
    query = (
        "SELECT platform, count(*) AS events, sum(amount) AS amount\n"
        "FROM {table}\n"
        f"WHERE event_name = '{name}' AND event_date = '{date}'\n"
        "GROUP BY platform ORDER BY platform"
    )
    answer = spark.sql(query.replace("{table}", f"delta.`{events.path}`"))
    yield from (f"  {line}" for line in query.replace("{table}", "events").splitlines())
    yield ""
    yield from _table(answer)
    read, all_files = answer.inputFiles(), events.read(spark).inputFiles()
    yield (
        f"  read {_partitions(read):,} of {_partitions(all_files):,} partitions, "
        f"{len(read):,} of {len(all_files):,} files"
    )


def _a_busy_partition(events: DataFrame) -> tuple[str, str]:
    """The name and date of most payments, for they have amounts; of most events without any."""
    partition = (
        events.groupBy(EVENT_NAME, F.col(EVENT_DATE).cast("string").alias(EVENT_DATE))
        .count()
        .orderBy(F.col(EVENT_NAME).startswith("payment:").desc(), F.desc("count"))
        .first()
    )
    return (partition[EVENT_NAME], partition[EVENT_DATE]) if partition else ("", "2000-01-01")


def _table(answer: DataFrame) -> Iterator[str]:
    rows = [["" if value is None else str(value) for value in row] for row in answer.collect()]
    columns = list(zip(answer.columns, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {row[0]:<{widths[0]}}   {'   '.join(cells)}"


def _partitions(files: list[str]) -> int:
    return len({PurePosixPath(file).parent for file in files})
