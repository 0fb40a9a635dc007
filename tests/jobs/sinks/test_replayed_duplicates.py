"""The state does not compare replayed events by identity, so their batch must."""

from pyspark.sql import SparkSession

from jobs.sinks.replayed_duplicates import without_replayed_duplicates
from tests.jobs.sinks.rows import NOON, batch_of, numbers, row


def test_the_newest_attempt_of_a_replayed_event_stays(spark: SparkSession) -> None:
    """Also among first attempts of the same identity. Other events are not touched."""
    batch = batch_of(
        spark,
        row(1, "a", needs_lookup=True),
        row(2, "a", needs_lookup=True, attempt=1),
        row(3, "a", needs_lookup=True, attempt=2),
        row(4, "b", needs_lookup=True, attempt=1),
        row(5, "c"),
    )
    left = without_replayed_duplicates(batch)
    assert numbers(left.rows) == [3, 4, 5]
    assert (left.duplicates, left.summary.accepted) == (2, 3)


def test_one_of_two_equal_attempts_stays(spark: SparkSession) -> None:
    """The one with the first position, so a repetition of the batch gives the same result."""
    rows = [row(number, "a", needs_lookup=True, attempt=1) for number in (2, 1, 3)]
    assert numbers(without_replayed_duplicates(batch_of(spark, *rows)).rows) == [1]


def test_rejected_rows_of_the_same_identity_stay(spark: SparkSession) -> None:
    """A rejected record is no duplicate of an event."""
    batch = batch_of(
        spark,
        row(1, "a", needs_lookup=True, attempt=1),
        row(2, "a", reasons=["invalid_event_name"], attempt=1),
    )
    assert without_replayed_duplicates(batch).duplicates == 0


def test_a_batch_without_replayed_events_is_not_changed(spark: SparkSession) -> None:
    """A replayed event that the state decides about is a usual event."""
    batch = batch_of(
        spark, row(1, "a", needs_lookup=True), row(2, "a", NOON), row(3, "b", attempt=1)
    )
    assert without_replayed_duplicates(batch) is batch
