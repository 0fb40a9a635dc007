"""Synthetic records: reproducible, and what they are said to be."""

import json
import random
from datetime import datetime
from decimal import Decimal
from itertools import islice

import pytest
from pyspark.sql import SparkSession

from jobs.errors import ConfigError
from jobs.generator.events import TIME_FORMS, EventMaker, event_names
from jobs.generator.faults import FAULTS
from jobs.generator.traffic import Mix, Record, Tally, records
from transforms.columns import RAW_SCHEMA, REASONS
from transforms.compose import compose
from transforms.parsing.records import parsed
from transforms.parsing.timestamps import with_times
from transforms.validation.checks import with_reasons

NOW_MS = 1_763_800_000_250  # 2025-11-22T08:26:40.250Z
HOUR_MS = 3_600_000


def take(number: int, mix: Mix) -> list[Record]:
    return list(islice(records(mix, lambda: NOW_MS), number))


def micros(created_at: object) -> int:
    """Reads what our producers write, apart from the code that writes and the one that reads."""
    if isinstance(created_at, str) and "T" in created_at:
        return round(datetime.fromisoformat(created_at).timestamp() * 1000) * 1000
    number = Decimal(str(created_at))
    unit = 1_000_000 if number < 10**11 else 1_000 if number < 10**14 else 1
    return int(number * unit)


def identity(record: Record) -> tuple[str, int]:
    event = json.loads(record.data)
    return event["event_uuid"], micros(event["created_at"])


def test_the_same_seed_gives_the_same_records():
    assert take(3000, Mix(seed=7)) == take(3000, Mix(seed=7))
    assert take(10, Mix(seed=7)) != take(10, Mix(seed=8))


def test_the_default_has_100_names_of_10_domains_which_all_come():
    sound = [r for r in take(20_000, Mix()) if r.sort in ("event", "late")]
    names = {json.loads(record.data)["event_name"] for record in sound}
    assert len(names) == 100
    assert len({name.partition(":")[0] for name in names}) == 10


def test_names_are_different_beyond_the_hundred_too():
    names = event_names(250)
    assert len(set(names)) == 250
    assert names[0] == "account:created"
    assert names[100] == "account:created:v2"


def test_shares_are_of_all_records():
    tally = Tally()
    tally.add(take(20_000, Mix(twins=0.05, late=0.02, broken=0.01)))
    assert tally.of() == 20_000
    assert 900 <= tally.of("twin") <= 1100
    assert 340 <= tally.of("late") <= 460
    assert 150 <= tally.of("broken") <= 250


def test_a_twin_repeats_an_earlier_identity_and_nothing_else_does():
    seen: set[tuple[str, int]] = set()
    for record in take(5000, Mix(twins=0.2, late=0.1, broken=0)):
        assert (identity(record) in seen) == (record.sort == "twin"), record
        seen.add(identity(record))


def test_twins_come_in_three_kinds():
    first_data: dict[tuple[str, int], dict[str, object]] = {}
    for record in take(5000, Mix(twins=0.2, broken=0)):
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
                assert record.sort != "twin"


def test_twins_have_the_partition_key_of_their_event():
    """Or they would come to stand in another shard than retries do."""
    keys: dict[tuple[str, int], set[str]] = {}
    for record in take(5000, Mix(twins=0.2, broken=0)):
        keys.setdefault(identity(record), set()).add(record.partition_key)
    assert {len(each) for each in keys.values()} == {1}


def test_late_events_are_hours_or_days_old_and_all_others_seconds():
    ages = {"event": [], "late": []}
    for record in take(5000, Mix(late=0.2, twins=0, broken=0)):
        ages[record.sort].append(NOW_MS - identity(record)[1] // 1000)
    assert min(ages["late"]) >= HOUR_MS
    assert max(ages["late"]) <= 49 * HOUR_MS
    assert min(ages["event"]) >= 0
    assert max(ages["event"]) <= 3_000


def test_events_are_of_a_real_size():
    sizes = [len(record.data) for record in take(2000, Mix(broken=0))]
    assert 280 <= sum(sizes) / len(sizes) <= 360


def test_the_forms_of_a_time():
    assert {name: form(NOW_MS) for name, form in TIME_FORMS.items()} == {
        "milliseconds": 1_763_800_000_250,
        "seconds": 1_763_800_000.25,
        "microseconds": 1_763_800_000_250_000,
        "number as text": "1763800000250",
        "ISO 8601": "2025-11-22T08:26:40.250Z",
        "ISO 8601 with offset": "2025-11-22T13:56:40.250+05:30",
    }


def test_every_form_of_a_time_comes():
    sound = take(5000, Mix(twins=0, late=0, broken=0))
    times = [json.loads(record.data)["created_at"] for record in sound]
    assert {(type(time).__name__, len(str(time))) for time in times} == {
        ("int", 10),
        ("int", 13),
        ("int", 16),
        ("str", 13),
        ("str", 24),
        ("str", 29),
    }


@pytest.mark.parametrize(
    "mix", [{"twins": -0.1}, {"twins": 0.5, "late": 0.5}, {"names": 0}], ids=str
)
def test_a_mix_that_cannot_be_is_refused(mix: dict[str, float]):
    with pytest.raises(ConfigError):
        Mix(**mix)


def test_the_tally_says_what_the_tables_must_hold():
    tally = Tally()
    tally.add(
        [
            Record("a", b"", "event"),
            Record("a", b"", "late"),
            Record("a", b"", "twin", "same bytes"),
            Record("a", b"", "broken", "nothing"),
            Record("a", b"", "broken", "cut off"),
            Record("a", b"", "broken", "Latin-1"),
        ]
    )
    assert tally.identities == 2
    assert tally.reasons == {"not_json": 2, "not_utf8": 1}
    assert tally.kinds("twin") == {"same bytes": 1}


def test_every_fault_is_quarantined_for_the_one_reason_that_it_names(spark: SparkSession):
    """And a sound event for none: else the demo could not tell what to expect."""
    event, moment_ms = EventMaker(100, random.Random(1)).event(NOW_MS)
    broken = [(kind, fault.spoil(event, moment_ms)) for kind, fault in FAULTS.items()]
    sound = [
        (name, json.dumps(event | {"created_at": form(NOW_MS)}).encode())
        for name, form in TIME_FORMS.items()
    ]
    arrived = datetime.fromisoformat("2025-11-22T08:26:41+00:00")
    raw = spark.createDataFrame(
        [
            (data, kind, "shard", "1", 0, arrived, arrived, arrived.date(), 0)
            for kind, data in broken + sound
        ],
        RAW_SCHEMA,
    )
    judged = raw.transform(compose(parsed(), with_times(), with_reasons()))
    actual = {row["partition_key"]: row[REASONS] for row in judged.collect()}
    expected = {kind: [fault.reason] for kind, fault in FAULTS.items()}
    assert actual == expected | {form: [] for form in TIME_FORMS}
