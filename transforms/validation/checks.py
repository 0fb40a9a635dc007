"""Check whether a record is a valid event. An invalid record gets every reason that applies.

| reason | if |
|---|---|
| `not_utf8` `not_json` `unsupported_json` `not_an_object` `trailing_data` `too_large` | see
  `with_parsed_json` |
| `not_compressed` `not_in_envelope` `no_event` | see `transforms.unpacking` |
| `missing_event_uuid` `missing_event_name` `missing_created_at` | absent, JSON null, blank text |
| `wrong_type_event_uuid` `wrong_type_event_name` | not text |
| `wrong_type_created_at` | neither number nor text |
| `invalid_event_uuid` | control characters, too long, or half of a surrogate pair |
| `invalid_event_name` | does not match the pattern, or its folder has more than 255 bytes |
| `created_at_unreadable` | a number or text that is no time (see `parsing/timestamps.py`) |
| `created_at_in_future` | later than the record's arrival by more than `max_future` |
| `created_at_too_old` | earlier than `created_at_floor` |
"""

from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import (
    ARRIVED_AT,
    CREATED_AT,
    DATA,
    DETAIL,
    EVENT_NAME,
    EVENT_UUID,
    FAULT,
    INGESTED_AT,
    JSON,
    REASONS,
)
from transforms.compose import Transform
from transforms.errors import require
from transforms.parsing import as_type, is_absent, is_number, is_text
from transforms.validation.details import MAX_UUID_CHARS, fault_detail, member_details
from transforms.validation.folders import is_folder_name
from transforms.validation.hints import format_hint
from transforms.validation.limits import DEFAULT_LIMITS, CheckLimits

_PRINTABLE = r"\A\P{Cntrl}+\z"
# Half of a surrogate pair is valid JSON, but not UTF-8. The parser replaces it with `?`, so two
# different uuids would become equal. (Since Spark 4.2 the parser rejects the record.)
_HALF_PAIR = (
    r"(?i)\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})"
    r"|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}"
)
_MAX_DETAIL_CHARS = 300


def with_reasons(limits: CheckLimits = DEFAULT_LIMITS) -> Transform:
    """Add every reason for which a record is not a valid event.

    Columns in:   data, json, fault, event_uuid, event_name (see `with_parsed_json`); created_at,
                  arrived_at, ingested_at: timestamp (UTC); ingested_at is used if arrived_at is
                  null
    Columns out:  + reasons: array<string>, all that apply, empty for a valid event;
                  + detail: string, what was expected and what was found, null for a valid event
    Rows:         one out for each in

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    fault = F.col(FAULT)
    by_member = [F.col("_uuid_reason"), F.col("_name_reason"), F.col("_time_reason")]
    none = F.array().cast("array<string>")
    is_valid = F.coalesce(fault, *by_member).isNull()
    reasons = F.array_except(F.array(fault, *by_member), F.array(F.lit(None).cast("string")))
    details = F.concat_ws(
        "; ", fault_detail(limits), format_hint(by_member[0]), *member_details(limits, *by_member)
    )

    def apply(records: DataFrame) -> DataFrame:
        require(
            records,
            *(DATA, JSON, FAULT, EVENT_UUID, EVENT_NAME, CREATED_AT, ARRIVED_AT, INGESTED_AT),
            owner="with_reasons",
        )
        readable = fault.isNull()
        # Each reason is used more than once below. A column of its own is computed once.
        return (
            records.withColumn("_uuid_reason", F.when(readable, uuid_reason()))
            .withColumn("_name_reason", F.when(readable, name_reason(limits)))
            .withColumn("_time_reason", F.when(readable, created_at_reason(limits)))
            .withColumn(REASONS, F.when(is_valid, none).otherwise(reasons))
            .withColumn(DETAIL, F.when(~is_valid, F.left(details, F.lit(_MAX_DETAIL_CHARS))))
            .drop("_uuid_reason", "_name_reason", "_time_reason")
        )

    return apply


def reason_if(is_invalid: Column, reason: str) -> Column:
    """`reason` if `is_invalid` is true, else null."""
    return F.when(is_invalid, F.lit(reason))


def uuid_reason() -> Column:
    """The reason why `event_uuid` cannot identify an event, or null."""
    uuid = F.col(EVENT_UUID)
    has_half_pair = uuid.contains("?") & F.col(DATA).cast("string").rlike(_HALF_PAIR)
    is_invalid = (F.length(uuid) > MAX_UUID_CHARS) | ~uuid.rlike(_PRINTABLE) | has_half_pair
    return F.coalesce(
        _absent_or_mistyped(EVENT_UUID, uuid),
        reason_if(_is_blank(uuid), "missing_event_uuid"),
        reason_if(is_invalid, "invalid_event_uuid"),
    )


def name_reason(limits: CheckLimits) -> Column:
    """The reason why `event_name` cannot name an event and its partition, or null."""
    name = F.col(EVENT_NAME)
    # Length comes first: a pattern with a repeated group overflows the stack on very long text.
    is_invalid = ~is_folder_name(name) | ~name.rlike(rf"\A(?:{limits.event_name_pattern})\z")
    return F.coalesce(
        _absent_or_mistyped(EVENT_NAME, name),
        reason_if(_is_blank(name), "missing_event_name"),
        reason_if(is_invalid, "invalid_event_name"),
    )


def created_at_reason(limits: CheckLimits) -> Column:
    """The reason why `created_at` is no valid time of an event, or null."""
    value = F.col(JSON).getField(CREATED_AT)
    created = F.unix_micros(CREATED_AT)
    arrived = F.unix_micros(F.coalesce(ARRIVED_AT, INGESTED_AT))
    unreadable = (
        F.when(is_absent(value), "missing_created_at")
        .when(is_text(value) & _is_blank(as_type(value, "string")), "missing_created_at")
        .when(is_text(value) | is_number(value), "created_at_unreadable")
        .otherwise("wrong_type_created_at")
    )
    return F.coalesce(
        F.when(created.isNull(), unreadable),
        reason_if(created < _micros(limits.created_at_floor), "created_at_too_old"),
        reason_if(created - arrived > _span(limits.max_future), "created_at_in_future"),
    )


def _absent_or_mistyped(member: str, text: Column) -> Column:
    is_missing = is_absent(F.col(JSON).getField(member))
    reason = F.when(is_missing, f"missing_{member}").otherwise(f"wrong_type_{member}")
    return F.when(text.isNull(), reason)


def _is_blank(text: Column) -> Column:
    return F.trim(text) == ""


def _micros(time: datetime) -> int:
    return _span(time - datetime(1970, 1, 1, tzinfo=UTC))


def _span(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
