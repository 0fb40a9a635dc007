"""Bytes to one JSON object: nothing lost, nothing halved, nothing that stops the query."""

import json
from collections.abc import Sequence
from typing import NoReturn

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.data.json_corpus import CORPUS, KEEPS_HALF_PAIRS, SOUND, Case
from tests.support.frames import in_order, raw_frame
from transforms.errors import InvalidSettingError, MissingColumnsError
from transforms.parsing.records import MAX_RECORD_BYTES, parsed


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _fault_by_python(data: bytes | None) -> str | None:
    try:
        text = (data or b"").decode("utf-8").strip(" \t\r\n")
    except UnicodeDecodeError:
        return "not_utf8"
    try:
        value, end = json.JSONDecoder(parse_constant=_refuse).raw_decode(text)
    except ValueError:
        return "not_json"
    if end < len(text):
        return "trailing_data" if isinstance(value, dict) else "not_json"
    return SOUND if isinstance(value, dict) else "not_an_object"


def _is_deep(case: Case) -> bool:
    return (case.data or b"").count(b"[") > 500 or (case.data or b"").count(b'{"a":') > 500


def test_corpus_is_right_by_another_parser() -> None:
    """The expected outcomes are Python's own too, but for depth, where each parser has limits."""
    shallow = [case for case in CORPUS if not _is_deep(case)]

    differing = [case for case in shallow if _fault_by_python(case.data) != case.fault]

    assert len(shallow) > 1_900
    assert differing == []


def test_every_record_of_the_corpus_gets_its_outcome(spark: SparkSession) -> None:
    """Sound or faulty, and why: exactly as RFC 8259 has it. The other tests take it from here."""
    assert _wrong(spark, CORPUS) == []


def test_promoted_members_do_not_change_the_outcome(spark: SparkSession) -> None:
    """`a` is parsed to a VARIANT here, and skipped without these roots."""
    records = [case for case in CORPUS if len(case.data or b"") < 10_000]

    assert _wrong(spark, records, "a", "b c") == []


def _wrong(
    spark: SparkSession, cases: Sequence[Case], *roots: str
) -> list[tuple[Case, str | None]]:
    """The cases whose fault is another one than theirs, with what was found."""
    frame = raw_frame(spark, [case.data for case in cases])
    found = [fault for (fault,) in in_order(frame.transform(parsed(roots)), "fault")]
    return [
        (case, fault)
        for case, fault in zip(cases, found, strict=True)
        if fault != case.fault
        and not (case.has_half_pair and fault == "not_json" and not KEEPS_HALF_PAIRS)
    ]


def test_nothing_but_garbage_is_a_batch_like_any_other(spark: SparkSession) -> None:
    """No row raises, and none disappears."""
    garbage = [bytes([n % 256, (n * 7) % 256, (n * 31) % 256]) * (n % 50) for n in range(500)]

    faults = in_order(raw_frame(spark, garbage).transform(parsed()), "fault", "json")

    assert len(faults) == 500
    assert {fault for fault, _ in faults} <= {"not_json", "not_utf8", "not_an_object"}
    assert {parsed_json for _, parsed_json in faults} == {None}


def test_a_whole_object_with_a_member_that_cannot_be_kept_has_nothing_behind_it(
    spark: SparkSession,
) -> None:
    """Here because a kept member repeats a key, and Spark is not told to allow that."""
    member = b'{"created_at":{"a":1,"a":2}}'
    records = raw_frame(spark, [member, b" " + member + b"\n", member + b"{}", member + b"}"])
    setting = "spark.sql.variant.allowDuplicateKeys"
    spark.conf.set(setting, "false")
    try:
        faults = in_order(records.transform(parsed()), "fault")
    finally:
        spark.conf.set(setting, "true")

    assert faults == [("not_json",), ("not_json",), ("trailing_data",), ("trailing_data",)]


def test_members_are_kept_by_value_and_type(spark: SparkSession) -> None:
    """Only JSON text becomes text; the last of duplicate keys wins; keys are case-sensitive."""
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
        raw_frame(spark, [data for data, _, _ in cases]).transform(parsed()),
        *("event_uuid", "event_name"),
    )

    assert actual == [(event_uuid, name) for _, event_uuid, name in cases]


def test_json_keeps_the_roots_that_are_asked_for(spark: SparkSession) -> None:
    """And tells a member that is null from one that is absent."""
    records = [b'{"user":{"id":7},"x-y":[1.10],"other":1}', b'{"user":null}', b"[]"]

    rows = raw_frame(spark, records).transform(parsed(["user", "x-y", "user"]))
    actual = in_order(
        rows.select(
            "sequence_number",
            F.to_json("json.user").alias("user"),
            F.to_json(F.col("json").getField("x-y")).alias("xy"),
            F.is_variant_null("json.user").alias("is_null"),
        ),
        *("user", "xy", "is_null"),
    )

    members = rows.select("json.*").columns
    assert members == ["event_uuid", "event_name", "created_at", "user", "x-y"]
    assert actual == [
        ('{"id":7}', "[1.1]", False),
        ("null", None, True),
        (None, None, False),
    ]


def test_a_record_above_the_limit_is_not_read(spark: SparkSession) -> None:
    """The limit counts bytes, not characters."""
    records = ['{"a":"éé"}'.encode(), '{"a":"éée"}'.encode(), b"\xff" * 13]

    actual = in_order(raw_frame(spark, records).transform(parsed(max_record_bytes=12)), "fault")

    assert actual == [(None,), ("too_large",), ("too_large",)]


@pytest.mark.slow
def test_the_largest_record_is_read(spark: SparkSession) -> None:
    """Also where a kept member is as large as the record."""
    frame = b'{"event_uuid":"%s"}'
    largest = frame % (b"x" * (MAX_RECORD_BYTES - len(frame) + 2))

    rows = raw_frame(spark, [largest, largest + b" "]).transform(parsed())
    actual = in_order(rows.withColumn("chars", F.length("event_uuid")), "fault", "chars")

    assert actual == [(None, MAX_RECORD_BYTES - len(frame) + 2), ("too_large", None)]


def test_only_one_who_knows_the_nonce_could_hide_a_second_object(spark: SparkSession) -> None:
    """That is why each query draws its own: the record that knows yesterday's gains nothing."""
    forged = raw_frame(spark, [b'{"event_uuid":"e1","nonce1":1}{"event_uuid":"e2"}'])

    known = in_order(forged.transform(parsed(nonce="nonce1")), "fault")
    drawn = in_order(forged.transform(parsed()), "fault")

    assert known == [(SOUND,)]
    assert drawn == [("trailing_data",)]


def test_parsed_refuses_what_cannot_work(spark: SparkSession) -> None:
    with pytest.raises(InvalidSettingError, match="differ by more than case"):
        parsed(["userId", "userid"])
    with pytest.raises(InvalidSettingError, match="at least 1"):
        parsed(max_record_bytes=0)
    with pytest.raises(MissingColumnsError, match=r"parsed needs column\(s\) \['data'\]"):
        spark.range(1).transform(parsed())
