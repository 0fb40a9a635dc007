"""Whether an event came late."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import ARRIVED_AT, CREATED_AT, INGESTED_AT, IS_LATE
from transforms.compose import Transform
from transforms.errors import InvalidSettingError, require


def with_lateness(window: timedelta) -> Transform:
    """Flag the events that arrived longer than `window` after they were created.

    Columns in:   created_at, arrived_at, ingested_at: timestamp (UTC); ingested_at is used if
                  Kinesis reported no arrival
    Columns out:  + is_late: boolean, null if created_at is null
    Rows:         one out for each in

    Raises:
        InvalidSettingError: at once, unless `window` is greater than zero.
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    if window <= timedelta(0):
        raise InvalidSettingError("with_lateness(window)", "a window greater than zero", window)
    arrived = F.unix_micros(F.coalesce(ARRIVED_AT, INGESTED_AT))
    delay = arrived - F.unix_micros(CREATED_AT)
    is_late = delay > window // timedelta(microseconds=1)

    def apply(records: DataFrame) -> DataFrame:
        require(records, CREATED_AT, ARRIVED_AT, INGESTED_AT, owner="with_lateness")
        return records.withColumn(IS_LATE, is_late)

    return apply
