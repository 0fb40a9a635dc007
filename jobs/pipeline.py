"""The way of one record, top to bottom: THE ordered list of steps."""

from jobs.checkpoint import Cover
from jobs.settings import Settings
from transforms.checks import with_reasons
from transforms.compose import Transform, compose
from transforms.fields import field_roots, with_fields
from transforms.names import with_event_parts
from transforms.once import once_within, with_clock, with_identity, with_lateness
from transforms.parse import parsed, without_json
from transforms.times import with_times


def pipeline(settings: Settings, cover: Cover) -> Transform:
    """Raw records in, outcomes out: sound events, and rejected records with reasons; each once."""
    window, max_future = settings.once.window, settings.once.max_future
    return compose(
        with_clock(cover.clock_floor),
        parsed(field_roots(settings.fields), settings.checks.max_record_bytes),
        with_times(),
        with_reasons(settings.limits),
        with_event_parts(settings.events.subtype),
        with_fields(settings.fields),
        without_json,
        with_identity,
        once_within(window),
        with_lateness(window, max_future, cover.generation.covered_since),
    )
