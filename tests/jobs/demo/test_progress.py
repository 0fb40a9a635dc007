"""How far the demo is, and when it ends."""

import io
import threading

import pytest

from jobs.demo.progress import Progress, Watch
from jobs.metrics import Batch
from jobs.reporting import StatusLine
from tests.jobs.demo.records import INGESTED, PROCESSED, five_records


def test_the_progress_line_has_every_outcome() -> None:
    """Records in raw, and what became of them."""
    progress = Progress(five_records())
    progress.add(INGESTED)
    progress.add(PROCESSED)
    assert progress.line(65.0) == (
        "  1:05  put 5  in raw 5  stored 2  duplicates 2  quarantined 1  0/s"
    )


def ended(progress: Progress, *, is_fed: bool, within: float) -> bool:
    """True if the watch ends the run within so many seconds."""
    end = threading.Event()
    watch = Watch(progress, StatusLine(io.StringIO()), lambda: is_fed, end.set)
    watch.start()
    try:
        return end.wait(within)
    finally:
        watch.stop()


def test_the_watch_ends_the_run_when_every_record_is_accounted_for() -> None:
    """Nobody has to stop the demo."""
    progress = Progress(five_records())
    progress.add(PROCESSED)
    assert ended(progress, is_fed=True, within=30)


@pytest.mark.parametrize(("is_fed", "batches"), [(False, [PROCESSED]), (True, [INGESTED])])
def test_the_watch_continues_while_records_are_missing(is_fed: bool, batches: list[Batch]) -> None:
    """Records are still put, or are not processed yet."""
    progress = Progress(five_records())
    for batch in batches:
        progress.add(batch)
    assert not ended(progress, is_fed=is_fed, within=1)
