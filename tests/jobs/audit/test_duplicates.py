"""The audit of a range of dates searches whole tables for the event of a duplicate."""

from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from tests.jobs.audit.records import CREATED, EPOCH, numbers
from tests.support.handmade_lake import FIRST_DAY, HandmadeLake
from tests.support.small_lake import event

SECOND_DAY = FIRST_DAY + timedelta(days=1)


def test_a_range_of_dates_is_compared_with_all_dates_of_the_other_tables(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The event of a duplicate may be days older, and so may the first of two stored events."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw((1, event("a", EPOCH)), (2, event("lost", EPOCH)))
    lake.raw((3, event("a", EPOCH)), (4, event("b", EPOCH)), ingested_at=SECOND_DAY)
    lake.events((1, event("a", EPOCH), "a", CREATED))
    lake.events((4, event("b", EPOCH), "b", CREATED), ingested_at=SECOND_DAY)

    second = verify_tables(spark, lake.tables, first=SECOND_DAY.date())
    assert (second.raw, second.stored, second.duplicates, second.is_clean) == (2, 1, 1, True)

    lake.events((3, event("a", EPOCH), "a", CREATED), ingested_at=SECOND_DAY)
    second = verify_tables(spark, lake.tables, SECOND_DAY.date(), SECOND_DAY.date())
    assert [(each.kind, numbers(each.samples)) for each in second.violations] == [
        ("identity_twice", ["3"])
    ]
    first = verify_tables(spark, lake.tables, last=FIRST_DAY.date())
    assert (first.raw, first.stored) == (2, 1)
    assert "lost" in {each.kind for each in first.violations}
