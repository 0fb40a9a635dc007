"""What the demo shows, when it ends, and which folder it makes anew."""

import io
import threading
from pathlib import Path

import pytest

from jobs.audit.report import Report
from jobs.config import loader as config
from jobs.config.settings import Lake, Once, Settings, Source
from jobs.demo import workspace as demo_folder
from jobs.demo.progress import Progress, Watch
from jobs.demo.report import counts
from jobs.errors import LakeError
from jobs.generator.traffic import Record, Tally
from jobs.metrics.listener import Batch
from jobs.reporting.status_line import StatusLine
from jobs.sinks.processed import BatchCounts
from transforms.enrichment.promoted_fields import Field

INGESTED = Batch(query="ingest", number=0, records=5, seconds=1.0)
PROCESSED = Batch(
    query="process",
    number=0,
    records=5,
    seconds=1.0,
    counts=BatchCounts(batch=0, stored=2, late=1, late_twins=1, quarantined=1),
    twins=1,
)


def five_records() -> Tally:
    tally = Tally()
    tally.add([Record("k", b"", "event"), Record("k", b"", "late")])
    tally.add([Record("k", b"", "twin", "same bytes"), Record("k", b"", "twin", "other payload")])
    tally.add([Record("k", b"", "broken", "nothing")])
    return tally


# --- Progress ---


def test_the_progress_line_has_every_outcome():
    progress = Progress(five_records())
    progress.add(INGESTED)
    progress.add(PROCESSED)
    assert progress.line(65.0) == ("  1:05  put 5  in raw 5  stored 2  twins 2  quarantined 1  0/s")


def ended(progress: Progress, *, is_fed: bool, within: float) -> bool:
    end = threading.Event()
    watch = Watch(progress, StatusLine(io.StringIO()), lambda: is_fed, end.set)
    watch.start()
    try:
        return end.wait(within)
    finally:
        watch.stop()


def test_the_watch_ends_the_run_when_every_record_has_an_outcome():
    progress = Progress(five_records())
    progress.add(PROCESSED)
    assert ended(progress, is_fed=True, within=30)


@pytest.mark.parametrize(("is_fed", "batches"), [(False, [PROCESSED]), (True, [INGESTED])])
def test_the_watch_goes_on_while_records_are_put_or_have_no_outcome(
    is_fed: bool, batches: list[Batch]
):
    progress = Progress(five_records())
    for batch in batches:
        progress.add(batch)
    assert not ended(progress, is_fed=is_fed, within=1)


# --- The status line ---


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_state_stays_on_one_line():
    out = Terminal()
    line = StatusLine(out)
    line.show("put 1")
    line.show("put 2")
    line.done("put 3")
    assert out.getvalue() == "\r\x1b[2Kput 1\r\x1b[2Kput 2\r\x1b[2Kput 3\n"


def test_elsewhere_the_state_is_a_line_every_five_seconds():
    """A log file of a demo is not full of control characters, nor of a hundred lines."""
    out, now = io.StringIO(), [0.0]
    line = StatusLine(out, clock=lambda: now[0])
    for now[0] in (1.0, 5.0, 6.0, 11.0):
        line.show(f"put {now[0]:.0f}")
    line.done("put all")
    assert out.getvalue().splitlines() == ["put 5", "put 11", "put all"]


# --- Put against found ---


def report(**changed: object) -> Report:
    found = {
        "first": None,
        "last": None,
        "raw": 5,
        "stored": 2,
        "twins": 2,
        "quarantined": 1,
        "pending": 0,
        "reasons": {"not_json": 1},
    }
    return Report(**(found | changed))  # type: ignore[arg-type]


def test_all_numbers_agree_when_the_lake_holds_what_was_put():
    found = counts(five_records(), report(), late=1)
    assert [(each.name, each.put, each.found, each.agrees) for each in found] == [
        ("records, in raw byte for byte", 5, 5, True),
        ("events, each identity once", 2, 2, True),
        ("  of them hours or days late", 1, 1, True),
        ("twins, left out", 2, 2, True),
        ("broken, in quarantine with the reason", 1, 1, True),
        ("  not_json", 1, 1, True),
    ]


@pytest.mark.parametrize(
    ("changed", "late", "name"),
    [
        ({"raw": 4}, 1, "records, in raw byte for byte"),
        ({"stored": 3}, 1, "events, each identity once"),
        ({}, 0, "  of them hours or days late"),
        ({"twins": 1}, 1, "twins, left out"),
        ({"quarantined": 2}, 1, "broken, in quarantine with the reason"),
        ({"reasons": {"not_json": 1, "not_utf8": 1}}, 1, "  not_utf8"),
    ],
)
def test_a_number_that_differs_is_told(changed: dict[str, object], late: int, name: str):
    found = counts(five_records(), report(**changed), late)
    assert [each.name for each in found if not each.agrees] == [name]
    assert [str(each).endswith("DIFFERS") for each in found if each.name == name] == [True]


# --- The folder ---


def test_a_second_demo_makes_the_lake_anew(tmp_path: Path):
    folder = tmp_path / "lake"
    demo_folder.make_anew(folder)
    (folder / "raw" / "records").mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    demo_folder.make_anew(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["demo.toml", "notes.txt"]


def test_a_folder_that_is_not_of_the_demo_is_left_alone(tmp_path: Path):
    (tmp_path / "raw").mkdir()
    with pytest.raises(LakeError, match="--dir"):
        demo_folder.make_anew(tmp_path)
    assert (tmp_path / "raw").is_dir()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="cannot be written: Not a directory"):
        demo_folder.make_anew(tmp_path / "file" / "lake")


def test_the_settings_that_the_demo_leaves_name_its_lake(tmp_path: Path):
    """So that the commands that it recommends work on what it made."""
    folder = tmp_path / 'a "lake" für alle'
    zones = {zone: f"{folder}/{zone}" for zone in ("raw", "processed", "checkpoints")}
    settings = Settings(
        source=Source(stream="demo", endpoint_url="http://127.0.0.1:1"),
        lake=Lake(**zones),
        once=Once(),
        fields=(Field(name="amount", path="$.details.amount", type="decimal(12,2)"),),
    )
    demo_folder.make_anew(folder)
    file = demo_folder.write_settings(folder, settings)
    assert config.load(str(file), environment={}) == settings
