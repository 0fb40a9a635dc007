"""Verify the tables against each other: the entry of the audit.

Every record in raw is exactly one of: an event; a duplicate, whose identity an event from another
record has; quarantined; not processed yet. Events and quarantine contain nothing else, and what
they contain agrees with raw's bytes. No step of the pipeline is used to verify it.

    tables ──> snapshot ──> reconciliation ──> suspects ──> violations, duplicates ──> report

1. `snapshot` pins one version of each table, and cuts it to the ingest dates.
2. `reconciliation` brings the tables together in one shuffle, and counts each position by its hash.
3. `suspects` clears what is in order, and the duplicates of stored events. Most rows end here.
4. `violations` compares the remaining positions row by row, and names what is wrong with each.
5. `duplicates` searches whole tables for the identities of records that are in raw alone. Those
   that it does not find are lost.
6. `report` has the number of records of each outcome, and a sample of the rows of each violation.

`reference_parser` reads the bytes for 2 and 4, and `derived` the columns that follow from them.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit.duplicates import (
    duplicates_of_stored,
    events_of_same_dates,
    only_processed,
    repeated_identities,
)
from jobs.audit.reconciliation import IN_EVENTS, IN_QUARANTINE, IN_RAW, is_unaccounted
from jobs.audit.reference_parser import ReferenceParser
from jobs.audit.report import VIOLATIONS, Report, Sample, Violation
from jobs.audit.snapshot import pin_tables
from jobs.audit.suspects import find_suspects
from jobs.audit.violations import KINDS, count_by_position
from jobs.config import Format
from jobs.dataframes import count_reasons, persisted
from jobs.lake import Tables
from transforms.columns import CREATED_AT, EVENT_UUID, POSITION
from transforms.enrichment import Field

SAMPLES = 10

# The positions of one shuffle partition: they are counted within 100 MB of memory.
_ROWS_PER_PARTITION = 500_000


def verify_tables(
    spark: SparkSession,
    tables: Tables,
    first: date | None = None,
    last: date | None = None,
    *,
    fields: Sequence[Field] = (),
    checkpoint: str | None = None,
    form: Format | None = None,
    canonical_uuid: bool = False,
    samples: int = SAMPLES,
) -> Report:
    """Verify the records of the ingest dates from `first` to `last`, both inclusive.

    Args:
        fields: the promoted columns to compare with the payload.
        checkpoint: the checkpoint of `process`. Records that it has not processed are pending.
            Without a checkpoint, every record must be accounted for.
        form: what a record holds, by default one event.
        canonical_uuid: as in the settings of `once`.
        samples: the number of rows to name for each violation.

    Raises:
        CheckpointError: the checkpoint is damaged.
        LakeError: a table is missing.
    """
    form = form or Format()
    parser = ReferenceParser(form.paths, canonical_uuid)
    snapshot = pin_tables(spark, tables, first, last, checkpoint, form, parser)
    raw = snapshot.in_range.raw.count()
    partitions = max(spark.sparkContext.defaultParallelism, raw // _ROWS_PER_PARTITION + 1)
    events = events_of_same_dates(snapshot)
    with (
        find_suspects(snapshot, events, partitions, fields) as suspects,
        persisted(
            count_by_position(snapshot.in_range.only(suspects.positions), fields)
        ) as positions,
        persisted(repeated_identities(snapshot, events, suspects.shared)) as repeated,
        persisted(only_processed(positions.where(is_unaccounted()), snapshot)) as unaccounted,
        persisted(duplicates_of_stored(unaccounted, snapshot)) as duplicates,
    ):
        lost = unaccounted.join(duplicates, on=list(POSITION), how="left_anti")
        violating = {"lost": lost, "identity_twice": repeated} | _by_kind(positions)
        outcomes = _count_outcomes(positions)
        return Report(
            first=first,
            last=last,
            raw=raw,
            stored=suspects.stored + outcomes["stored"],
            duplicates=suspects.duplicates + duplicates.count(),
            quarantined=suspects.quarantined + outcomes["quarantined"],
            pending=outcomes["unaccounted"] - unaccounted.count(),
            outdated=suspects.outdated,
            reasons=count_reasons(snapshot.in_range.quarantine),
            violations=_violations(violating, samples),
        )


def _count_outcomes(positions: DataFrame) -> dict[str, int]:
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


def _violations(violating: dict[str, DataFrame], samples: int) -> tuple[Violation, ...]:
    """The violations that have rows, in the order of `VIOLATIONS`."""
    counts = {kind: violating[kind].count() for kind in VIOLATIONS if kind in violating}
    return tuple(
        Violation(kind, count, _samples(violating[kind], samples))
        for kind, count in counts.items()
        if count
    )


def _samples(rows: DataFrame, limit: int) -> tuple[Sample, ...]:
    created_at = F.date_format(CREATED_AT, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX").alias(CREATED_AT)
    first = rows.select(*POSITION, EVENT_UUID, created_at).orderBy(*POSITION).limit(limit)
    return tuple(Sample(**row.asDict()) for row in first.collect())
