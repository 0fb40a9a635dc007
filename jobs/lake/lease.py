"""The right to commit to a lake on S3: one program at a time has it, for a limited time.

Delta needs a store that lets one of two commits of a version win. S3 does so only for conditional
writes, which Delta does not use. So every program that commits holds the lease of the lake, which
is one object, changed by conditional writes alone.

- The holder renews its lease. A renewal counts from the moment before it was sent.
- Others read the object. A lease that they have not seen renewed for its whole duration, by their
  own clock, has expired: the holder stopped counting on it earlier. The first of them takes it.
- Who wants the lease writes its name into the object. The holder hands it over as soon as no commit
  is under way, and gets it back in the same way.

docs/guarantees.md has the proof, and what a pause in the middle of a request can do.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Protocol

from jobs.errors import LakeError
from jobs.lake.conditional_object import StoreError, Written
from jobs.lake.lease_gate import LeaseGate, boot_time
from jobs.lake.lease_record import LeaseRecord, Program

# Of the duration: the holder renews a lease that is older.
_RENEW_AFTER = 1 / 4

log = logging.getLogger(__name__)


class LeaseObject(Protocol):
    """What a lease needs of its object; see `ConditionalObject`."""

    uri: str

    def read(self) -> Written | None: ...
    def create(self, text: str) -> bool: ...
    def replace(self, text: str, etag: str) -> bool: ...


class AnyLease(Protocol):
    """What a program that commits needs of its lease; see `LeaseGate`."""

    def held(self) -> AbstractContextManager[None]: ...
    def require(self) -> None: ...
    def is_awaited(self) -> bool: ...
    def stop_waiting(self) -> None: ...
    def without_waiting(self) -> AbstractContextManager[None]: ...


class NoLease:
    """What takes the place of a lease where the storage itself decides between two writers."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is waited for."""
        yield

    def require(self) -> None:
        """Nothing is required."""

    def is_awaited(self) -> bool:
        """Never."""
        return False

    def stop_waiting(self) -> None:
        """Nothing waits."""

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Nothing waits."""
        yield


NO_LEASE: AnyLease = NoLease()


class Lease:
    """The lease of one program. `keep_lease` calls `step` again and again, on one thread."""

    def __init__(
        self,
        stored: LeaseObject,
        program: Program,
        duration: timedelta,
        clock: Callable[[], float] = boot_time,
        max_wait: timedelta = timedelta(hours=2),
    ) -> None:
        """Make the lease; nothing is read or written yet.

        Args:
            duration: how long a renewal counts.
            clock: seconds, which never go back.
            max_wait: the longest time that another program may keep the lease.
        """
        self._object, self._program = stored, program
        self._duration = duration.total_seconds()
        self._clock = clock
        self.gate = LeaseGate(stored.uri, duration, max_wait, clock, self.step)
        self._one_step = threading.Lock()
        # The state of the lease of another program, and since when it has been seen.
        self._seen: tuple[Program | None, int, int] | None = None
        self._seen_since = 0.0

    def step(self) -> None:
        """Read the object, and renew, take, hand over or request the lease. Never raises."""
        try:
            with self._one_step:
                self._step()
        except (StoreError, LakeError) as error:
            log.warning("lease=unreachable error=%r", str(error))
            self.gate.fail(error)
        except Exception as error:
            log.exception("lease=failed")
            self.gate.fail(LakeError(f"the lease {self._object.uri} failed: {error!r}"))
        else:
            self.gate.fail(None)

    def release(self) -> None:
        """Let no block begin any more, and give the lease to who asks for it. Never raises."""
        self.gate.end()
        try:
            stored = self._object.read()
            if stored is None:
                return
            record = LeaseRecord.parse(stored.text, self._object.uri)
            if record.holder == self._program:
                self._object.replace(record.handed_over(last=None).text(), stored.etag)
            elif self._program in record.asking:
                self._object.replace(record.without(self._program).text(), stored.etag)
        except (StoreError, LakeError) as error:
            log.warning("lease=not_released error=%r", str(error))

    def _step(self) -> None:
        stored = self._object.read()
        if stored is None:
            self.gate.close()
            self._seen = None
            if self.gate.is_wanted():
                self._hold(LeaseRecord.first(self._program, self._duration), None)
            return
        record = LeaseRecord.parse(stored.text, self._object.uri)
        if record.holder == self._program:
            self._as_holder(record, stored.etag)
        else:
            self._as_other(record, stored.etag)

    def _as_holder(self, record: LeaseRecord, etag: str) -> None:
        if self.gate.close_if_due(is_asked=bool(record.asking)):
            wants_back = self._program if self.gate.is_wanted() else None
            if self._object.replace(record.handed_over(last=wants_back).text(), etag):
                log.info("lease=handed_over to=%r", str(record.asking[0]))
        elif self.gate.left() <= self._duration * (1 - _RENEW_AFTER):
            self._hold(record.renewed(self._duration), etag)

    def _as_other(self, record: LeaseRecord, etag: str) -> None:
        now = self._clock()
        holder = "" if record.holder is None else str(record.holder)
        self.gate.close(holder)
        is_wanted = self.gate.is_wanted()
        if self._seen != record.state:
            if is_wanted and holder and (self._seen is None or self._seen[0] != record.holder):
                log.info("lease=awaited holder=%r", holder)
            self._seen, self._seen_since = record.state, now
        if not is_wanted:
            return
        if record.holder is None or now - self._seen_since > record.duration:
            self._hold(record.succeeded_by(self._program, self._duration), etag)
        elif self._program not in record.asking:
            self._object.replace(record.asked_by(self._program).text(), etag)

    def _hold(self, record: LeaseRecord, etag: str | None) -> None:
        """Write `record`, whose holder is this program. It counts from before the request.

        If the answer is lost, the next step finds this program as the holder, and renews.
        """
        sent, text = self._clock(), record.text()
        is_ours = self._object.create(text) if etag is None else self._object.replace(text, etag)
        if is_ours and self.gate.open(sent):
            log.info("lease=held epoch=%d", record.epoch)
