"""Keep a lease while a program runs: one thread renews it, another one watches the time left."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from jobs.errors import EventLakeError, LakeError
from jobs.lake.lease import AnyLease, Lease

_WATCH_SECONDS = 0.1
# The keeper ends after the request that it is waiting for, which has a timeout of its own.
_MAX_JOIN_SECONDS = 60

# Java has ended the work that failed with one of these.
_ANSWERS = (EventLakeError, PySparkException, Py4JJavaError)

log = logging.getLogger(__name__)


@contextmanager
def keep_lease(lease: Lease, halt: Callable[[], None]) -> Iterator[AnyLease]:
    """Renew `lease` during the block, and release it afterwards.

    If the block was interrupted, Java may go on with a commit. Then the lease is not released, but
    expires.

    Args:
        halt: ends all work that could still commit, at once. It is called if the lease is about to
            expire while a commit is under way: S3 was unreachable, or this process was stopped.

    Raises:
        LakeError: `halt` was called.
    """
    ending, halted = threading.Event(), threading.Event()

    def keep() -> None:
        while not ending.is_set():
            lease.step()
            lease.gate.pause()

    def watch() -> None:
        while not ending.wait(_WATCH_SECONDS):
            if lease.gate.is_expiring() and not halted.is_set():
                log.error("lease=lost: Spark is halted, so that it commits nothing more")
                halted.set()
                halt()

    threads = [threading.Thread(target=each, daemon=True) for each in (keep, watch)]
    for thread in threads:
        thread.start()
    is_done = False
    try:
        yield lease.gate
        is_done = True
    except Exception as error:
        is_done = isinstance(error, _ANSWERS)
        if halted.is_set():
            raise LakeError(
                "the lease of the lake could not be renewed in time, so Spark was halted in the "
                "middle of its work: S3 was unreachable, or this machine stood still. Start "
                "again; what was not committed is done again"
            ) from error
        raise
    finally:
        ending.set()
        lease.gate.end()
        for thread in threads:
            thread.join(_MAX_JOIN_SECONDS)
        if is_done and lease.gate.is_idle() and not halted.is_set():
            lease.release()
