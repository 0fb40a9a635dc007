"""Command `replay`: bring quarantined records to the events, after a fix of settings or code.

A record that today's rules accept is appended to raw once more, as its next attempt, and goes the
normal way from there. What they reject again stays where it is; so does its first rejection.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.cli import options as dates
from jobs.config import loader as config
from jobs.config.settings import Settings
from jobs.dataframes.hash_joins import kept
from jobs.lake import concurrency as single_writer
from jobs.lake.delta_log import pinned, stored_names
from jobs.lake.tables import Tables, tables
from jobs.replay.commit import Commit
from jobs.replay.report import Report
from jobs.reporting.reasons import count_reasons
from jobs.runtime import session
from jobs.runtime.spark_errors import explained
from jobs.sinks.event_name_limit import KnownNames
from transforms.columns import CREATED_AT, EVENT_NAME, REASONS
from transforms.compose import Transform
from transforms.deduplication import is_accepted
from transforms.quarantine import Choice, only_chosen, without_replayed
from transforms.table_rows import as_next_attempt, raw_columns

_OUTCOME = "outcome"
_ACCEPTED, _REJECTED, _TOO_YOUNG = "accepted", "rejected", "too_young"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only `replay` takes."""
    parser.add_argument(
        "--reason",
        action="append",
        default=[],
        dest="reasons",
        metavar="CODE",
        help="only records that were rejected for it; may be repeated",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        dest="names",
        metavar="EVENT_NAME",
        help="only records of this event; may be repeated",
    )
    dates.add_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="write nothing, and tell the same")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    single_writer.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replay, and print what became of the records.

    Raises:
        ConfigError: a setting cannot be, --from is after --to, or the lake is on S3 and may have
            another writer.
        LakeError: a table is missing or cannot be written, or another replay came between.
    """
    settings = config.load(arguments.config, arguments.overrides)
    dates.require_order(arguments)
    choice = Choice(
        reasons=arguments.reasons,
        names=arguments.names,
        first=arguments.first,
        last=arguments.last,
    )
    spark = session.build(settings)
    if not arguments.dry_run:
        single_writer.require_single_writer(spark, settings, arguments.stopped)
    with explained():
        lake = tables(settings.lake, settings.fields)
        report = replay(spark, settings, lake, choice, dry_run=arguments.dry_run, say=_say)
    print(report.to_json() if arguments.json else "\n".join(report.lines()))
    return 0


def replay(
    spark: SparkSession,
    settings: Settings,
    tables: Tables,
    choice: Choice,
    *,
    dry_run: bool,
    say: Callable[[str], None],
) -> Report:
    """Append to raw what is chosen from quarantine and is accepted by the rules of `settings`.

    Args:
        say: is told what is being done, on the driver.

    Raises:
        LakeError: a table is missing, or another replay came between.
    """
    commit = Commit(spark, tables.raw)
    say("looking for the records in quarantine")
    quarantine, _ = pinned(spark, tables.quarantine)
    raw, _ = pinned(spark, tables.raw)
    chosen = quarantine.transform(only_chosen(choice))
    found = chosen.count()
    due = chosen.transform(without_replayed(raw, quarantine))
    patience = 1.5 * settings.once.window
    verdicts = (
        due.transform(as_next_attempt(commit.ingested_at))
        .transform(pipeline.judged(settings))
        .withColumn(_OUTCOME, _outcome(commit.ingested_at - patience))
        .select(*raw_columns(), REASONS, EVENT_NAME, _OUTCOME)
    )
    say(f"judging what of {found:,} records was not replayed before, by today's rules")
    with kept(verdicts):
        known = KnownNames(stored_names(spark, tables.events), settings.checks.max_event_names)
        rows = verdicts.transform(_with_room(_names(verdicts), known))
        counts, reasons = _counts(rows), count_reasons(rows)
        accepted = counts.get(_ACCEPTED, 0)
        appended = 0
        if accepted and not dry_run:
            say(f"appending {accepted:,} records to {tables.raw.path}")
            is_accepted_now = F.col(_OUTCOME) == _ACCEPTED
            appended = commit.append(rows.where(is_accepted_now).select(*raw_columns()), accepted)
    return Report(
        choice=choice,
        dry_run=dry_run,
        found=found,
        replayed_before=found - sum(counts.values()),
        accepted=accepted,
        too_young=counts.get(_TOO_YOUNG, 0),
        patience=patience,
        rejected=counts.get(_REJECTED, 0),
        reasons=reasons,
        appended=appended,
        present={} if found else count_reasons(quarantine.transform(only_chosen(choice.by_date()))),
    )


def _outcome(young_from: datetime) -> Column:
    """An event younger than the window goes by the state of `process`, which may know it already:
    it was refused behind the state for its name, or an earlier checkpoint was lost. An older one
    is late, and the table alone answers for it. The clocks of two machines may differ by half a
    window, so that much is added.
    """
    is_too_young = F.col(CREATED_AT) > F.lit(young_from)
    return (
        F.when(~is_accepted(), _REJECTED).when(is_too_young, _TOO_YOUNG).otherwise(F.lit(_ACCEPTED))
    )


def _with_room(names: set[str], known: KnownNames) -> Transform:
    """Refuse what `process` would refuse for its name, as the table is now."""
    with_room = sorted(names - known.surplus(names))
    is_refused = (F.col(_OUTCOME) == _ACCEPTED) & ~F.col(EVENT_NAME).isin(with_room)
    refusal = F.array(F.lit("too_many_event_names"))

    def apply(verdicts: DataFrame) -> DataFrame:
        return verdicts.withColumns(
            {
                _OUTCOME: F.when(is_refused, _REJECTED).otherwise(F.col(_OUTCOME)),
                REASONS: F.when(is_refused, refusal).otherwise(F.col(REASONS)),
            }
        )

    return apply


def _names(verdicts: DataFrame) -> set[str]:
    rows = verdicts.where(F.col(_OUTCOME) == _ACCEPTED).select(EVENT_NAME).distinct().collect()
    return {row[0] for row in rows}


def _counts(rows: DataFrame) -> dict[str, int]:
    return {row[0]: row[1] for row in rows.groupBy(_OUTCOME).count().collect()}


def _say(text: str) -> None:
    # Beside the report: with --json, standard output is one JSON object.
    print(f"replay: {text}", file=sys.stderr, flush=True)
