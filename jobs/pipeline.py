"""The way of one record from top to bottom: THE ordered list of steps.

    raw ──> unpacked ──> deduplicated ──> foreachBatch: sink_steps ──> events, quarantine

1. `unpacked` takes the events out of records that hold them in another form.
2. `parsed_and_validated` depends on one event and the rules alone, so `replay` and `rebuild` use it
   as well.
3. `deduplicated` adds the clock, and lets each event pass the state once.
4. `sink_steps` compare a batch with the tables, then split and append it.
5. `events` and `quarantine` derive the columns of the tables. What can be derived from columns that
   a row has already is derived here, after the shuffles.
"""

from collections.abc import Sequence

from jobs.checkpoints import StateCoverage
from jobs.config import Settings
from jobs.lake import Tables, WriterFence, stored_event_names
from jobs.sinks import (
    BatchStep,
    EventNameLimit,
    split_and_append,
    without_processed_positions,
    without_replayed_duplicates,
    without_stored_duplicates,
)
from transforms.compose import Transform, compose
from transforms.deduplication import (
    with_clock,
    with_lookup_need,
    with_own_position,
    without_recent_duplicates,
)
from transforms.enrichment import field_roots, with_event_parts, with_fields, with_lateness
from transforms.parsing import (
    with_canonical_uuid,
    with_created_datetime,
    with_parsed_json,
    with_times,
)
from transforms.table_rows import as_events, as_quarantine, without_unstored_columns
from transforms.unpacking import with_unpacked_events, with_unpacking_faults
from transforms.validation import with_reasons


def unpacked(settings: Settings) -> Transform:
    """Make one row of each event in a record: raw rows in, raw rows with unpacking_fault out."""
    return with_unpacked_events(settings.format.record_format)


def parsed_and_validated(settings: Settings) -> Transform:
    """Read each event, and find every reason against it: unpacked rows in, with reasons out."""
    return compose(
        with_parsed_json(
            field_roots(settings.fields),
            settings.checks.max_record_bytes,
            paths=settings.format.paths,
        ),
        with_unpacking_faults,
        *([with_canonical_uuid] if settings.once.canonical_uuid else []),
        with_times(),
        with_reasons(settings.limits),
        with_fields(settings.fields),
        with_lateness(settings.once.window),
    )


def deduplicated(settings: Settings, coverage: StateCoverage) -> Transform:
    """Let each event pass once: unpacked rows in, the rows that pass the state out."""
    window, max_future = settings.once.window, settings.once.max_future
    return compose(
        with_clock(coverage.clock_floor),
        parsed_and_validated(settings),
        without_unstored_columns,
        with_lookup_need(window, max_future, coverage.generation.covered_since),
        with_own_position,
        without_recent_duplicates(window),
    )


def sink_steps(
    settings: Settings, tables: Tables, fence: WriterFence, in_doubt: int | None
) -> tuple[BatchStep, ...]:
    """What the sink of `process` does with each batch that passed the state, in this order.

    Args:
        in_doubt: the batch that an earlier run planned and may have written in part.
    """
    names = stored_event_names(fence.spark, tables.events)
    return (
        without_processed_positions(tables, in_doubt),
        without_replayed_duplicates,
        EventNameLimit(names, settings.checks.max_event_names),
        without_stored_duplicates(tables.events),
        split_and_append(
            tables,
            fence,
            events(settings),
            quarantine,
            sets_aside=settings.process.set_aside_unwritable,
        ),
    )


def events(settings: Settings, extra: Sequence[str] = ()) -> Transform:
    """Make rows of the events table from accepted rows. The columns `extra` stay at the end."""
    return compose(
        with_created_datetime,
        with_event_parts(settings.events.subtype),
        as_events(settings.fields, extra=extra),
    )


quarantine: Transform = as_quarantine
"""Make rows of the quarantine table from rejected rows."""
