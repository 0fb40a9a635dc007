"""The tables and the stream that a checkpoint belongs to, recorded beside Spark's own files.

A checkpoint records how far a query has come. Over other tables, or over tables that were deleted
and created again, that is wrong: what was read before would be missing, without an error.
"""

import json
from collections.abc import Mapping

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.config import is_same_stream
from jobs.errors import CheckpointError

_STREAM = "stream"
_FILE = "belongs_to.json"


def require_own(checkpoint: Checkpoint, owners: Mapping[str, str]) -> None:
    """Check that `checkpoint` was made for `owners`. A checkpoint without a record gets one.

    Args:
        owners: the identifiers of the tables and of the stream, by name. The stream may be given
            by its name once, and by its ARN the next time.

    Raises:
        CheckpointError: the checkpoint belongs to something else, or its record is unreadable.
    """
    text = checkpoint.directory.read(_FILE)
    if text is None or checkpoint.is_new():
        checkpoint.directory.write(_FILE, json.dumps(owners, indent=2) + "\n")
        return
    try:
        recorded = dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f"{checkpoint.path}/{_FILE} cannot be read ({error!r}). Delete it if the checkpoint "
            "belongs to this lake"
        ) from None
    for name, identifier in owners.items():
        found = str(recorded.get(name))
        is_same = is_same_stream(found, identifier) if name == _STREAM else found == identifier
        if not is_same:
            raise CheckpointError(
                f"the checkpoint {checkpoint.path} was made for another {name}: expected "
                f"{identifier}, found {found}. Correct lake.checkpoints; if {name} "
                "was created again on purpose, move that folder away and start again"
            )
