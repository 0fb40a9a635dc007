"""The audit of small tables that are written by hand, and of no tables at all."""

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import Report, verify_tables
from jobs.errors import LakeError
from jobs.lake import tables_of
from tests.jobs.audit.records import CREATED, EPOCH
from tests.support.handmade_lake import HandmadeLake
from tests.support.small_lake import event, settings_in


def test_a_clean_lake_passes_and_every_record_has_an_outcome(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A duplicate may have other bytes, another payload or another name; its event may have been
    rejected for its name."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw(
        (1, event("a", EPOCH)),
        (2, event("a", f"{EPOCH}000", name="another:name")),
        (3, b' {"created_at":"2026-01-02T04:04:05+01:00","event_\\u0075uid":"a","x":[1,{}]}\r\n'),
        (4, event("b", EPOCH + 0.000001)),
        (5, b"not json"),
        (6, b""),
        (7, event("c", EPOCH, name="new:name")),
        (8, event("c", EPOCH, name="newer:name")),
    )
    lake.events(
        (1, event("a", EPOCH), "a", CREATED),
        (4, event("b", EPOCH + 0.000001), "b", CREATED + timedelta(microseconds=1)),
    )
    lake.quarantine(
        (5, b"not json", ["not_json"], None, None),
        (6, b"", ["not_json"], None, None),
        (7, event("c", EPOCH, name="new:name"), ["too_many_event_names"], "c", CREATED),
    )
    assert verify_tables(spark, lake.tables) == Report(
        first=None,
        last=None,
        raw=8,
        stored=2,
        duplicates=3,
        quarantined=3,
        pending=0,
        reasons={"not_json": 2, "too_many_event_names": 1},
    )


def test_an_audit_of_no_lake_is_an_error(spark: SparkSession, tmp_path: Path) -> None:
    """Nothing can be lost from tables that do not exist, but that is no clean lake."""
    with pytest.raises(LakeError, match="no table at"):
        verify_tables(spark, tables_of(settings_in(tmp_path).lake))
