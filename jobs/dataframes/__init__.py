"""Cache, join and count DataFrames. Nothing here knows where the rows are stored."""

from jobs.dataframes.caching import materialized, persisted
from jobs.dataframes.joins import (
    broadcast_if_small,
    candidates_by_hash,
    only_hashes,
    semi_join_on_hash,
)
from jobs.dataframes.reasons import count_reasons

__all__ = [
    "broadcast_if_small",
    "candidates_by_hash",
    "count_reasons",
    "materialized",
    "only_hashes",
    "persisted",
    "semi_join_on_hash",
]
