"""Events with a new name are rejected once there are too many names."""

import pytest
from pyspark.sql import SparkSession

from jobs.sinks.event_name_limit import EventNameLimit
from tests.jobs.sinks.rows import batch_of, row


@pytest.mark.parametrize(
    ("stored", "limit", "names", "surplus"),
    [
        (set(), 2, {"a", "b"}, set()),
        (set(), 2, {"a", "b", "c"}, {"c"}),
        ({"x"}, 2, {"a", "b", "x"}, {"b"}),
        ({"x", "y"}, 2, {"x", "y"}, set()),
        ({"x", "y"}, 1, {"a", "x"}, {"a"}),
    ],
)
def test_surplus_names_are_the_last_new_ones_in_alphabetical_order(
    stored: set[str], limit: int, names: set[str], surplus: set[str]
) -> None:
    """Names that the table contains are always accepted, even if it has more than the limit."""
    assert EventNameLimit(stored, limit).surplus(names) == surplus


def test_events_of_surplus_names_are_rejected_with_a_reason(spark: SparkSession) -> None:
    """A row that was rejected before keeps its reasons, and its name takes no place."""
    batch = batch_of(
        spark,
        row(1, name="a"),
        row(2, name="c"),
        row(3, name="b"),
        row(4, name="c", reasons=["created_at_too_old"]),
        row(5, name="0", reasons=["not_json"]),
    )
    limited = EventNameLimit({"a"}, limit=2)(batch)
    rows = limited.rows.select("sequence_number", "reasons").collect()
    assert {each[0]: each[1] for each in rows} == {
        "1": [],
        "2": ["too_many_event_names"],
        "3": [],
        "4": ["created_at_too_old"],
        "5": ["not_json"],
    }
    assert (limited.summary.accepted, limited.summary.rejected) == (2, 3)
    assert limited.summary.names == {"a", "b"}
    assert limited.duplicates == 0


def test_accepted_names_are_remembered_for_the_next_batches(spark: SparkSession) -> None:
    """Surplus names are not."""
    limit = EventNameLimit(set(), limit=2)
    limit(batch_of(spark, row(1, name="a"), row(2, name="b"), row(3, name="c")))
    next_batch = batch_of(spark, row(4, name="b"), row(5, name="a"))
    assert limit(next_batch) is next_batch
    assert limit(batch_of(spark, row(6, name="c"))).summary.rejected == 1
