"""The time at which the events of these tests are created, and what several tests read."""

from collections.abc import Sequence
from datetime import UTC, datetime

from jobs.audit import Sample

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EPOCH = 1767323045  # CREATED


def numbers(samples: Sequence[Sample]) -> list[str | None]:
    """The sequence numbers of the samples."""
    return [each.sequence_number for each in samples]
