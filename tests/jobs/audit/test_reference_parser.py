"""The audit's own reading of bytes: whatever becomes an event, it must understand as well."""

from datetime import datetime, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.audit.reconciliation import with_members
from tests.data.created_at import CREATED_AT
from tests.data.json_corpus import CORPUS, SOUND
from tests.support.frames import in_order, raw_frame


def test_it_reads_every_time_that_an_event_may_have(spark: SparkSession) -> None:
    readable = {text: wanted for text, wanted in CREATED_AT if wanted is not None}
    records = [b'{"created_at":%s}' % text.encode() for text in readable]

    read = with_members(raw_frame(spark, records))

    told = in_order(read.withColumn("micros", F.unix_micros("created_at")), "micros")
    assert dict(zip(readable, told, strict=True)) == {
        text: (_micros(wanted),) for text, wanted in readable.items()
    }


def test_it_reads_what_is_one_json_object_and_nothing_else(spark: SparkSession) -> None:
    """The corpus, each of its values within an object."""
    cases = {b'{"x":%s,"event_name":"a:b"}' % (data or b""): fault for data, fault in CORPUS}

    read = with_members(raw_frame(spark, list(cases)))

    told = [name == "a:b" for (name,) in in_order(read, "event_name")]
    assert dict(zip(cases, told, strict=True)) == {
        data: fault in (SOUND, "not_an_object") for data, fault in cases.items()
    }


def _micros(iso: str) -> int:
    since = datetime.fromisoformat(iso) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return since // timedelta(microseconds=1)
