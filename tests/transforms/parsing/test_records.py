"""A record is one whole JSON object, or it has a fault. No record makes the query fail."""

import json
from collections.abc import Sequence
from typing import NoReturn

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.data.json_corpus import CORPUS, KEEPS_HALF_PAIRS, SOUND, Case
from tests.support.frames import in_order, raw_frame
from transforms.errors import InvalidSettingError, MissingColumnsError
from transforms.parsing.records import MAX_RECORD_BYTES, with_parsed_json


def _reject(constant: str) -> NoReturn:
    raise ValueError(constant)


def _fault_by_python(data: bytes | None) -> str | None:
    try:
        text = (data or b"").decode("utf-8").removeprefix("\ufeff").strip(" \t\r\n")
    except UnicodeDecodeError:
        return "not_utf8"
    try:
        value, end = json.JSONDecoder(parse_constant=_reject, parse_int=str).raw_decode(text)
    except ValueError:
        return "not_json"
    if end < len(text):
        return "trailing_data" if isinstance(value, dict) else "not_json"
    return SOUND if isinstance(value, dict) else "not_an_object"


def _is_past_a_limit(case: Case) -> bool:
    data = case.data or b""
    is_deep = data.count(b"[") > 500 or data.count(b'{"a":') > 500
    return is_deep or b"k" * 50_001 in data or case.fault == "unsupported_json"


def test_python_agrees_with_the_corpus() -> None:
    """Python's parser finds the expected faults too, except for the limits, which differ."""
    within = [case for case in CORPUS if not _is_past_a_limit(case)]

    differing = [case for case in within if _fault_by_python(case.data) != case.fault]

    assert len(within) > 1_900
    assert differing == []


def test_every_record_of_the_corpus_gets_its_outcome(spark: SparkSession) -> None:
    """A record is valid or has a fault, exactly as RFC 8259 defines it."""
    assert _wrong(spark, CORPUS) == []


def test_promoted_members_do_not_change_the_outcome(spark: SparkSession) -> None:
    """With these roots, `a` is parsed to a VARIANT; without them it is skipped."""
    records = [case for case in CORPUS if len(case.data or b"") < 10_000]

    assert _wrong(spark, records, "a", "b c") == []


def _wrong(
    spark: SparkSession, cases: Sequence[Case], *roots: str
) -> list[tuple[Case, str | None]]:
    """Return the cases that got another fault than expected, with that fault."""
    frame = raw_frame(spark, [case.data for case in cases])
    found = [fault for (fault,) in in_order(frame.transform(with_parsed_json(roots)), "fault")]
    return [
        (case, fault)
        for case, fault in zip(cases, found, strict=True)
        if fault != case.fault
        and not (case.has_half_pair and fault == "unsupported_json" and not KEEPS_HALF_PAIRS)
    ]


def test_a_batch_of_garbage_gets_faults(spark: SparkSession) -> None:
    """No row makes the query fail, and none disappears."""
    garbage = [bytes([n % 256, (n * 7) % 256, (n * 31) % 256]) * (n % 50) for n in range(500)]

    faults = in_order(raw_frame(spark, garbage).transform(with_parsed_json()), "fault", "json")

    assert len(faults) == 500
    assert {fault for fault, _ in faults} <= {"not_json", "not_utf8", "not_an_object"}
    assert {parsed_json for _, parsed_json in faults} == {None}


def test_a_whole_object_with_an_invalid_member_has_no_trailing_data(spark: SparkSession) -> None:
    """The member is invalid because it repeats a key, and this setting forbids that."""
    member = b'{"created_at":{"a":1,"a":2}}'
    records = raw_frame(spark, [member, b" " + member + b"\n", member + b"{}", member + b"}"])
    setting = "spark.sql.variant.allowDuplicateKeys"
    spark.conf.set(setting, "false")
    try:
        faults = in_order(records.transform(with_parsed_json()), "fault")
    finally:
        spark.conf.set(setting, "true")

    assert faults == [
        ("unsupported_json",),
        ("unsupported_json",),
        ("trailing_data",),
        ("trailing_data",),
    ]


def test_members_are_read_by_value_and_type(spark: SparkSession) -> None:
    """Only JSON text becomes text. The last of duplicate keys is used. Keys are case-sensitive."""
    cases = [
        (b'{"event_uuid":"e1","event_name":"a:b"}', "e1", "a:b"),
        (b'{"event\\u005fuuid":"\\u0065\\u0031","event_name":""}', "e1", ""),
        (b'{"event_uuid":5,"event_name":true}', None, None),
        (b'{"event_uuid":null,"event_name":{"a":"b"}}', None, None),
        (b'{"event_uuid":["e1"],"event_name":1.5}', None, None),
        (b'{"Event_Uuid":"e1","EVENT_NAME":"a"}', None, None),
        (b'{"event_uuid":"e1","event_uuid":"e2"}', "e2", None),
        (b'{"event_uuid":"e1","event_uuid":null}', None, None),
        (b'{"a":{"event_uuid":"inner"},"event_name":"outer"}', None, "outer"),
        (b'{"event_uuid":"inner"}{"event_uuid":"next"}', None, None),
        ('{"event_uuid":"é😀"}\n'.encode(), "é😀", None),
        (b'{"event_uuid":" e1 "}', " e1 ", None),
        (b"{}", None, None),
    ]

    actual = in_order(
        raw_frame(spark, [data for data, _, _ in cases]).transform(with_parsed_json()),
        *("event_uuid", "event_name"),
    )

    assert actual == [(event_uuid, name) for _, event_uuid, name in cases]


def test_json_contains_the_given_roots(spark: SparkSession) -> None:
    """A member that is JSON null differs from one that is absent."""
    records = [b'{"user":{"id":7},"x-y":[1.10],"other":1}', b'{"user":null}', b"[]"]

    rows = raw_frame(spark, records).transform(with_parsed_json(["user", "x-y", "user"]))
    actual = in_order(
        rows.select(
            "sequence_number",
            F.to_json(F.col("json").getField("$.user")).alias("user"),
            F.to_json(F.col("json").getField("$.x-y")).alias("xy"),
            F.is_variant_null(F.col("json").getField("$.user")).alias("is_null"),
        ),
        *("user", "xy", "is_null"),
    )

    members = rows.select("json.*").columns
    assert members == ["event_uuid", "event_name", "created_at", "$.user", "$.x-y"]
    assert actual == [
        ('{"id":7}', "[1.1]", False),
        ("null", None, True),
        (None, None, False),
    ]


def test_a_record_above_the_limit_is_not_parsed(spark: SparkSession) -> None:
    """The limit counts bytes, not characters."""
    records = ['{"a":"éé"}'.encode(), '{"a":"éée"}'.encode(), b"\xff" * 13]

    actual = in_order(
        raw_frame(spark, records).transform(with_parsed_json(max_record_bytes=12)), "fault"
    )

    assert actual == [(None,), ("too_large",), ("too_large",)]


def test_the_largest_record_is_parsed(spark: SparkSession) -> None:
    """A single member may be as large as the record."""
    frame = b'{"event_uuid":"%s"}'
    largest = frame % (b"x" * (MAX_RECORD_BYTES - len(frame) + 2))

    rows = raw_frame(spark, [largest, largest + b" "]).transform(with_parsed_json())
    actual = in_order(rows.withColumn("chars", F.length("event_uuid")), "fault", "chars")

    assert actual == [(None, MAX_RECORD_BYTES - len(frame) + 2), ("too_large", None)]


def test_only_a_producer_that_knows_the_nonce_could_hide_a_second_object(
    spark: SparkSession,
) -> None:
    """Therefore each query has a random one: knowing that of another query does not help."""
    forged = raw_frame(spark, [b'{"event_uuid":"e1","nonce1":1}{"event_uuid":"e2"}'])

    known = in_order(forged.transform(with_parsed_json(nonce="nonce1")), "fault")
    random = in_order(forged.transform(with_parsed_json()), "fault")

    assert known == [(SOUND,)]
    assert random == [("trailing_data",)]


def test_invalid_settings_and_frames_are_rejected(spark: SparkSession) -> None:
    """Settings when the transform is made, a frame when it is applied."""
    with pytest.raises(InvalidSettingError, match="differ by more than case"):
        with_parsed_json(["userId", "userid"])
    with pytest.raises(InvalidSettingError, match="at least 1"):
        with_parsed_json(max_record_bytes=0)
    with pytest.raises(MissingColumnsError, match=r"with_parsed_json needs column\(s\) \['data'\]"):
        spark.range(1).transform(with_parsed_json())
