"""Traffic: reproducible, and composed as its mix specifies."""

import json
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from jobs.errors import ConfigError
from jobs.generator.traffic import Mix, Record, Tally, records

NOW_MS = 1_763_800_000_250  # 2025-11-22T08:26:40.250Z
HOUR_MS = 3_600_000


def take(number: int, mix: Mix) -> list[Record]:
    return list(islice(records(mix, lambda: NOW_MS), number))


def micros(created_at: object) -> int:
    """Parse a time, independently of the code under test and of the pipeline."""
    if isinstance(created_at, str) and "T" in created_at:
        return round(datetime.fromisoformat(created_at).timestamp() * 1000) * 1000
    number = Decimal(str(created_at))
    unit = 1_000_000 if number < 10**11 else 1_000 if number < 10**14 else 1
    return int(number * unit)


def identity(record: Record) -> tuple[str, int]:
    event = json.loads(record.data)
    return event["event_uuid"], micros(event["created_at"])


def test_the_same_seed_gives_the_same_records() -> None:
    assert take(3000, Mix(seed=7)) == take(3000, Mix(seed=7))
    assert take(10, Mix(seed=7)) != take(10, Mix(seed=8))


def test_the_default_mix_has_100_names_of_10_domains() -> None:
    valid = [r for r in take(20_000, Mix()) if r.sort in ("event", "late")]
    names = {json.loads(record.data)["event_name"] for record in valid}
    assert len(names) == 100
    assert len({name.partition(":")[0] for name in names}) == 10


def test_shares_are_of_all_records() -> None:
    tally = Tally()
    tally.add(take(20_000, Mix(duplicates=0.05, late=0.02, broken=0.01)))
    assert tally.of() == 20_000
    assert 900 <= tally.of("duplicate") <= 1100
    assert 340 <= tally.of("late") <= 460
    assert 150 <= tally.of("broken") <= 250


def test_a_duplicate_repeats_an_earlier_identity_and_nothing_else_does() -> None:
    seen: set[tuple[str, int]] = set()
    for record in take(5000, Mix(duplicates=0.2, late=0.1, broken=0)):
        assert (identity(record) in seen) == (record.sort == "duplicate"), record
        seen.add(identity(record))


def test_duplicates_have_three_kinds() -> None:
    first_data: dict[tuple[str, int], dict[str, object]] = {}
    for record in take(5000, Mix(duplicates=0.2, broken=0)):
        event = json.loads(record.data)
        first = first_data.setdefault(identity(record), event)
        match record.kind:
            case "same bytes":
                assert event == first
            case "other payload":
                assert event != first
                assert event["created_at"] == first["created_at"]
            case "other form of created_at":
                assert event["created_at"] != first["created_at"]
                assert event | {"created_at": None} == first | {"created_at": None}
            case _:
                assert record.sort != "duplicate"


def test_duplicates_have_the_partition_key_of_their_event() -> None:
    """They are in the same shard, as those of a retry."""
    keys: dict[tuple[str, int], set[str]] = {}
    for record in take(5000, Mix(duplicates=0.2, broken=0)):
        keys.setdefault(identity(record), set()).add(record.partition_key)
    assert {len(each) for each in keys.values()} == {1}


def test_late_events_are_hours_or_days_old_and_all_others_seconds() -> None:
    ages: dict[str, list[int]] = {"event": [], "late": []}
    for record in take(5000, Mix(late=0.2, duplicates=0, broken=0)):
        ages[record.sort].append(NOW_MS - identity(record)[1] // 1000)
    assert min(ages["late"]) >= HOUR_MS
    assert max(ages["late"]) <= 49 * HOUR_MS
    assert min(ages["event"]) >= 0
    assert max(ages["event"]) <= 3_000


@pytest.mark.parametrize(
    "mix", [{"duplicates": -0.1}, {"duplicates": 0.5, "late": 0.5}, {"names": 0}], ids=str
)
def test_an_impossible_mix_is_rejected(mix: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Mix(**mix)


def test_the_tally_counts_the_rows_that_the_tables_must_have() -> None:
    tally = Tally()
    tally.add(
        [
            Record("a", b"", "event"),
            Record("a", b"", "late"),
            Record("a", b"", "duplicate", "same bytes"),
            Record("a", b"", "broken", "nothing"),
            Record("a", b"", "broken", "cut off"),
            Record("a", b"", "broken", "Latin-1"),
        ]
    )
    assert tally.identities == 2
    assert tally.reasons == {"not_json": 2, "not_utf8": 1}
    assert tally.kinds("duplicate") == {"same bytes": 1}
