"""Write a UUID in its one canonical form."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import EVENT_UUID
from transforms.errors import require

# 32 hexadecimal digits: with or without hyphens, in braces or parentheses, as a URN, in any case
_UUID = (
    r"(?i)\A\s*(?:urn:uuid:)?[{(]?"
    r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})"
    r"[)}]?\s*\z"
)


def with_canonical_uuid(events: DataFrame) -> DataFrame:
    """Bring each `event_uuid` that is a UUID to the form of RFC 9562, section 4.

    Columns in:   event_uuid: string
    Columns out:  event_uuid: string, `5f0c9a52-…` in lower case; a text that is no UUID unchanged
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks event_uuid.
    """
    require(events, EVENT_UUID, owner="with_canonical_uuid")
    return events.withColumn(EVENT_UUID, canonical_uuid(F.col(EVENT_UUID)))


def canonical_uuid(text: Column) -> Column:
    """`{5F0C9A52-…}`, ` urn:uuid:5f0c9a52-… `, `5f0c9a52…` -> `5f0c9a52-…`. Else unchanged."""
    canonical = F.regexp_replace(text, _UUID, "$1-$2-$3-$4-$5")
    return F.when(text.rlike(_UUID), F.lower(canonical)).otherwise(text)
