"""Records of two rounds, where the second repeats events of the first, and the rows after both."""

import time

from tests.support.small_lake import SmallLake, event

NOW = int(time.time())
_LATE = NOW - 9 * 3600

BEFORE = (event("a", NOW), event("late", _LATE), b"not json")
AFTER = (event("a", NOW), event("late", _LATE), event("b", NOW), b"nor this")


def assert_exact(lake: SmallLake) -> None:
    """Each event is stored once, and each rejected record once."""
    assert lake.stored() == ["a", "b", "late"]
    rows = lake.quarantine().select("data", "reasons").collect()
    rejected = sorted((bytes(row["data"]), row["reasons"]) for row in rows)
    assert rejected == [(b"nor this", ["not_json"]), (b"not json", ["not_json"])]
