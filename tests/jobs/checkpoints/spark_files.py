"""Write the files that Spark writes into a checkpoint."""

import json
from datetime import datetime
from pathlib import Path


def plan_batch(checkpoint: Path, number: int, clock: datetime, watermark: datetime) -> None:
    """Write the offset log of a batch with its time, and with the watermark before it."""
    offsets = checkpoint / "offsets"
    offsets.mkdir(parents=True, exist_ok=True)
    metadata = {
        "batchWatermarkMs": _milliseconds(watermark),
        "batchTimestampMs": _milliseconds(clock),
    }
    (offsets / str(number)).write_text(f"v1\n{json.dumps(metadata)}\n{{}}")


def commit_batch(checkpoint: Path, number: int) -> None:
    """Write the file that marks the batch as committed."""
    commits = checkpoint / "commits"
    commits.mkdir(parents=True, exist_ok=True)
    (commits / str(number)).touch()


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)
