"""Derive the type and the subtype of an event from its name: `lesson:quiz:started`."""

from typing import Literal, get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import EVENT_NAME, EVENT_SUBTYPE, EVENT_TYPE
from transforms.compose import Transform
from transforms.errors import InvalidSettingError, require

Subtype = Literal["second_part", "rest"]

_SEPARATOR = ":"


def with_event_parts(subtype: Subtype = "second_part") -> Transform:
    """Split the event's name at its colons.

    Columns in:   event_name: string
    Columns out:  + event_type: string, the first part;
                  + event_subtype: string, the second part, or with `rest` everything after the
                    first part; null if the name has one part
    Rows:         one out for each in

    Raises:
        InvalidSettingError: at once, if `subtype` is invalid.
        MissingColumnsError: when applied, if the frame lacks event_name.
    """
    if subtype not in get_args(Subtype):
        expected = f"one of {list(get_args(Subtype))}"
        raise InvalidSettingError("with_event_parts(subtype)", expected, subtype)
    name = F.col(EVENT_NAME)
    second = second_part(name) if subtype == "second_part" else rest(name)

    def apply(events: DataFrame) -> DataFrame:
        require(events, EVENT_NAME, owner="with_event_parts")
        return events.withColumn(EVENT_TYPE, first_part(name)).withColumn(EVENT_SUBTYPE, second)

    return apply


def first_part(name: Column) -> Column:
    """`lesson:quiz:started` -> `lesson`"""
    return F.substring_index(name, _SEPARATOR, 1)


def second_part(name: Column) -> Column:
    """`lesson:quiz:started` -> `quiz`. Null if there is none."""
    return first_part(rest(name))


def rest(name: Column) -> Column:
    """`lesson:quiz:started` -> `quiz:started`. Null if there is none."""
    remainder = F.substring(name, F.length(first_part(name)) + F.lit(2), F.length(name))
    return F.nullif(remainder, F.lit(""))
