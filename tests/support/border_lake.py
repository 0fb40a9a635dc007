"""A lake with values at the borders of each type, to be read by other engines."""

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from jobs.lake import Table
from tests.support.small_lake import SmallLake, settings_in
from transforms.enrichment import Field

FIELDS = (
    Field("a_string", "$.s", "string"),
    Field("a_boolean", "$.b", "boolean"),
    Field("an_int", "$.i", "int"),
    Field("a_bigint", "$.l", "bigint"),
    Field("a_double", "$.d", "double"),
    Field("a_decimal", "$.n", "decimal(38,2)"),
    Field("a_date", "$.day", "date"),
    Field("a_timestamp", "$.t", "timestamp"),
)
INGESTED = datetime(2025, 11, 22, 8, 31, 0, 123456, tzinfo=UTC)
_NINES = "9" * 36
RECORDS = (
    '{"event_uuid":"lowest","event_name":"a:b c","created_at":"2000-01-01T00:00:00Z","s":"",'
    '"b":false,"i":-2147483648,"l":-9223372036854775808,"d":-1.7976931348623157e308,'
    f'"n":-{_NINES}.99,"day":"0001-01-01","t":"0001-01-01T00:00:00Z"}}',
    '{"event_uuid":"highest","event_name":"a/b%c","created_at":1763800000123456,'
    '"s":"a\\u0000b \\"q\\" \'x\' 😀\\n","b":true,"i":2147483647,"l":9223372036854775807,'
    f'"d":1.7976931348623157e308,"n":{_NINES}.99,"day":"9999-12-31",'
    '"t":"9999-12-31T23:59:59.999999Z"}',
    '{"event_uuid":"between","event_name":"a","created_at":1763800000,"s":"é","b":true,"i":0,'
    '"l":0,"d":5e-324,"n":0.01,"day":"1969-12-31","t":"1969-12-31T23:59:59.999999Z"}',
    # quarantined, with times that reach far beyond 1677 to 2262
    '{"event_uuid":"future","event_name":"a","created_at":99999999999}',
    '{"event_uuid":"past","event_name":"a","created_at":-62135596800}',
)

# What each engine must read, by event_uuid: times in microseconds since 1970
BORDERS: dict[str, tuple[object, ...]] = {
    "lowest": (
        *("", False, -(2**31), -(2**63), -1.7976931348623157e308, f"-{_NINES}.99"),
        *(date(1, 1, 1), -62_135_596_800_000_000, 946_684_800_000_000),
    ),
    "highest": (
        *("a\0b \"q\" 'x' 😀\n", True, 2**31 - 1, 2**63 - 1, 1.7976931348623157e308),
        *(f"{_NINES}.99", date(9999, 12, 31), 253_402_300_799_999_999, 1_763_800_000_123_456),
    ),
    "between": (*("é", True, 0, 0, 5e-324, "0.01", date(1969, 12, 31), -1, 1_763_800_000_000_000),),
}
REJECTED = {"future": 99_999_999_999_000_000, "past": -62_135_596_800_000_000}

Rows = list[dict[str, Any]]


def border_lake(spark: SparkSession, folder: Path) -> SmallLake:
    """The processed lake."""
    lake = SmallLake(spark, settings_in(folder, fields=FIELDS))
    lake.put(*(record.encode() for record in RECORDS), ingested_at=INGESTED)
    lake = lake.by_other_rules(checks=type(lake.settings.checks)(event_name_pattern="[a-z :/%]+"))
    lake.process()
    return lake


def rows_by_spark(spark: SparkSession, table: Table) -> Rows:
    """Every column of every row, normalized as those of other engines are."""
    frame = table.read(spark)
    times = {
        column.name: F.unix_micros(column.name)
        for column in frame.schema
        if isinstance(column.dataType, TimestampType)
    }
    return normalized(row.asDict() for row in frame.withColumns(times).collect())


def normalized(rows: Any) -> Rows:
    """Rows as dictionaries of plain values, in a fixed order."""
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return sorted(plain, key=lambda row: (str(row.get("sequence_number")), str(row)))


def _plain(value: Any) -> Any:
    """Times as microseconds since 1970, bytes as bytes, lists as lists, decimals as text."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        since = aware.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, float) and math.isnan(value):
        return None  # how pandas writes the null of a text; no column has NaN
    if isinstance(value, str | date | int | float) or value is None:
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)  # a decimal
