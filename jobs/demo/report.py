"""The last words of the demo: what was put against what the tables contain, and a query."""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit import Report
from jobs.config import Query
from jobs.generator import Tally
from jobs.lake import Table, Tables
from transforms.columns import EVENT_DATE, EVENT_NAME, IS_LATE

_LAUNCHER = Path(__file__).parents[2] / "spark-submit.sh"


@dataclass(frozen=True)
class Count:
    """A number that the generator knows, and the same number from the tables."""

    name: str
    put: int
    found: int

    @property
    def agrees(self) -> bool:
        """True if both are equal."""
        return self.put == self.found

    def __str__(self) -> str:
        """`  records, in raw byte for byte     60,000     60,000   ok`"""
        verdict = "ok" if self.agrees else "DIFFERS"
        return f"  {self.name:<44}{self.put:>12,}{self.found:>12,}   {verdict}"


def compared(tally: Tally, report: Report, late: int) -> list[Count]:
    """Every number that must agree. `late` is the number of late events in the table."""
    reasons = sorted(
        tally.reasons.keys() | report.reasons.keys(),
        key=lambda reason: (-tally.reasons.get(reason, 0), reason),
    )
    return [
        Count("records, in raw byte for byte", tally.of(), report.raw),
        Count("events, each identity once", tally.identities, report.stored),
        Count("  of them hours or days late", tally.of("late"), late),
        Count("duplicates, left out", tally.of("duplicate"), report.duplicates),
        Count("broken, in quarantine with the reason", tally.of("broken"), report.quarantined),
        *(
            Count(f"  {reason}", tally.reasons.get(reason, 0), report.reasons.get(reason, 0))
            for reason in reasons
        ),
    ]


def late_events(events: DataFrame) -> int:
    """The number of events with is_late."""
    return events.where(IS_LATE).count()


def report_lines(
    counts: Sequence[Count], proof: Report, query: Iterable[str], tables: Tables
) -> Iterator[str]:
    """The report: the counts, the proof, the lines of a query and the paths of the tables."""
    yield f"\n  {'':44}{'put':>12}{'in the lake':>12}"
    yield from map(str, counts)
    yield (
        f"\n  {proof.raw:,} records = {proof.stored:,} stored + {proof.duplicates:,} duplicates + "
        f"{proof.quarantined:,} quarantined"
    )
    verdict = "nothing lost, nothing stored twice" if proof.is_clean else "NOT clean"
    yield f"  audit of the tables alone: {verdict}"
    if not proof.is_clean:
        yield from proof.lines()
    yield "\nA query reads only its partitions:\n"
    yield from query
    yield "\nThe tables (Delta):\n"
    for table in (tables.raw, tables.events, tables.quarantine):
        yield f"  {table.path}"


def sample_query(spark: SparkSession, events: Table) -> Iterator[str]:
    """A typical question, its answer, and how little of the table it read."""
    name, date = _busy_partition(events.read(spark))
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


def next_steps(config_file: Path) -> Iterator[str]:
    """Three commands to try next."""
    launcher, config = _as_typed(_LAUNCHER), _as_typed(config_file)
    checkpoint = _as_typed(config_file.parent / "checkpoints" / Query.PROCESS)
    yield "\nTry next:\n"
    yield f"  {launcher} audit --config {config}"
    yield "      the proof again, from the tables alone"
    yield f"  rm -r {checkpoint} && {launcher} process --once --config {config}"
    yield "      lose the checkpoint: everything is processed again, and nothing is stored twice"
    yield f"  {launcher} stream --config {_as_typed(_LAUNCHER.parent / 'conf' / 'minimal.toml')}"
    yield "      your own stream, after you have put its name there"


def _as_typed(path: Path) -> str:
    """`path` as a user would type it in this directory."""
    near = os.path.relpath(path)
    text = str(path) if near.startswith("..") else near
    return shlex.quote(f"./{text}" if path == _LAUNCHER and "/" not in text else text)


def _busy_partition(events: DataFrame) -> tuple[str, str]:
    """The name and date with most payments, which have amounts; without any, with most events."""
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
