"""An invalid record gets every reason that applies, and a valid event gets none."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.data.json_corpus import KEEPS_HALF_PAIRS
from tests.support.frames import in_order, raw_frame
from transforms.compose import compose
from transforms.errors import MissingColumnsError
from transforms.parsing.records import with_parsed_json
from transforms.parsing.timestamps import with_times
from transforms.validation.checks import with_reasons
from transforms.validation.limits import CheckLimits

VALID: list[str] = []
HALF_PAIR_IN_UUID = ["invalid_event_uuid" if KEEPS_HALF_PAIRS else "unsupported_json"]


def _checked(raw: DataFrame, limits: CheckLimits | None = None) -> DataFrame:
    limits = limits or CheckLimits()
    to_reasons = compose(
        with_parsed_json(max_record_bytes=limits.max_record_bytes),
        with_times(),
        with_reasons(limits),
    )
    return raw.transform(to_reasons)


def _event(**changed: object) -> bytes:
    valid = {"event_uuid": "e1", "event_name": "lesson:started", "created_at": 1763800000}
    return json.dumps(valid | changed).encode()


RECORDS = [
    (_event(), VALID),
    (_event(extra={"a": [1, None]}), VALID),
    (_event() + b"\n", VALID),
    # the record itself: its members are unknown
    (None, ["not_json"]),
    (b"", ["not_json"]),
    (b"{", ["not_json"]),
    (b"\xff", ["not_utf8"]),
    (b"[]", ["not_an_object"]),
    (_event() + _event(), ["trailing_data"]),
    (b"\xef\xbb\xbf" + _event(), VALID),
    (_event(extra=10**1500), VALID),
    (_event(extra="x" * 2000), ["too_large"]),
    # several reasons
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
    (_event(event_uuid="é 1?"), VALID),
    (_event(event_uuid="x" * 256), VALID),
    (_event(event_uuid="x" * 257), ["invalid_event_uuid"]),
    (_event(event_uuid="a\0"), ["invalid_event_uuid"]),
    (_event(event_uuid="a\n"), ["invalid_event_uuid"]),
    (_event(event_uuid="a\x7f"), ["invalid_event_uuid"]),
    # half of a surrogate pair would become "?", and different uuids would become equal
    (_event(event_uuid="a\ud800"), HALF_PAIR_IN_UUID),
    (_event(event_uuid="a\udfff"), HALF_PAIR_IN_UUID),
    (_event(event_uuid="\ud83d\ude00?"), VALID),
    (_event(event_uuid="a", note="\ud800"), VALID),
    # event_name
    (_event(event_name=None), ["missing_event_name"]),
    (_event(event_name=""), ["missing_event_name"]),
    (_event(event_name=7), ["wrong_type_event_name"]),
    (_event(event_name="a"), VALID),
    (_event(event_name="A_b-c.1:2:3"), VALID),
    (_event(event_name="x" * 244), VALID),
    (_event(event_name="x" * 245), ["invalid_event_name"]),
    (_event(event_name="a" + ":a" * 60), VALID),
    (_event(event_name="a" + ":a" * 61), ["invalid_event_name"]),
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
    (_event(created_at="2000-01-01T00:00:00Z"), VALID),
    (_event(created_at="2025-11-22T08:35:00Z"), VALID),
    (_event(created_at="2025-11-22T08:35:00.000001Z"), ["created_at_in_future"]),
]


def test_every_reason_that_applies_is_given(spark: SparkSession) -> None:
    """For a valid event the array is empty, never null."""
    raw = raw_frame(spark, [data for data, _ in RECORDS])

    actual = in_order(_checked(raw, CheckLimits(max_record_bytes=2000)), "reasons")

    with_data = [(data, reasons) for (data, _), (reasons,) in zip(RECORDS, actual, strict=True)]
    assert with_data == RECORDS


def test_detail_names_what_was_expected_and_what_was_found(spark: SparkSession) -> None:
    """It is null for a valid event."""
    cases = [
        (_event(), None),
        (None, "expected a JSON object, got no data"),
        (b"hello", "expected a JSON object, got hello"),
        (b"\xff\x01", "expected UTF-8, got bytes FF01"),
        (
            b"{}{1}",
            "expected one JSON object, got more, which ends in {}{1}; looks like several events, "
            'one after the other: set source.format.framing = "concatenated"',
        ),
        (_event(x="y" * 10_000), "expected at most 10000 bytes, got 10087"),
        (
            _event(event_uuid=7),
            "event_uuid: expected 1 to 256 printable characters, got bigint 7",
        ),
        (
            _event(event_name={"a": 1}, created_at="soon"),
            "event_name: expected a name like [a-z]+(:[a-z]+)*, "
            'got object {"a":1}; '
            "created_at: expected epoch seconds, milliseconds or microseconds, or ISO 8601 "
            "with date, time and offset, got string soon",
        ),
        (
            b'{"event_uuid":"e","event_name":"a"}',
            "created_at: expected epoch seconds, milliseconds or microseconds, or ISO 8601 "
            "with date, time and offset, got nothing",
        ),
        *(
            (
                _event(created_at=text),
                "created_at: expected epoch seconds, milliseconds or microseconds, or ISO 8601 "
                f"with date, time and offset (this has {missing}), got string {text}",
            )
            for text, missing in [
                ("2025-11-22T08:26:40", "no offset"),
                ("20251122 0826", "no offset"),
                ("2025-11-22", "no time"),
                ("08:26:40Z", "no date"),
                ("08:26", "no date"),
            ]
        ),
        (
            _event(event_name="ab:" * 50 + "a"),
            "event_name: expected a name whose folder has at most 255 bytes, not 262, "
            f"got string {'ab:' * 13}a",
        ),
        (
            b'{"a":' * 1_001 + b"1" + b"}" * 1_001,
            "expected at most 1000 levels of nesting and 10000 characters of a number, and whole "
            "surrogate pairs in the members that are read",
        ),
        (
            _event(created_at=1),
            "created_at: expected a time from 2000-01-01T00:00:00+00:00 on, got bigint 1",
        ),
        (
            _event(created_at="2026-01-01T00:00:00Z"),
            "created_at: expected at most 300 seconds after the arrival at "
            "2025-11-22T08:30:00.000000Z, got string 2026-01-01T00:00:00Z",
        ),
    ]
    limits = CheckLimits(max_record_bytes=10_000, event_name_pattern="[a-z]+(:[a-z]+)*")

    actual = in_order(_checked(raw_frame(spark, [data for data, _ in cases]), limits), "detail")

    assert actual == [(detail,) for _, detail in cases]


def test_detail_is_short_even_for_a_long_record(spark: SparkSession) -> None:
    records = [b"x" * 10_000, _event(event_uuid=["x" * 9_000], event_name="y" * 9_000)]

    actual = in_order(_checked(raw_frame(spark, records)), "detail")

    assert all(0 < len(str(detail)) <= 300 for (detail,) in actual)


def test_without_a_known_arrival_created_at_is_compared_with_the_ingestion(
    spark: SparkSession,
) -> None:
    """The records are ingested at 08:31, and may be five minutes from the future."""
    raw = raw_frame(spark, [_event(created_at="2025-11-22T08:36:00Z")], arrived_at=None)
    later = raw_frame(spark, [_event(created_at="2025-11-22T08:36:01Z")], arrived_at=None)

    assert in_order(_checked(raw), "reasons") == [([],)]
    assert in_order(_checked(later), "reasons") == [(["created_at_in_future"],)]


def test_each_limit_changes_its_check(spark: SparkSession) -> None:
    limits = CheckLimits(
        created_at_floor=datetime(2025, 11, 22, 8, 26, 41, tzinfo=UTC),
        max_future=timedelta(0),
        event_name_pattern="[a-z]{3}|é",
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


def test_a_frame_of_unparsed_records_is_rejected(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnsError, match="with_reasons needs"):
        spark.range(1).transform(with_reasons())
