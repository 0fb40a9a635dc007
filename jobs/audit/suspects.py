"""What hashes of whole tables clear, and what they leave to be looked at row by row."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.audit.reconciliation import (
    IDENTITY_HASH,
    IN_EVENTS,
    IN_QUARANTINE,
    IN_RAW,
    POSITION_HASH,
    by_hash,
    identity_hash,
    is_in_order,
    is_unaccounted,
    position_hash,
)
from jobs.audit.snapshot import Snapshot
from jobs.dataframes.hash_joins import kept

_STORED = "stored"
_WAITING = "waiting"


@dataclass(frozen=True)
class Doubts:
    """What is cleared, in numbers, and what is not.

    stored, quarantined, twins: how many positions are cleared as such
    positions:                  rows of the ledger (`audit_ledger.by_hash`) that are not cleared
    shared:                     identity_hash: bigint, of identities that are stored more than once
    """

    stored: int
    quarantined: int
    twins: int
    positions: DataFrame
    shared: DataFrame


@contextmanager
def doubts(snapshot: Snapshot, events: DataFrame, partitions: int) -> Iterator[Doubts]:
    """Clear what is in order, and then the twins of `events`."""
    counts = Observation("in order")
    places = {_STORED: F.col(IN_EVENTS) == 1, "quarantined": F.col(IN_QUARANTINE) == 1}
    ledger = by_hash(snapshot.within, partitions).observe(
        counts, *(F.count_if(is_in_order() & is_so).alias(name) for name, is_so in places.items())
    )
    with kept(ledger.where(~is_in_order())) as out_of_order:
        out_of_order.count()
        unaccounted = out_of_order.where(is_unaccounted() & (F.col(IN_RAW) == 1))
        with (
            _taken(unaccounted, snapshot) as waiting,
            kept(_by_identity(events, waiting, partitions)) as identities,
            kept(_twins(waiting, identities)) as twins,
            kept(out_of_order.join(twins, on=POSITION_HASH, how="left_anti")) as positions,
        ):
            yield Doubts(
                **counts.get,
                twins=twins.count(),
                positions=positions,
                shared=identities.where(F.col(_STORED) > 1).select(IDENTITY_HASH),
            )


@contextmanager
def _taken(unaccounted: DataFrame, snapshot: Snapshot) -> Iterator[DataFrame]:
    """Those that `process` has taken: only they may be twins."""
    if snapshot.taken is None:
        yield unaccounted
        return
    taken = snapshot.taken().select(position_hash().alias(POSITION_HASH))
    with kept(unaccounted.join(taken, on=POSITION_HASH, how="left_semi")) as waiting:
        yield waiting


def _by_identity(events: DataFrame, waiting: DataFrame, partitions: int) -> DataFrame:
    """Count each identity by its hash: the events of it, and the records that have no place.

    Columns out:  identity_hash, stored, waiting: bigint
    Rows:         one for each that is stored more than once, or that a record waits for
    """
    stored = events.select(identity_hash().alias(IDENTITY_HASH), F.lit(1).alias(_STORED))
    entries = stored.unionAll(waiting.select(IDENTITY_HASH, F.lit(0).alias(_STORED)))
    whole = entries.where(F.col(IDENTITY_HASH).isNotNull())
    counted = whole.repartition(partitions, IDENTITY_HASH).groupBy(IDENTITY_HASH)
    return counted.agg(
        F.count_if(F.col(_STORED) == 1).alias(_STORED),
        F.count_if(F.col(_STORED) == 0).alias(_WAITING),
    ).where((F.col(_STORED) > 1) | (F.col(_WAITING) > 0))


def _twins(waiting: DataFrame, identities: DataFrame) -> DataFrame:
    """The hashes of the records of which another one's event has the identity."""
    held = identities.where((F.col(_STORED) > 0) & (F.col(_WAITING) > 0))
    return waiting.join(held, on=IDENTITY_HASH, how="left_semi").select(POSITION_HASH)
