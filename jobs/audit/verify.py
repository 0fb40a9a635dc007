"""Command `audit`: prove from the tables alone that nothing is lost and nothing is twice.

Every record in raw is exactly one of: an event; a twin, whose identity is an event's from another
record; quarantined; or not processed yet. Events and quarantine hold nothing else, and what they
hold says what raw's bytes say. No step of the pipeline is used to prove it.
"""

import argparse
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit.duplicates import comparable, due, surplus, twins
from jobs.audit.reconciliation import IN_EVENTS, IN_QUARANTINE, IN_RAW, is_unaccounted
from jobs.audit.report import BREACHES, Breach, Report, Sample
from jobs.audit.snapshot import pin
from jobs.audit.suspects import doubts
from jobs.audit.violations import KINDS, by_position
from jobs.cli import options as dates
from jobs.config import loader as config
from jobs.dataframes.hash_joins import kept
from jobs.errors import BreachError
from jobs.lake.tables import Tables, tables
from jobs.reporting.reasons import count_reasons
from jobs.runtime import session
from jobs.runtime.spark_errors import explained
from jobs.streaming import process
from transforms.columns import CREATED_AT, EVENT_UUID, POSITION

SAMPLES = 10

# Positions of one partition of the shuffle: counted within 100 MB of memory.
_ROWS_PER_PARTITION = 500_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only `audit` takes."""
    dates.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--samples",
        type=_count,
        default=SAMPLES,
        metavar="N",
        help=f"rows that are shown of each breach (default {SAMPLES})",
    )
    parser.add_argument(
        "--drained",
        action="store_true",
        help="records that `process` has not taken yet count as lost",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the report. Answers 0 when the tables are clean, else 1.

    Raises:
        ConfigError: a setting cannot be, or --from is after --to.
        LakeError: a table is missing or cannot be read.
    """
    settings = config.load(arguments.config, arguments.overrides)
    dates.require_order(arguments)
    checkpoint = settings.lake.checkpoint(process.NAME)
    spark = session.build(settings)
    with explained():
        report = prove(
            spark,
            tables(settings.lake, settings.fields),
            arguments.first,
            arguments.last,
            checkpoint=None if arguments.drained else checkpoint,
            samples=arguments.samples,
        )
    print(report.to_json() if arguments.json else "\n".join(report.lines()))
    return 0 if report.is_clean else BreachError.exit_code


def prove(
    spark: SparkSession,
    tables: Tables,
    first: date | None = None,
    last: date | None = None,
    *,
    checkpoint: str | None = None,
    samples: int = SAMPLES,
) -> Report:
    """Hold the tables against each other, for the ingest dates from `first` to `last`.

    Args:
        checkpoint: that of `process`: what it has not taken yet is pending. Without it, every
            record must be accounted for.
        samples: how many rows each breach names.

    Raises:
        LakeError: a table is missing, or the checkpoint cannot be understood.
    """
    snapshot = pin(spark, tables, first, last, checkpoint)
    raw = snapshot.within.raw.count()
    partitions = max(spark.sparkContext.defaultParallelism, raw // _ROWS_PER_PARTITION + 1)
    events = comparable(snapshot)
    with (
        doubts(snapshot, events, partitions) as doubtful,
        kept(by_position(snapshot.within.only(doubtful.positions))) as positions,
        kept(surplus(snapshot, events, doubtful.shared)) as repeated,
        kept(due(positions.where(is_unaccounted()), snapshot)) as missing,
        kept(twins(missing, snapshot)) as others,
    ):
        lost = missing.join(others, on=list(POSITION), how="left_anti")
        found = {"lost": lost, "identity_twice": repeated} | _by_kind(positions)
        outcomes = _outcomes(positions)
        return Report(
            first=first,
            last=last,
            raw=raw,
            stored=doubtful.stored + outcomes["stored"],
            twins=doubtful.twins + others.count(),
            quarantined=doubtful.quarantined + outcomes["quarantined"],
            pending=outcomes["unaccounted"] - missing.count(),
            reasons=count_reasons(snapshot.within.quarantine),
            breaches=_breaches(found, samples),
        )


def _outcomes(positions: DataFrame) -> dict[str, int]:
    in_raw = F.col(IN_RAW) > 0
    outcomes = {
        "stored": in_raw & (F.col(IN_EVENTS) > 0),
        "quarantined": in_raw & (F.col(IN_EVENTS) == 0) & (F.col(IN_QUARANTINE) > 0),
        "unaccounted": is_unaccounted(),
    }
    counts = positions.agg(*(F.count_if(is_so).alias(name) for name, is_so in outcomes.items()))
    return counts.collect()[0].asDict()


def _by_kind(positions: DataFrame) -> dict[str, DataFrame]:
    kinds = [row[0] for row in positions.select(F.explode(KINDS)).distinct().collect()]
    return {kind: positions.where(F.array_contains(KINDS, kind)) for kind in kinds}


def _breaches(found: dict[str, DataFrame], samples: int) -> tuple[Breach, ...]:
    """The kinds of which there are rows, in the order of `BREACHES`."""
    counts = {kind: found[kind].count() for kind in BREACHES if kind in found}
    return tuple(
        Breach(kind, count, _samples(found[kind], samples))
        for kind, count in counts.items()
        if count
    )


def _samples(rows: DataFrame, most: int) -> tuple[Sample, ...]:
    created_at = F.date_format(CREATED_AT, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX").alias(CREATED_AT)
    some = rows.select(*POSITION, EVENT_UUID, created_at).orderBy(*POSITION).limit(most)
    return tuple(Sample(**row.asDict()) for row in some.collect())


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a number of rows, but got {text!r}")
    return int(text)
