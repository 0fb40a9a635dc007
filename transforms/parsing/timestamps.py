"""Parse times in the forms that producers write, and format them.

| in the JSON                                 | read as                                        |
|---------------------------------------------|------------------------------------------------|
| 1763800000, 1763800000.25, 1.76380000025E9  | epoch seconds: magnitude below 10^11           |
| 1763800000250                               | epoch milliseconds: magnitude below 10^14      |
| 1763800000250000                            | epoch microseconds: magnitude below 10^17      |
| "1763800000"                                | a number as text (no exponent): as the number  |
| "2025-11-22T08:26:40.25Z", "… 09:26:40+01:00" | ISO 8601 with date, time and offset             |

Everything else is unreadable, also a time before the year 1 or after the year 9999. Digits after
the microseconds are cut off. No function here depends on the session's time zone or uses floating
point. A text is ISO 8601 if it has this form (`[…]` is optional, and blanks around it are ignored):

    text   = date ("T" | "t" | blank) time [blank] offset [zone]
    date   = YYYY "-" MM "-" DD | YYYYMMDD
    time   = hh [":" mm [":" ss [("." | ",") digits]]] | hh [mm [ss [("." | ",") digits]]]
    offset = "Z" | "z" | "UTC" | "GMT" | ("+" | "-") hh [[":"] mm]     up to 18:00
    zone   = "[" name "]"                                              the offset decides

`24:00:00` is midnight at the end of the day. A leap second (`:60`) has no timestamp of its own, so
it is unreadable. So are weeks, ordinal dates and years of more than four digits.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import CREATED_AT, CREATED_DATETIME, EVENT_DATE, JSON
from transforms.compose import Transform
from transforms.errors import require
from transforms.parsing.variants import as_type, json_type

_DAY_MICROS = 86_400_000_000
# Each bound is the year 5138 in its unit, and 1973 in the next smaller one.
_SECONDS_BOUND, _MILLIS_BOUND, _MICROS_BOUND = 10**11, 10**14, 10**17
# Wide enough for every number below 10^17, and narrow enough for Spark to compute the product with
# 1,000,000 exactly. A cast would round the digits that do not fit, so the pattern cuts them off.
_NUMBER = "decimal(29,12)"
_NUMBER_TEXT = r"\A(-?\d{1,17}(?:\.\d{1,12})?)(?:(?<=\.\d{12})\d*)?\z"
# The usual forms, which Spark's cast reads
_PLAIN_ISO = r"\A\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)\z"
_DATE = r"(\d{4})(-?)(\d\d)\2(\d\d)"
_TIME = r"(\d\d)(?:(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d{1,6})\d*)?)?)?"
_OFFSET = r"(?:[Zz]|UTC|GMT|([+-]\d\d)(?::?(\d\d))?)"
_ISO_8601 = rf"\A *{_DATE}[Tt ]{_TIME} ?{_OFFSET}(?:\[[^\[\]]+\])? *\z"
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND, _FRACTION = 1, 3, 4, 5, 7, 8, 9
_OFFSET_HOUR, _OFFSET_MINUTE = 10, 11
_WITHOUT_OFFSET = rf"\A *{_DATE}[Tt ]{_TIME} *\z"
_WITHOUT_TIME = rf"\A *{_DATE} *\z"
_WITHOUT_DATE = rf"\A *\d\d:\d\d(?::\d\d(?:[.,]\d+)?)? ?{_OFFSET}? *\z"
# Other engines and Python read no other years.
_FIRST_MICROS, _LAST_MICROS = -62_135_596_800_000_000, 253_402_300_799_999_999


def with_times() -> Transform:
    """Read `created_at` in any of the forms above.

    Columns in:   json: struct with created_at: variant
    Columns out:  + created_at: timestamp (UTC), null if missing, of a wrong type or unreadable;
                  + event_date: date (UTC) of created_at
    Rows:         one out for each in

    Raises:
        MissingColumnsError: when applied, if the frame lacks json.
    """

    def apply(records: DataFrame) -> DataFrame:
        require(records, JSON, owner="with_times")
        given = F.col(JSON).getField(CREATED_AT)
        read = records.transform(with_timestamp(CREATED_AT, given))
        return read.withColumn(EVENT_DATE, utc_date(F.col(CREATED_AT)))

    return apply


def with_created_datetime(events: DataFrame) -> DataFrame:
    """Format `created_at` as text.

    Columns in:   created_at: timestamp (UTC)
    Columns out:  + created_datetime: string, `2025-11-22T08:26:40.250000Z`, always UTC
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks created_at.
    """
    require(events, CREATED_AT, owner="with_created_datetime")
    return events.withColumn(CREATED_DATETIME, iso_text(F.col(CREATED_AT)))


def with_timestamp(name: str, value: Column) -> Transform:
    """Read a JSON value (variant) as a time, in any of the forms above.

    Columns in:   those that `value` reads
    Columns out:  + `name`: timestamp (UTC), null if the value is not a time
    Rows:         one out for each in
    """
    kind, text, number, time = (F.col(name) for name in ("_kind", "_text", "_number", "_time"))
    plain = F.regexp_extract(text, _NUMBER_TEXT, 1)
    is_in_years = F.unix_micros(time).between(_FIRST_MICROS, _LAST_MICROS)

    def apply(records: DataFrame) -> DataFrame:
        # An integer, the common case, is null in `_text` and `_number`. The next step uses each of
        # these columns more than once. A column of its own is computed once.
        return (
            records.withColumn("_kind", json_type(value))
            .withColumn("_text", F.when(kind != "BIGINT", as_type(value, "string")))
            .withColumn(
                "_number", F.when(kind == "DOUBLE", text).otherwise(plain).try_cast(_NUMBER)
            )
            .withColumn("_integer", F.when(kind == "BIGINT", as_type(value, "bigint")))
            .withColumn(
                "_time",
                F.when(kind == "BIGINT", from_epoch(F.col("_integer")))
                .when(number.isNotNull() & (kind != "BOOLEAN"), from_epoch(number))
                .when(kind == "STRING", from_iso(text)),
            )
            .withColumn(name, F.when(is_in_years, time))
            .drop("_kind", "_text", "_number", "_integer", "_time")
        )

    return apply


def from_epoch(number: Column) -> Column:
    """1763800000, 1763800000000 and 1763800000000000 -> the same timestamp. Null if too large.

    `number` is a bigint, or a decimal whose product with 1,000,000 is exact.
    """

    def below(bound: int) -> Column:  # not abs(), which overflows for the smallest bigint
        return (number > -bound) & (number < bound)

    micros = (
        F.when(below(_SECONDS_BOUND), number * F.lit(1_000_000))
        .when(below(_MILLIS_BOUND), number * F.lit(1_000))
        .when(below(_MICROS_BOUND), number * F.lit(1))
    )
    return F.timestamp_micros(F.floor(micros).cast("bigint"))


def from_iso(text: Column) -> Column:
    """`2025-11-22T09:26+01:00` -> its timestamp. Null if it is no date and time with an offset."""
    plain = F.when(text.rlike(_PLAIN_ISO), text.try_cast("timestamp"))
    return F.coalesce(plain, F.when(text.rlike(_ISO_8601), _from_parts(text)))


def missing_part(text: Column) -> Column:
    """The part of ISO 8601 that a text lacks: `no offset`, `no time`, `no date`, or null."""
    return (
        F.when(text.rlike(_WITHOUT_OFFSET), "no offset")
        .when(text.rlike(_WITHOUT_TIME), "no time")
        .when(text.rlike(_WITHOUT_DATE), "no date")
    )


def _from_parts(text: Column) -> Column:
    """Write the parts of `_ISO_8601` in the one form that Spark's cast reads, and cast it."""

    def part(group: int, default: str = "00") -> Column:
        found = F.regexp_extract(text, _ISO_8601, group)
        return F.when(found == "", default).otherwise(found)

    hour = part(_HOUR)
    time = [part(_MINUTE), F.lit(":"), part(_SECOND), F.lit("."), part(_FRACTION)]
    ends_day = (hour == "24") & F.concat(*time).rlike(r"\A[0:.]+\z")
    start = F.concat(
        *(part(_YEAR), F.lit("-"), part(_MONTH), F.lit("-"), part(_DAY), F.lit("T")),
        *(F.when(ends_day, "00").otherwise(hour), F.lit(":"), *time),
        *(part(_OFFSET_HOUR, "+00"), F.lit(":"), part(_OFFSET_MINUTE)),
    ).try_cast("timestamp")
    return F.when(ends_day, start + F.expr("interval 1 day")).otherwise(start)


def utc_date(time: Column) -> Column:
    """The UTC date of a timestamp, in any time zone of the session."""
    return F.date_from_unix_date(_epoch_day(time).cast("int"))


def iso_text(time: Column) -> Column:
    """A timestamp -> `2025-11-22T08:26:40.250000Z`. For the years 1 to 9999."""
    micros = F.pmod(F.unix_micros(time), F.lit(_DAY_MICROS))
    # 1HHMMSSffffff: the leading 1 keeps the zeros after it
    digits = (
        10**12
        + _div(micros, 3_600_000_000) * 10**10
        + _div(micros, 60_000_000) % 60 * 10**8
        + micros % 60_000_000
    ).cast("string")
    return F.concat(
        utc_date(time).cast("string"),
        F.lit("T"),
        digits.substr(2, 2),
        F.lit(":"),
        digits.substr(4, 2),
        F.lit(":"),
        digits.substr(6, 2),
        F.lit("."),
        digits.substr(8, 6),
        F.lit("Z"),
    )


def _epoch_day(time: Column) -> Column:
    micros = F.unix_micros(time)
    return _div(micros - F.pmod(micros, F.lit(_DAY_MICROS)), _DAY_MICROS)


def _div(number: Column, divisor: int) -> Column:
    return F.call_function("div", number, F.lit(divisor))
