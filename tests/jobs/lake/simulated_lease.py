"""A store with one object, the time, and programs that share a lease, each with its own faults."""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta

from jobs.lake.conditional_object import StoreError, Written
from jobs.lake.lease import Lease
from jobs.lake.lease_record import LeaseRecord, Program

DURATION = timedelta(seconds=12)
URI = "s3://lake/raw/_lease.json"


@dataclass
class Store:
    """One object that honours conditional writes, and the time."""

    now: float = 1000.0
    stored: Written | None = None
    delayed: list[tuple[str, str | None]] = field(default_factory=list)
    _etags: "itertools.count[int]" = field(default_factory=itertools.count)

    def put(self, text: str, etag: str | None) -> bool:
        if (self.stored.etag if self.stored else None) != etag:
            return False
        self.stored = Written(text, str(next(self._etags)))
        return True

    def record(self) -> LeaseRecord:
        assert self.stored is not None
        return LeaseRecord.parse(self.stored.text, URI)


class Faults:
    """What happens to the next requests of a program; by default, nothing."""

    def before(self) -> None:
        """The request has not reached the store. May raise StoreError."""

    def after(self) -> None:
        """The store has answered. May raise StoreError."""

    def delays(self) -> bool:
        """The write reaches the store later, and the program gets no answer."""
        return False

    def repeats(self) -> bool:
        """The write reaches the store twice, and the program gets the second answer."""
        return False


class Connection:
    """The object as a program sees it."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.uri, self._store, self._faults = URI, store, faults

    def read(self) -> Written | None:
        self._faults.before()
        found = self._store.stored
        self._faults.after()
        return found

    def create(self, text: str) -> bool:
        return self._put(text, None)

    def replace(self, text: str, etag: str) -> bool:
        return self._put(text, etag)

    def _put(self, text: str, etag: str | None) -> bool:
        self._faults.before()
        if self._faults.delays():
            self._store.delayed.append((text, etag))
            raise StoreError("no answer")
        is_written = self._store.put(text, etag)
        if self._faults.repeats():
            is_written = self._store.put(text, etag)
        self._faults.after()
        return is_written


class Holder:
    """A program. Its blocks begin and end when the test says so, not on threads that wait."""

    def __init__(self, store: Store, name: str, faults: Faults | None = None) -> None:
        clock_offset = 1e6 * len(name)  # the clocks of two machines have nothing in common
        self.program = Program(name, "stream", "host", 1)
        self.lease = Lease(
            Connection(store, faults or Faults()),
            self.program,
            DURATION,
            clock=lambda: store.now + clock_offset,
        )
        self.gate = self.lease.gate

    def want(self) -> None:
        """A block begins to wait."""
        self.gate._waiting += 1

    def take(self) -> None:
        """A block waits, gets the lease, which nobody has or asks for, and begins."""
        self.want()
        self.lease.step()
        assert self.begin()

    def begin(self) -> bool:
        """The block that waits begins, if it may."""
        if not self.gate._waiting or not self.gate._may_begin():
            return False
        self.gate._waiting -= 1
        self.gate._running += 1
        return True

    def end(self) -> None:
        """The block that runs ends."""
        self.gate._running -= 1
        self.gate._was_used = True

    @property
    def holds(self) -> bool:
        return self.gate.left() > 0
