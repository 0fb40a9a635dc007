"""A checkpoint belongs to the tables and to the stream that it was made for."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.ownership import require_own
from jobs.errors import CheckpointError
from tests.jobs.checkpoints.spark_files import plan_batch

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OWNERS = {"raw": "table-1", "stream": "events"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ingest"


@pytest.fixture
def checkpoint(spark: SparkSession, folder: Path) -> Checkpoint:
    return Checkpoint(spark, str(folder))


def test_a_new_checkpoint_gets_the_owners_of_its_first_run(
    checkpoint: Checkpoint, folder: Path
) -> None:
    """Until a batch is planned, other owners replace them."""
    require_own(checkpoint, {"raw": "table-0", "stream": "events"})
    require_own(checkpoint, OWNERS)
    assert json.loads((folder / "belongs_to.json").read_text()) == OWNERS
    plan_batch(folder, 0, NOON, NOON)
    require_own(checkpoint, OWNERS)


def test_a_checkpoint_of_another_owner_is_rejected(checkpoint: Checkpoint, folder: Path) -> None:
    """The error names both, and both solutions."""
    require_own(checkpoint, OWNERS)
    plan_batch(folder, 0, NOON, NOON)
    message = (
        r"was made for another raw: expected table-2, found table-1\. Correct lake\.checkpoints; "
        r"if raw was created again on purpose, move that folder away"
    )
    with pytest.raises(CheckpointError, match=message):
        require_own(checkpoint, OWNERS | {"raw": "table-2"})


def test_a_stream_may_be_given_by_its_name_or_by_its_arn(
    checkpoint: Checkpoint, folder: Path
) -> None:
    """A lake that used the name continues with the ARN, and the other way round."""
    arn = "arn:aws:kinesis:eu-north-1:123456789012:stream/events"
    require_own(checkpoint, OWNERS)
    plan_batch(folder, 0, NOON, NOON)
    require_own(checkpoint, OWNERS | {"stream": arn})
    with pytest.raises(CheckpointError, match=r"another stream: expected arn:.*/clicks, found"):
        require_own(checkpoint, OWNERS | {"stream": arn.replace("events", "clicks")})


def test_streams_of_the_same_name_of_two_accounts_are_two_owners(
    checkpoint: Checkpoint, folder: Path
) -> None:
    arn = "arn:aws:kinesis:eu-north-1:123456789012:stream/events"
    require_own(checkpoint, OWNERS | {"stream": arn})
    plan_batch(folder, 0, NOON, NOON)
    require_own(checkpoint, OWNERS)
    with pytest.raises(CheckpointError, match=r"another stream: expected arn:.*:210987654321:"):
        require_own(checkpoint, OWNERS | {"stream": arn.replace("123456789012", "210987654321")})


def test_an_owner_that_is_not_recorded_is_another_one(checkpoint: Checkpoint, folder: Path) -> None:
    """The folders of two queries were exchanged."""
    require_own(checkpoint, {"raw": "table-1"})
    plan_batch(folder, 0, NOON, NOON)
    with pytest.raises(CheckpointError, match="another stream: expected events, found None"):
        require_own(checkpoint, OWNERS)


@pytest.mark.parametrize("text", ["", '{"raw"', "5", "[1]"])
def test_an_unreadable_record_is_rejected(checkpoint: Checkpoint, folder: Path, text: str) -> None:
    """The error says that the file may be deleted."""
    plan_batch(folder, 0, NOON, NOON)
    (folder / "belongs_to.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"belongs_to\.json cannot be read.*Delete it if"):
        require_own(checkpoint, OWNERS)


def test_a_checkpoint_without_a_record_gets_one(checkpoint: Checkpoint, folder: Path) -> None:
    """An early version of the program made it."""
    plan_batch(folder, 0, NOON, NOON)
    require_own(checkpoint, OWNERS)
    assert json.loads((folder / "belongs_to.json").read_text()) == OWNERS
