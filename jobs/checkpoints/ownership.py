"""To which tables and stream a checkpoint belongs, noted beside Spark's own files.

A checkpoint says how far a query has come. Over other tables than those that it was made for, or
over tables that were deleted and made anew, that is not true: what was read before would be
missing there, and nobody would be told.
"""

import json
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.errors import LakeError
from jobs.runtime.filesystem import Folder

_FILE = "belongs_to.json"


def require_own(spark: SparkSession, checkpoint: Checkpoint, here: Mapping[str, str]) -> None:
    """Raise LakeError where `checkpoint` was made for something else than what is `here`.

    A checkpoint without such a note takes what is here for its own from now on.

    Args:
        here: the identity of each thing that the checkpoint speaks of, by what it is.

    Raises:
        LakeError: the checkpoint belongs elsewhere, or its note cannot be read.
    """
    folder = Folder(spark, checkpoint.path)
    text = folder.read(_FILE)
    if text is None or checkpoint.is_new():
        folder.write(_FILE, json.dumps(here, indent=2) + "\n")
        return
    try:
        noted = dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise LakeError(
            f"{checkpoint.path}/{_FILE} cannot be read ({error!r}): delete it, if that checkpoint "
            "is this lake's own"
        ) from None
    for name, identity in here.items():
        if noted.get(name) != identity:
            raise LakeError(
                f"the checkpoint {checkpoint.path} was made for another {name} ({noted.get(name)}) "
                f"than there is now ({identity}): correct lake.checkpoints; or, if {name} was made "
                "anew on purpose, move that folder away, and the run begins anew"
            )
