"""Clear by hashes what is in order. The positions that are left are suspects.

A position is cleared if `reconciliation` finds it in order, or if it is in raw alone and a stored
event has the hash of its identity: then it is a duplicate.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.audit.derived import OUTDATED
from jobs.audit.reconciliation import (
    IDENTITY_HASH,
    IN_EVENTS,
    IN_QUARANTINE,
    IN_RAW,
    POSITION_HASH,
    count_by_hash,
    identity_hash,
    is_in_order,
    is_unaccounted,
    position_hash,
)
from jobs.audit.snapshot import Snapshot
from jobs.dataframes import persisted
from transforms.enrichment import Field

_STORED = "stored"
_QUARANTINED = "quarantined"
_UNACCOUNTED = "unaccounted"


@dataclass(frozen=True)
class Suspects:
    """The number of cleared positions, and the positions that are not cleared.

    outdated:    values of fields that events lack, over all positions
    stored:      cleared positions that are an event
    quarantined: cleared positions that are in quarantine
    duplicates:  cleared positions that are a duplicate of a stored event
    positions:   the rows of `count_by_hash` that are not cleared
    shared:      identity_hash: bigint, of identities that events has more than once
    """

    outdated: int
    stored: int
    quarantined: int
    duplicates: int
    positions: DataFrame
    shared: DataFrame


@contextmanager
def find_suspects(
    snapshot: Snapshot, events: DataFrame, partitions: int, fields: Sequence[Field]
) -> Iterator[Suspects]:
    """Clear what is in order, then the duplicates of `events`.

    Args:
        events: the events that may share an identity with a record in range.
        partitions: of the shuffles.
        fields: the promoted columns to compare.
    """
    observation, outdated = Observation("in order"), Observation("outdated")
    outcomes = {_STORED: F.col(IN_EVENTS) == 1, _QUARANTINED: F.col(IN_QUARANTINE) == 1}
    counts = (
        F.count_if(is_in_order() & is_outcome).alias(name) for name, is_outcome in outcomes.items()
    )
    by_hash = count_by_hash(snapshot.in_range, partitions, fields, outdated)
    by_hash = by_hash.observe(observation, *counts)
    with persisted(by_hash.where(~is_in_order())) as out_of_order:
        out_of_order.count()
        in_raw_alone = out_of_order.where(is_unaccounted() & (F.col(IN_RAW) == 1))
        with (
            _only_processed(in_raw_alone, snapshot) as unaccounted,
            persisted(_count_by_identity(events, unaccounted, partitions)) as identities,
            persisted(_duplicates(unaccounted, identities)) as duplicates,
            persisted(
                out_of_order.join(duplicates, on=POSITION_HASH, how="left_anti")
            ) as positions,
        ):
            yield Suspects(
                outdated=outdated.get[OUTDATED],
                **observation.get,
                duplicates=duplicates.count(),
                positions=positions,
                shared=identities.where(F.col(_STORED) > 1).select(IDENTITY_HASH),
            )


@contextmanager
def _only_processed(unaccounted: DataFrame, snapshot: Snapshot) -> Iterator[DataFrame]:
    """Keep the positions that `process` has processed: no other one can be a duplicate."""
    if snapshot.processed is None:
        yield unaccounted
        return
    processed = snapshot.processed().select(position_hash().alias(POSITION_HASH))
    with persisted(unaccounted.join(processed, on=POSITION_HASH, how="left_semi")) as rows:
        yield rows


def _count_by_identity(events: DataFrame, unaccounted: DataFrame, partitions: int) -> DataFrame:
    """Count the events and the unaccounted records of each identity by its hash.

    Columns out:  identity_hash, stored, unaccounted: bigint
    Rows:         one for each hash that events has more than once, or an unaccounted record has
    """
    stored = events.select(identity_hash().alias(IDENTITY_HASH), F.lit(1).alias(_STORED))
    entries = stored.unionAll(unaccounted.select(IDENTITY_HASH, F.lit(0).alias(_STORED)))
    with_identity = entries.where(F.col(IDENTITY_HASH).isNotNull())
    grouped = with_identity.repartition(partitions, IDENTITY_HASH).groupBy(IDENTITY_HASH)
    return grouped.agg(
        F.count_if(F.col(_STORED) == 1).alias(_STORED),
        F.count_if(F.col(_STORED) == 0).alias(_UNACCOUNTED),
    ).where((F.col(_STORED) > 1) | (F.col(_UNACCOUNTED) > 0))


def _duplicates(unaccounted: DataFrame, identities: DataFrame) -> DataFrame:
    """The position hashes of the records whose identity a stored event has."""
    shared = identities.where((F.col(_STORED) > 0) & (F.col(_UNACCOUNTED) > 0))
    return unaccounted.join(shared, on=IDENTITY_HASH, how="left_semi").select(POSITION_HASH)
