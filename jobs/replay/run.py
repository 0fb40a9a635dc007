"""Replay quarantined records after a fix of settings or code: the entry of the room.

    quarantine ──> run: selected, validated ──> commit ──> raw ──> `process` ──> events

1. The filter selects rows of quarantine. Records that were replayed before are left out.
2. The other records are validated with the current rules, as their next attempt.
3. `commit` appends the accepted ones to raw, in one commit. `process` reads them from there like
   every other record.
4. `report` has the number of records of each outcome, and what to do next.

Records that are rejected again are not appended. The row of the first rejection stays in quarantine
in any case.
"""

from collections.abc import Callable
from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.config import Settings
from jobs.dataframes import count_reasons, persisted
from jobs.lake import NO_LEASE, AnyLease, Tables, pinned, stored_event_names
from jobs.replay.commit import Commit
from jobs.replay.report import Report
from jobs.sinks import EventNameLimit
from transforms.columns import CREATED_AT, EVENT_NAME, REASONS, RECORD_INDEX, RECORD_POSITION
from transforms.compose import Transform
from transforms.deduplication import is_accepted
from transforms.quarantine_filter import QuarantineFilter, only_matching, without_replayed
from transforms.table_rows import as_next_attempt, raw_columns

_OUTCOME = "outcome"
_REPLAYED_INDEX = "replayed_index"
_ACCEPTED, _REJECTED, _TOO_YOUNG = "accepted", "rejected", "too_young"


def replay(
    spark: SparkSession,
    settings: Settings,
    tables: Tables,
    selection: QuarantineFilter,
    *,
    dry_run: bool,
    say: Callable[[str], None],
    lease: AnyLease = NO_LEASE,
) -> Report:
    """Append to raw the records of `selection` that the rules of `settings` accept.

    Args:
        selection: the rows of quarantine to replay.
        dry_run: count only, and append nothing.
        say: receives a line of text before each step, on the driver.
        lease: that of the lake; the commit waits for it.

    Raises:
        LakeError: a table is missing, or another replay committed meanwhile.
    """
    commit = Commit(spark, tables.raw)
    say("reading quarantine")
    quarantine, _ = pinned(spark, tables.quarantine)
    raw, _ = pinned(spark, tables.raw)
    selected = quarantine.transform(only_matching(selection))
    found = selected.count()
    patience = 1.5 * settings.once.window
    records = selected.transform(without_replayed(raw, quarantine)).transform(
        as_next_attempt(commit.ingested_at)
    )
    validated = (
        records.withColumn(_REPLAYED_INDEX, F.col(RECORD_INDEX))
        .transform(pipeline.unpacked(settings))
        .transform(pipeline.parsed_and_validated(settings))
        .withColumn(_OUTCOME, _outcome(young_after=commit.ingested_at - patience))
        .select(*raw_columns(), REASONS, EVENT_NAME, _REPLAYED_INDEX, _OUTCOME)
    )
    say(f"validating those of {found:,} records that were not replayed before")
    with persisted(validated):
        limit = EventNameLimit(
            stored_event_names(spark, tables.events), settings.checks.max_event_names
        )
        rows = validated.transform(_with_surplus_names_rejected(_accepted_names(validated), limit))
        counts, reasons = _count_outcomes(rows), count_reasons(rows)
        accepted = counts.get(_ACCEPTED, 0)
        appended = 0
        if accepted and not dry_run:
            say(f"appending {accepted:,} records to {tables.raw.path}")
            is_plain = settings.format.record_format.is_plain
            to_append = _accepted(rows) if is_plain else records.transform(_with_accepted(rows))
            with lease.held():
                # An earlier version may have created the table, with fewer columns.
                tables.raw.create(spark)
                lease.require()
                appended = commit.append(to_append, accepted)
    return Report(
        selection=selection,
        dry_run=dry_run,
        found=found,
        replayed_before=found - sum(counts.values()),
        accepted=accepted,
        too_young=counts.get(_TOO_YOUNG, 0),
        patience=patience,
        rejected=counts.get(_REJECTED, 0),
        reasons=reasons,
        appended=appended,
        present={}
        if found
        else count_reasons(quarantine.transform(only_matching(selection.by_date()))),
    )


def _outcome(young_after: datetime) -> Column:
    """`accepted`, `rejected`, or `too_young` for an accepted event created after `young_after`.

    `process` decides about an event that is younger than the window by its state, which may contain
    the identity of the first attempt: if the event was rejected for its name, after the state, or
    if an earlier checkpoint was lost. An older event is looked up in the table. Half a window is
    added to the age because the clocks of two machines may differ.
    """
    is_too_young = F.col(CREATED_AT) > F.lit(young_after)
    return (
        F.when(~is_accepted(), _REJECTED).when(is_too_young, _TOO_YOUNG).otherwise(F.lit(_ACCEPTED))
    )


def _with_surplus_names_rejected(names: set[str], limit: EventNameLimit) -> Transform:
    """Reject the events that `process` would reject for their name, with the table as it is now."""
    within_limit = sorted(names - limit.surplus(names))
    is_surplus = (F.col(_OUTCOME) == _ACCEPTED) & ~F.col(EVENT_NAME).isin(within_limit)
    reasons = F.array(F.lit("too_many_event_names"))

    def apply(validated: DataFrame) -> DataFrame:
        return validated.withColumns(
            {
                _OUTCOME: F.when(is_surplus, _REJECTED).otherwise(F.col(_OUTCOME)),
                REASONS: F.when(is_surplus, reasons).otherwise(F.col(REASONS)),
            }
        )

    return apply


def _accepted(rows: DataFrame) -> DataFrame:
    return rows.where(F.col(_OUTCOME) == _ACCEPTED).select(*raw_columns())


def _with_accepted(rows: DataFrame) -> Transform:
    """Keep the records that hold an accepted event, and none that is too young.

    A record is replayed as a whole, as it was rejected. `process` takes it apart again.
    """
    key = [*RECORD_POSITION, RECORD_INDEX]
    chosen = (
        rows.groupBy(*RECORD_POSITION, F.col(_REPLAYED_INDEX).alias(RECORD_INDEX))
        .agg(*(F.bool_or(F.col(_OUTCOME) == each).alias(each) for each in (_ACCEPTED, _TOO_YOUNG)))
        .where(F.col(_ACCEPTED) & ~F.col(_TOO_YOUNG))
        .select(*key)
    )

    def apply(records: DataFrame) -> DataFrame:
        return records.join(chosen, on=key, how="left_semi").select(*raw_columns())

    return apply


def _accepted_names(validated: DataFrame) -> set[str]:
    rows = validated.where(F.col(_OUTCOME) == _ACCEPTED).select(EVENT_NAME).distinct().collect()
    return {row[0] for row in rows}


def _count_outcomes(rows: DataFrame) -> dict[str, int]:
    return {row[0]: row[1] for row in rows.groupBy(_OUTCOME).count().collect()}
