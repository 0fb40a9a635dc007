"""Repeat a commit that conflicted with the commit of another job."""

import logging
from collections.abc import Callable

from py4j.protocol import Py4JJavaError

from jobs.errors import LakeError

# Another job removed a file that the commit has read: a compaction, a rebuild or a DELETE. Delta
# isolates commits as serializable, so a merge also conflicts with an append to the partitions that
# it reads (https://github.com/delta-io/delta/issues/1261).
_CONFLICTS = (
    ".ConcurrentAppendException",
    ".ConcurrentDeleteReadException",
    ".ConcurrentDeleteDeleteException",
)
_ATTEMPTS = 10

log = logging.getLogger(__name__)


def retry_conflicts(commit: Callable[[], None], *, command: str, failed: str, advice: str) -> None:
    """Run `commit`, and again after each conflict. Each attempt reads the newest version.

    Args:
        command: the name of the command, for the log.
        failed: what another job did, and `advice`, what to do: the parts of the error.

    Raises:
        LakeError: every attempt conflicted.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            commit()
            return
        except Py4JJavaError as error:
            if not str(error.java_exception.getClass().getName()).endswith(_CONFLICTS):
                raise
            log.info(
                "command=%s commit=conflict attempt=%d attempts=%d", command, attempt, _ATTEMPTS
            )
    raise LakeError(f"{failed} during each of {_ATTEMPTS} attempts{advice}")
