"""The transform that makes one row of each event in a record."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    IntegerType,
    StringType,
    StructField,
    StructType,
)

from transforms.columns import DATA, FAULT, POSITION, RECORD_INDEX, UNPACKING_FAULT
from transforms.compose import Transform
from transforms.errors import require
from transforms.unpacking.record import part_again, parts_of
from transforms.unpacking.record_format import PLAIN, RecordFormat

# The record_index of a row that holds a record as it came
WHOLE_RECORD = -1

_PART = (DATA, RECORD_INDEX, UNPACKING_FAULT)


def with_record_index(records: DataFrame) -> DataFrame:
    """Add the index that rows of earlier versions lack.

    Columns out:  record_index: int, -1 where it is absent or null
    Rows:         one out for each in
    """
    if RECORD_INDEX not in records.columns:
        return records.withColumn(RECORD_INDEX, F.lit(WHOLE_RECORD))
    return records.withColumn(RECORD_INDEX, F.coalesce(RECORD_INDEX, F.lit(WHOLE_RECORD)))


def position_text() -> Column:
    """The position of a row: `shardId-…/4959…/0/0`, or `shardId-…/4959…/0/2/0` for the event 2."""
    index = F.nullif(RECORD_INDEX, F.lit(WHOLE_RECORD))
    return F.concat_ws("/", *(index if name == RECORD_INDEX else name for name in POSITION))


def with_unpacked_events(form: RecordFormat = PLAIN) -> Transform:
    """Take each record apart into its events.

    A row that was taken out of a record before, as that of a replayed event, stays one row.

    Columns in:   data: binary; record_index: int, -1 for a whole record
    Columns out:  data: binary, that of the event; record_index: int, its index in the record; with
                  a plain format, and if the record cannot be taken apart, both as they were;
                  + unpacking_fault: string, why the row is no event (see `parts_of`), or null
    Rows:         one for each part of a record, at least one; with a plain format one for each in

    Raises:
        MissingColumnsError: when applied, if the frame lacks data or record_index.
    """

    def apply(records: DataFrame) -> DataFrame:
        require(records, DATA, RECORD_INDEX, owner="with_unpacked_events")
        if form.is_plain:
            return records.withColumn(UNPACKING_FAULT, F.lit(None).cast("string"))
        part = F.explode(_parts_column(form)).alias("part")
        others = [name for name in records.columns if name not in (DATA, RECORD_INDEX)]
        return records.select("*", part).select(
            *(F.col(f"part.{name}").alias(name) for name in _PART), *others
        )

    return apply


def with_unpacking_faults(parsed: DataFrame) -> DataFrame:
    """Put the fault of the unpacking before that of the parsing.

    Columns in:   fault, unpacking_fault: string
    Columns out:  fault: string; without unpacking_fault
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(parsed, FAULT, UNPACKING_FAULT, owner="with_unpacking_faults")
    return parsed.withColumn(FAULT, F.coalesce(UNPACKING_FAULT, FAULT)).drop(UNPACKING_FAULT)


def _parts_column(form: RecordFormat) -> Column:
    def parts(data: bytes | None, index: int) -> list[tuple[bytes, int, str | None]]:
        return _parts_of_row(bytes(data or b""), index, form)

    # A plain function of Python: those on Arrow need pandas, which nothing else here does.
    schema = ArrayType(
        StructType(
            [
                StructField(DATA, BinaryType()),
                StructField(RECORD_INDEX, IntegerType()),
                StructField(UNPACKING_FAULT, StringType()),
            ]
        )
    )
    return F.udf(parts, schema, useArrow=False)(DATA, RECORD_INDEX)


def _parts_of_row(
    data: bytes, index: int, form: RecordFormat
) -> list[tuple[bytes, int, str | None]]:
    if index != WHOLE_RECORD:
        part = part_again(data, form)
        return [(part.data, index, part.fault)]
    parts = parts_of(data, form)
    if isinstance(parts, str):
        return [(data, WHOLE_RECORD, parts)]
    return [(part.data, place, part.fault) for place, part in enumerate(parts)]
