"""Programs that share a lake on S3 take turns, and one whose lease ends commits nothing more."""

import threading
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from jobs.errors import LakeError
from jobs.lake.conditional_object import ConditionalObject, StoreError, Written
from jobs.lake.lease import Lease
from jobs.lake.lease_keeper import keep_lease
from jobs.lake.lease_record import LeaseRecord, Program
from tests.support.servers import Server

BUCKET = "lease"
DURATION = timedelta(seconds=6)
MAX_SECONDS = 120


def test_programs_take_turns_and_never_commit_at_once(server: Server) -> None:
    """Each of three programs with two threads each runs all its blocks, and no two overlap."""
    key = uuid4().hex
    running: list[str] = []
    order: list[str] = []
    overlaps: list[list[str]] = []

    def blocks(lease_of_program: Lease, name: str) -> None:
        for _ in range(3):
            with lease_of_program.gate.held():
                lease_of_program.gate.require()
                running.append(name)
                others = [each for each in running if each != name]
                if others:
                    overlaps.append(others)
                order.append(name)
                running.remove(name)

    def program(name: str) -> None:
        lease = Lease(_object(server, key), Program(name, name, "host", 1), DURATION)
        with keep_lease(lease, halt=lambda: None):
            threads = [threading.Thread(target=blocks, args=(lease, name)) for _ in range(2)]
            _run(threads)

    _run([threading.Thread(target=program, args=(name,)) for name in ("one", "two", "three")])
    assert overlaps == []
    assert sorted(order) == sorted(["one", "two", "three"] * 6)


def test_work_is_halted_when_the_lease_cannot_be_renewed_during_a_block(server: Server) -> None:
    """What commits is halted before another program can take the lease."""

    class Unreachable(ConditionalObject):
        is_reachable = True

        def read(self) -> Written | None:
            if not self.is_reachable:
                raise StoreError("unreachable")
            return super().read()

    stored = Unreachable(partial(server.client, "s3"), BUCKET, uuid4().hex)
    halted = threading.Event()
    lease = Lease(stored, Program.this("stream"), timedelta(seconds=3))

    def commit() -> None:
        with keep_lease(lease, halt=halted.set) as kept, kept.held():
            Unreachable.is_reachable = False
            assert halted.wait(MAX_SECONDS)
            raise ConnectionError("what py4j raises when Java has ended")

    with pytest.raises(LakeError, match="Spark was halted in the middle of its work"):
        commit()


@pytest.mark.parametrize(
    ("raised", "is_released"),
    [(LakeError("no table"), True), (KeyboardInterrupt(), False), (ConnectionError(), False)],
    ids=["by its own error", "by Ctrl-C", "without an answer of Java"],
)
def test_the_lease_of_a_program_that_was_interrupted_is_left_to_expire(
    server: Server, raised: BaseException, is_released: bool
) -> None:
    """Java may still be committing."""
    stored = _object(server, uuid4().hex)
    program = Program.this("rebuild")

    def work() -> None:
        lease = Lease(stored, program, DURATION)
        with keep_lease(lease, halt=lambda: None) as kept, kept.held():
            raise raised

    with pytest.raises(type(raised)):
        work()
    left = stored.read()
    assert left is not None
    holder = LeaseRecord.parse(left.text, stored.uri).holder
    assert holder == (None if is_released else program)


def _object(server: Server, key: str) -> ConditionalObject:
    return ConditionalObject(partial(server.client, "s3"), BUCKET, key)


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(MAX_SECONDS)
        assert not thread.is_alive()
