"""Synthetic events: their names, their size, and the forms of their time."""

import json
import random

from jobs.generator.events import TIME_FORMS, EventMaker, encode, event_names

NOW_MS = 1_763_800_000_250  # 2025-11-22T08:26:40.250Z


def test_names_are_different_beyond_the_first_hundred() -> None:
    names = event_names(250)
    assert len(set(names)) == 250
    assert names[0] == "account:created"
    assert names[100] == "account:created:v2"


def test_a_hundred_names_of_ten_domains_occur() -> None:
    maker = EventMaker(100, random.Random(1))
    names = {maker.event(NOW_MS)[0]["event_name"] for _ in range(20_000)}
    assert len(names) == 100
    assert len({name.partition(":")[0] for name in names}) == 10


def test_events_have_a_realistic_size() -> None:
    maker = EventMaker(100, random.Random(1))
    sizes = [len(encode(maker.event(NOW_MS)[0])) for _ in range(2_000)]
    assert 280 <= sum(sizes) / len(sizes) <= 360


def test_each_form_of_a_time_is_written_as_documented() -> None:
    assert {name: form(NOW_MS) for name, form in TIME_FORMS.items()} == {
        "milliseconds": 1_763_800_000_250,
        "seconds": 1_763_800_000.25,
        "microseconds": 1_763_800_000_250_000,
        "number as text": "1763800000250",
        "ISO 8601": "2025-11-22T08:26:40.250Z",
        "ISO 8601 with offset": "2025-11-22T13:56:40.250+05:30",
    }


def test_every_form_of_a_time_occurs() -> None:
    maker = EventMaker(100, random.Random(1))
    times = [maker.event(NOW_MS)[0]["created_at"] for _ in range(5_000)]
    assert {(type(time).__name__, len(str(time))) for time in times} == {
        ("int", 10),
        ("int", 13),
        ("int", 16),
        ("str", 13),
        ("str", 24),
        ("str", 29),
    }


def test_the_time_of_an_event_is_that_of_its_json() -> None:
    """An event in whole seconds has lost its milliseconds, and its time has lost them too."""
    maker = EventMaker(100, random.Random(1))
    events = [maker.event(NOW_MS) for _ in range(1_000)]
    seconds = {ms for event, ms in events if len(json.dumps(event["created_at"])) == 10}
    others = {ms for event, ms in events if len(json.dumps(event["created_at"])) != 10}
    assert (seconds, others) == ({1_763_800_000_000}, {NOW_MS})
