"""The parser of the audit reads every record that can become an event."""

from datetime import datetime, timedelta
from itertools import cycle

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.audit.reconciliation import with_members
from jobs.audit.reference_parser import ReferenceParser
from tests.data.created_at import CREATED_AT
from tests.data.json_corpus import CORPUS, SOUND
from tests.support.frames import in_order, raw_frame


def test_it_reads_every_time_that_an_event_may_have(spark: SparkSession) -> None:
    """The forms are those that the pipeline is tested with."""
    readable = {text: iso for text, iso in CREATED_AT if iso is not None}
    records = [b'{"created_at":%s}' % text.encode() for text in readable]

    rows = with_members(raw_frame(spark, records), ReferenceParser())

    actual = in_order(rows.withColumn("micros", F.unix_micros("created_at")), "micros")
    assert dict(zip(readable, actual, strict=True)) == {
        text: (_micros(iso),) for text, iso in readable.items()
    }


def test_it_reads_what_is_one_json_object_and_nothing_else(spark: SparkSession) -> None:
    """Each value of the corpus is put into an object, with and without a byte order mark."""
    values = {data or b"": fault for data, fault in CORPUS}
    mark = b"\xef\xbb\xbf"
    cases = {
        before + b'{"x":%s,"event_name":"a:b"}' % data: fault
        for before, (data, fault) in zip(cycle([b"", mark]), values.items(), strict=False)
        if not data.startswith(mark)
    }

    rows = with_members(raw_frame(spark, list(cases)), ReferenceParser())

    actual = [name == "a:b" for (name,) in in_order(rows, "event_name")]
    assert dict(zip(cases, actual, strict=True)) == {
        data: fault in (SOUND, "not_an_object") for data, fault in cases.items()
    }


def _micros(iso: str) -> int:
    since = datetime.fromisoformat(iso) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return since // timedelta(microseconds=1)
