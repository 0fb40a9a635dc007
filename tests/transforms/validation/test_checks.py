"""A record that is no event says every reason, and one that is says none."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.data.json_corpus import KEEPS_HALF_PAIRS
from tests.support.frames import in_order, raw_frame
from transforms.compose import compose
from transforms.errors import InvalidSettingError, MissingColumnsError
from transforms.parsing.records import parsed
from transforms.parsing.timestamps import with_times
from transforms.validation.checks import with_reasons
from transforms.validation.limits import CheckLimits

SOUND: list[str] = []
HALF_PAIR_IN_UUID = ["invalid_event_uuid" if KEEPS_HALF_PAIRS else "not_json"]


def _checked(raw: DataFrame, limits: CheckLimits | None = None) -> DataFrame:
    limits = limits or CheckLimits()
    to_reasons = compose(
        parsed(max_record_bytes=limits.max_record_bytes), with_times(), with_reasons(limits)
    )
    return raw.transform(to_reasons)


def _event(**changed: object) -> bytes:
    sound = {"event_uuid": "e1", "event_name": "lesson:started", "created_at": 1763800000}
    return json.dumps(sound | changed).encode()


RECORDS = [
    (_event(), SOUND),
    (_event(extra={"a": [1, None]}), SOUND),
    (_event() + b"\n", SOUND),
    # the record itself: nothing else can be said of it
    (None, ["not_json"]),
    (b"", ["not_json"]),
    (b"{", ["not_json"]),
    (b"\xff", ["not_utf8"]),
    (b"[]", ["not_an_object"]),
    (_event() + _event(), ["trailing_data"]),
    (_event(extra="x" * 2000), ["too_large"]),
    # all that apply
    (b"{}", ["missing_event_uuid", "missing_event_name", "missing_created_at"]),
    (
        b'{"event_uuid":1,"event_name":[],"created_at":{}}',
        ["wrong_type_event_uuid", "wrong_type_event_name", "wrong_type_created_at"],
    ),
    (
        _event(event_uuid="", event_name="a b", created_at=1),
        ["missing_event_uuid", "invalid_event_name", "created_at_too_old"],
    ),
    # event_uuid
    (_event(event_uuid=None), ["missing_event_uuid"]),
    (_event(event_uuid="   "), ["missing_event_uuid"]),
    (_event(event_uuid=True), ["wrong_type_event_uuid"]),
    (_event(event_uuid="é 1?"), SOUND),
    (_event(event_uuid="x" * 256), SOUND),
    (_event(event_uuid="x" * 257), ["invalid_event_uuid"]),
    (_event(event_uuid="a\0"), ["invalid_event_uuid"]),
    (_event(event_uuid="a\n"), ["invalid_event_uuid"]),
    (_event(event_uuid="a\x7f"), ["invalid_event_uuid"]),
    # half of a surrogate pair would become "?": two uuids would become one
    (_event(event_uuid="a\ud800"), HALF_PAIR_IN_UUID),
    (_event(event_uuid="a\udfff"), HALF_PAIR_IN_UUID),
    (_event(event_uuid="\ud83d\ude00?"), SOUND),
    (_event(event_uuid="a", note="\ud800"), SOUND),
    # event_name
    (_event(event_name=None), ["missing_event_name"]),
    (_event(event_name=""), ["missing_event_name"]),
    (_event(event_name=7), ["wrong_type_event_name"]),
    (_event(event_name="a"), SOUND),
    (_event(event_name="A_b-c.1:2:3"), SOUND),
    (_event(event_name="x" * 200), SOUND),
    (_event(event_name="x" * 201), ["invalid_event_name"]),
    (_event(event_name="a:" * 400 + "a"), ["invalid_event_name"]),
    (_event(event_name="a:"), ["invalid_event_name"]),
    (_event(event_name=":a"), ["invalid_event_name"]),
    (_event(event_name="a::b"), ["invalid_event_name"]),
    (_event(event_name="a/b"), ["invalid_event_name"]),
    (_event(event_name="a\n"), ["invalid_event_name"]),
    (_event(event_name="é"), ["invalid_event_name"]),
    (_event(event_name="__HIVE_DEFAULT_PARTITION__"), ["invalid_event_name"]),
    # created_at; the records arrive at 2025-11-22T08:30:00Z
    (_event(created_at=None), ["missing_created_at"]),
    (_event(created_at=" "), ["missing_created_at"]),
    (_event(created_at=False), ["wrong_type_created_at"]),
    (_event(created_at=[1763800000]), ["wrong_type_created_at"]),
    (_event(created_at="soon"), ["created_at_unreadable"]),
    (_event(created_at="2025-11-22T08:26:40"), ["created_at_unreadable"]),
    (_event(created_at=10**17), ["created_at_unreadable"]),
    (_event(created_at=1.5), ["created_at_too_old"]),
    (_event(created_at="1999-12-31T23:59:59.999999Z"), ["created_at_too_old"]),
    (_event(created_at="2000-01-01T00:00:00Z"), SOUND),
    (_event(created_at="2025-11-22T08:35:00Z"), SOUND),
    (_event(created_at="2025-11-22T08:35:00.000001Z"), ["created_at_in_future"]),
]


def test_every_reason_that_applies_is_given(spark: SparkSession) -> None:
    """And none for a sound event: the array is empty then, never null."""
    raw = raw_frame(spark, [data for data, _ in RECORDS])

    actual = in_order(_checked(raw, CheckLimits(max_record_bytes=2000)), "reasons")

    found = [(data, reasons) for (data, _), (reasons,) in zip(RECORDS, actual, strict=True)]
    assert found == RECORDS


def test_detail_says_what_was_wanted_and_what_was_there(spark: SparkSession) -> None:
    """For the person who has to tell the producer. Null for a sound event."""
    cases = [
        (_event(), None),
        (None, "wanted a JSON object, found no data"),
        (b"hello", "wanted a JSON object, found hello"),
        (b"\xff\x01", "wanted UTF-8, found bytes FF01"),
        (b"{}{1}", "wanted one JSON object, found more, which ends in {}{1}"),
        (_event(x="y" * 500), "wanted at most 400 bytes, found 587"),
        (
            _event(event_uuid=7),
            "event_uuid: wanted 1 to 256 printable characters, found bigint 7",
        ),
        (
            _event(event_name={"a": 1}, created_at="soon"),
            "event_name: wanted at most 200 characters like [a-z]+(:[a-z]+)*, "
            'found object {"a":1}; '
            "created_at: wanted epoch seconds, milliseconds or microseconds, or ISO 8601 "
            "with offset, found string soon",
        ),
        (
            b'{"event_uuid":"e","event_name":"a"}',
            "created_at: wanted epoch seconds, milliseconds or microseconds, or ISO 8601 "
            "with offset, found nothing",
        ),
        (
            _event(created_at=1),
            "created_at: wanted a time from 2000-01-01T00:00:00+00:00 on, found bigint 1",
        ),
        (
            _event(created_at="2026-01-01T00:00:00Z"),
            "created_at: wanted at most 300 seconds after the arrival at "
            "2025-11-22T08:30:00.000000Z, found string 2026-01-01T00:00:00Z",
        ),
    ]
    limits = CheckLimits(max_record_bytes=400, event_name_pattern="[a-z]+(:[a-z]+)*")

    actual = in_order(_checked(raw_frame(spark, [data for data, _ in cases]), limits), "detail")

    assert actual == [(detail,) for _, detail in cases]


def test_detail_is_short_however_long_the_record(spark: SparkSession) -> None:
    records = [b"x" * 10_000, _event(event_uuid=["x" * 9_000], event_name="y" * 9_000)]

    actual = in_order(_checked(raw_frame(spark, records)), "detail")

    assert all(0 < len(str(detail)) <= 300 for (detail,) in actual)


def test_an_event_that_arrived_at_no_known_time_is_checked_against_its_ingestion(
    spark: SparkSession,
) -> None:
    """Records arrived 08:30 and were ingested 08:31; five minutes of future are allowed."""
    raw = raw_frame(spark, [_event(created_at="2025-11-22T08:36:00Z")], arrived_at=None)
    later = raw_frame(spark, [_event(created_at="2025-11-22T08:36:01Z")], arrived_at=None)

    assert in_order(_checked(raw), "reasons") == [([],)]
    assert in_order(_checked(later), "reasons") == [(["created_at_in_future"],)]


def test_limits_can_be_set(spark: SparkSession) -> None:
    limits = CheckLimits(
        created_at_floor=datetime(2025, 11, 22, 8, 26, 41, tzinfo=UTC),
        max_future=timedelta(0),
        event_name_pattern="[a-z]+|é",
        max_event_name_chars=3,
    )
    records = [
        _event(event_name="abc", created_at=1763800001),
        _event(event_name="é", created_at="2025-11-22T08:30:00Z"),
        _event(event_name="abcd", created_at=1763800000),
        _event(event_name="abé", created_at="2025-11-22T08:30:01Z"),
    ]

    actual = in_order(_checked(raw_frame(spark, records), limits), "reasons")

    assert actual == [
        ([],),
        ([],),
        (["invalid_event_name", "created_at_too_old"],),
        (["invalid_event_name", "created_at_in_future"],),
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"created_at_floor": datetime(2000, 1, 1)}, "created_at_floor.*time zone"),
        ({"max_future": timedelta(seconds=-1)}, "max_future.*0 or more"),
        ({"max_record_bytes": 0}, "max_record_bytes.*at least 1"),
        ({"max_event_name_chars": 0}, "max_event_name_chars.*at least 1"),
        ({"event_name_pattern": "("}, "event_name_pattern.*regular expression"),
    ],
)
def test_limits_that_cannot_be_met_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        CheckLimits(**changed)  # type: ignore[arg-type]


def test_with_reasons_needs_parsed_records(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnsError, match="with_reasons needs"):
        spark.range(1).transform(with_reasons())
