"""The ordered list of steps is the one that docs/data-flow.md describes."""

import inspect
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from jobs import pipeline
from jobs.checkpoints import EPOCH, Generation, StateCoverage
from jobs.config import Checks, Once
from jobs.lake import WriterFence
from jobs.sinks import EventNameLimit
from tests.support.frames import raw_frame
from tests.support.small_lake import SmallLake, event, settings_in
from transforms.compose import Transform
from transforms.enrichment import Field

WINDOW = timedelta(minutes=10)
COVERAGE = StateCoverage(Generation("0f", EPOCH, WINDOW), clock_floor=EPOCH)


def test_the_sink_has_five_steps_in_this_order(lake: SmallLake) -> None:
    """Known records first, then duplicates in the batch, then names, then duplicates in the table:
    each step sees only the rows that the steps before it have left."""
    lake.put(event("a", int(time.time())))
    lake.process()
    fence = WriterFence(lake.spark, (lake.tables.events, lake.tables.quarantine), "process")
    steps = pipeline.sink_steps(lake.settings, lake.tables, fence, in_doubt=None)
    names = [getattr(step, "__qualname__", type(step).__name__) for step in steps]
    assert [name.partition(".<locals>")[0] for name in names] == [
        "without_processed_positions",
        "without_replayed_duplicates",
        "EventNameLimit",
        "without_stored_duplicates",
        "split_and_append",
    ]


def test_the_name_limit_begins_with_the_names_of_the_table(lake: SmallLake) -> None:
    """A restart does not make room for more names."""
    lake.put(event("a", int(time.time()), "a:a"))
    lake.process()
    settings = lake.by_other_rules(checks=Checks(max_event_names=1)).settings
    fence = WriterFence(lake.spark, (lake.tables.events, lake.tables.quarantine), "process")
    limit = pipeline.sink_steps(settings, lake.tables, fence, in_doubt=None)[2]
    assert isinstance(limit, EventNameLimit)
    assert limit.surplus({"a:a", "b:b"}) == {"b:b"}


def test_a_record_is_parsed_and_validated_before_it_meets_the_state(spark: SparkSession) -> None:
    """The result of the first steps depends on the record and the rules alone."""
    settings = settings_in(Path("unused"))
    parsed_and_validated = step_names(pipeline.parsed_and_validated(settings))
    assert parsed_and_validated == [
        "with_parsed_json",
        "with_unpacking_faults",
        "with_times",
        "with_reasons",
        "with_fields",
        "with_lateness",
    ]
    assert step_names(pipeline.deduplicated(settings, COVERAGE)) == [
        "with_clock",
        *parsed_and_validated,
        "without_unstored_columns",
        "with_lookup_need",
        "with_own_position",
        "without_recent_duplicates",
    ]


def test_columns_that_can_be_derived_are_derived_after_the_shuffles(spark: SparkSession) -> None:
    """The sink derives them when it appends the rows."""
    assert step_names(pipeline.events(settings_in(Path("unused")))) == [
        "with_created_datetime",
        "with_event_parts",
        "as_events",
    ]
    assert step_names(pipeline.quarantine) == ["as_quarantine"]


def step_names(transform: Transform) -> list[str]:
    """The names of the transforms that `compose` has composed, in their order."""
    if transform.__qualname__.startswith("compose."):
        steps = inspect.getclosurevars(transform).nonlocals["steps"]
        return [name for step in steps for name in step_names(step)]
    return [transform.__qualname__.partition(".<locals>")[0]]


def test_a_batch_is_parsed_validated_and_its_lateness_is_known(spark: SparkSession) -> None:
    """`is_late` compares created_at with the arrival, and does not depend on the present clock."""
    arrived = datetime(2025, 11, 22, 8, 30, tzinfo=UTC)
    seconds = int(arrived.timestamp())
    settings = settings_in(
        Path("unused"),
        once=Once(window=WINDOW, max_future=timedelta(minutes=5)),
        fields=(Field("user_id", "$.user.id", "bigint"),),
    )
    records = [
        event("in time", seconds - 600, user={"id": 7}),
        event("late", seconds - 601),
        event("future", seconds + 301),
        event("late and wrong", seconds - 86_400, name="no name"),
        b"not json",
    ]
    frame = raw_frame(spark, records, arrived_at=arrived)
    unpacked = frame.transform(pipeline.unpacked(settings))
    rows = unpacked.transform(pipeline.parsed_and_validated(settings))
    found = rows.select("event_uuid", "reasons", "is_late", "user_id").collect()
    assert [tuple(row) for row in found] == [
        ("in time", [], False, 7),
        ("late", [], True, None),
        ("future", ["created_at_in_future"], False, None),
        ("late and wrong", ["invalid_event_name"], True, None),
        (None, ["not_json"], None, None),
    ]
