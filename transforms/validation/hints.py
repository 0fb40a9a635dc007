"""Recognize a record that holds events in another form, and propose the setting for it."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.columns import DATA, FAULT

_LOOKS_LIKE = 'looks like {}: set source.format.{} = "{}"'


def format_hint(uuid_reason: Column) -> Column:
    """`looks like gzip: set source.format.compression = "gzip"`, or null.

    Args:
        uuid_reason: the reason against event_uuid, or null. An event in an envelope has none where
            it is looked for.
    """
    fault = F.col(FAULT)
    text = F.col(DATA).cast("string")
    start = F.hex(F.substring(F.col(DATA), 1, 2))
    is_no_json = fault.isin("not_utf8", "not_json")
    lacks_uuid = fault.isNull() & (uuid_reason == "missing_event_uuid")

    def has(*keys: str) -> Column:
        found = F.lit(True)
        for key in keys:
            found &= text.contains(f'"{key}"')
        return found

    hints = (
        (is_no_json & (start == "1F8B"), "gzip", "compression", "gzip"),
        (is_no_json & start.isin("7801", "785E", "789C", "78DA"), "zlib", "compression", "zlib"),
        (
            (fault == "not_json") & text.rlike(r"\A[A-Za-z0-9+/]{16,}={0,2}\s*\z"),
            *("base64", "envelope", "base64"),
        ),
        (
            (fault == "trailing_data") & text.rlike(r"\}\r?\n\s*\{"),
            *("an event on each line", "framing", "lines"),
        ),
        (
            (fault == "trailing_data") & text.rlike(r"\}\s*\{"),
            *("several events, one after the other", "framing", "concatenated"),
        ),
        (
            (fault == "not_an_object") & text.rlike(r"\A\s*\[\s*\{"),
            *("an array of events", "framing", "array"),
        ),
        (
            (fault == "not_an_object") & text.rlike(r'\A\s*"\s*\{'),
            *("JSON in a JSON string", "envelope", "json_string"),
        ),
        (
            lacks_uuid & has("logEvents", "messageType"),
            *("logs of CloudWatch", "envelope", "cloudwatch_logs"),
        ),
        (
            lacks_uuid & has("detail-type", "detail"),
            *("an event of EventBridge", "envelope", "eventbridge"),
        ),
        (lacks_uuid & has("metadata", "record-type"), "a record of DMS", "envelope", "dms"),
        (lacks_uuid & has("records", "data"), "a request of Firehose", "envelope", "firehose"),
    )
    return F.coalesce(*(F.when(is_so, _LOOKS_LIKE.format(*words)) for is_so, *words in hints))
