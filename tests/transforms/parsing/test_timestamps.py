"""Times are read in every supported form, exact to the microsecond; other forms are unreadable."""

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.data.created_at import CREATED_AT
from tests.support.frames import in_order, raw_frame
from transforms.errors import MissingColumnsError
from transforms.parsing.records import with_parsed_json
from transforms.parsing.timestamps import iso_text, utc_date, with_created_datetime, with_times


def _records(values: list[str]) -> list[bytes]:
    return [b'{"created_at":%s}' % value.encode() for value in values]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_with_times_reads_what_producers_write(spark: SparkSession, zone: str) -> None:
    """The result is exact to the microsecond, and the same in every time zone of the session."""
    raw = raw_frame(spark, _records([text for text, _ in CREATED_AT]))
    before = spark.conf.get("spark.sql.session.timeZone")
    assert before is not None
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        times = (
            raw.transform(with_parsed_json())
            .transform(with_times())
            .transform(with_created_datetime)
        )
        actual = in_order(times, "created_datetime")
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)

    read = [(text, time) for (text, _), (time,) in zip(CREATED_AT, actual, strict=True)]
    assert read == [*CREATED_AT]


def test_created_at_agrees_with_its_text_and_its_date(spark: SparkSession) -> None:
    """The date is that of UTC: 00:30 in Paris belongs to the day before."""
    raw = raw_frame(
        spark,
        [
            *_records(['"2025-11-22T00:30:00.000001+01:00"', "-1", "1763856000", '"soon"']),
            b"{}",
            b"garbage",
        ],
    )

    times = (
        raw.transform(with_parsed_json()).transform(with_times()).transform(with_created_datetime)
    )
    actual = in_order(
        times.withColumn("micros", F.unix_micros("created_at")),
        *("micros", "created_datetime", "event_date"),
    )

    assert actual == [
        (1763767800000001, "2025-11-21T23:30:00.000001Z", date(2025, 11, 21)),
        (-1000000, "1969-12-31T23:59:59.000000Z", date(1969, 12, 31)),
        (1763856000000000, "2025-11-23T00:00:00.000000Z", date(2025, 11, 23)),
        (None, None, None),
        (None, None, None),
        (None, None, None),
    ]
    assert dict(times.dtypes)["created_at"] == "timestamp"
    assert dict(times.dtypes)["event_date"] == "date"


def test_dates_and_texts_of_timestamps(spark: SparkSession) -> None:
    """Midnight is the first moment of a day."""
    times = spark.createDataFrame(
        [
            (datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), "2026-01-01T00:00:00.000000Z"),
            (
                datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
                date(2025, 12, 31),
                "2025-12-31T23:59:59.999999Z",
            ),
            (
                datetime(2026, 7, 8, 9, 1, 2, 30, UTC),
                date(2026, 7, 8),
                "2026-07-08T09:01:02.000030Z",
            ),
            (None, None, None),
        ],
        "time timestamp, day date, text string",
    )

    actual = times.select(utc_date(F.col("time")), iso_text(F.col("time")), "day", "text").collect()

    assert [tuple(row)[:2] for row in actual] == [tuple(row)[2:] for row in actual]


def test_a_frame_without_its_columns_is_rejected(spark: SparkSession) -> None:
    """The error names the transform and the column."""
    with pytest.raises(MissingColumnsError, match=r"with_times needs column\(s\) \['json'\]"):
        spark.range(1).transform(with_times())
    with pytest.raises(MissingColumnsError, match=r"with_created_datetime needs column"):
        spark.range(1).transform(with_created_datetime)
