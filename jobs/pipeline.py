"""The way of one record, top to bottom: THE ordered list of steps.

`outcomes` tells events from rejected records and lets each through once; `events` and `quarantine`
make of an outcome what the table keeps. What can be derived from columns that an outcome has is
derived in `events`, so that it does not travel between executors.
"""

from collections.abc import Sequence

from jobs.checkpoints.checkpoint import Cover
from jobs.config.settings import Settings
from transforms.compose import Transform, compose
from transforms.deduplication import once_within, with_clock, with_lateness, with_own_position
from transforms.enrichment.event_names import with_event_parts
from transforms.enrichment.promoted_fields import field_roots, with_fields
from transforms.parsing.records import parsed
from transforms.parsing.timestamps import with_created_datetime, with_times
from transforms.table_rows import as_events, as_outcomes, as_quarantine
from transforms.validation.checks import with_reasons


def judged(settings: Settings) -> Transform:
    """What each record says, and the reasons against it; no clock, no state, no other record."""
    return compose(
        parsed(field_roots(settings.fields), settings.checks.max_record_bytes),
        with_times(),
        with_reasons(settings.limits),
        with_fields(settings.fields),
    )


def outcomes(settings: Settings, cover: Cover) -> Transform:
    """Raw records in, outcomes out: sound events, and rejected records with reasons; each once."""
    window, max_future = settings.once.window, settings.once.max_future
    return compose(
        with_clock(cover.clock_floor),
        judged(settings),
        as_outcomes,
        with_lateness(window, max_future, cover.generation.covered_since),
        with_own_position,
        once_within(window),
    )


def events(settings: Settings, beside: Sequence[str] = ()) -> Transform:
    """Outcomes without reasons in, rows of the events table out, with the columns `beside` them."""
    return compose(
        with_created_datetime,
        with_event_parts(settings.events.subtype),
        as_events(settings.fields, beside=beside),
    )


quarantine: Transform = as_quarantine
"""Outcomes with reasons in, rows of the quarantine table out."""
