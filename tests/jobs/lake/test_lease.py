"""Programs take, renew and hand over the lease, and one that is too late commits nothing."""

import pytest

from jobs.errors import LakeError
from jobs.lake.lease_gate import GivenUpError
from tests.jobs.lake.simulated_lease import DURATION, Faults, Holder, Store


@pytest.fixture
def store() -> Store:
    return Store()


def test_the_first_program_creates_the_lease_when_a_block_needs_it(store: Store) -> None:
    one = Holder(store, "one")
    one.lease.step()
    assert store.stored is None
    one.take()
    one.gate.require()
    assert store.record().holder == one.program


def test_a_holder_hands_over_after_its_block_and_gets_the_lease_back(store: Store) -> None:
    """It begins no other block meanwhile. After that, it runs one before it is asked again."""
    one, two = Holder(store, "one"), Holder(store, "second")
    one.take()
    two.want()
    two.lease.step()
    one.lease.step()
    assert one.holds
    assert not two.begin()
    one.want()
    assert one.begin(), "its first block has not ended"
    one.end()
    one.end()
    one.want()
    assert not one.begin(), "it has been asked"
    one.lease.step()
    two.lease.step()
    assert two.begin()
    assert not one.holds
    one.lease.step()
    assert not one.begin(), "the other block runs"
    two.want()
    two.end()
    two.lease.step()
    one.lease.step()
    assert one.begin()
    assert not two.begin()


def test_programs_that_ask_get_the_lease_in_the_order_in_which_they_asked(store: Store) -> None:
    """Also if the holder and another program always have work: the third one is not passed over."""
    holders = [Holder(store, name) for name in ("one", "second", "the third")]
    turns: list[str] = []
    for _ in range(100):
        for holder in holders:
            if not holder.gate.is_wanted():
                holder.want()
            holder.lease.step()
            if holder.begin():
                turns.append(holder.program.identifier)
                holder.end()
        store.now += 0.1
    assert turns[:6] == ["one", "second", "the third"] * 2
    assert len(turns) > 20


def test_a_stopped_program_begins_what_it_may_and_waits_for_nothing(store: Store) -> None:
    one, two = Holder(store, "one"), Holder(store, "second")
    one.want()
    one.lease.step()
    one.gate.stop_waiting()
    with one.gate.held():
        one.gate.require()
    with pytest.raises(GivenUpError), two.gate.without_waiting(), two.gate.held():
        raise AssertionError("it does not hold the lease")


def test_a_dead_holder_is_succeeded_when_its_lease_was_not_renewed_for_its_duration(
    store: Store,
) -> None:
    one, two = Holder(store, "one"), Holder(store, "second")
    one.want()
    one.lease.step()
    two.want()
    two.lease.step()
    store.now += 11.9
    two.lease.step()
    assert not two.begin()
    store.now += 0.2
    two.lease.step()
    assert two.begin()
    assert not one.holds


def test_a_renewed_lease_does_not_expire_and_requests_do_not_prolong_it(store: Store) -> None:
    one, two, three = Holder(store, "one"), Holder(store, "second"), Holder(store, "the third")
    one.take()
    two.want()
    for _ in range(10):
        store.now += 5
        one.lease.step()
        two.lease.step()
        one.gate.require()
        assert not two.begin()
    three.want()
    for _ in range(3):  # `one` is dead, and the others go on asking
        store.now += 5
        three.lease.step()
        two.lease.step()
    assert [holder.begin() for holder in (two, three)].count(True) == 1


def test_a_holder_that_wakes_up_too_late_commits_nothing(store: Store) -> None:
    """Its block may not commit from its own clock alone, before it has read anything."""
    one, two = Holder(store, "one"), Holder(store, "second")
    one.take()
    two.want()
    two.lease.step()
    store.now += 13
    two.lease.step()
    assert two.begin()
    with pytest.raises(LakeError, match="was not renewed in time"):
        one.gate.require()
    assert one.gate.is_expiring()
    one.lease.step()
    with pytest.raises(LakeError, match=r"stream \(process 1 on host\) holds it"):
        one.gate.require()
    two.gate.require()


def test_a_machine_whose_clock_stood_still_finds_before_its_commit_that_the_lease_is_gone(
    store: Store,
) -> None:
    """A virtual machine that its host has stopped: no time has passed for it."""
    one, two = Holder(store, "one"), Holder(store, "second")
    one.take()
    assert store.stored is not None
    taken = store.record().succeeded_by(two.program, DURATION.total_seconds())
    store.put(taken.text(), store.stored.etag)
    assert one.holds
    with pytest.raises(LakeError, match=r"stream \(process 1 on host\) holds it"):
        one.gate.require()
    assert not one.holds


def test_a_renewal_counts_from_before_its_request(store: Store) -> None:
    """The answer came so late that another program has taken the lease meanwhile."""

    class Late(Faults):
        def after(self) -> None:
            if store.stored is not None and two.gate._waiting:
                two.lease.step()
                store.now += 13
                two.lease.step()
                assert two.begin()

    two = Holder(store, "second")
    one = Holder(store, "one", Late())
    two.want()
    one.want()
    one.lease.step()
    assert two.holds
    assert not one.holds


def test_a_released_lease_is_free_at_once(store: Store) -> None:
    one, two = Holder(store, "one"), Holder(store, "second")
    one.want()
    one.lease.step()
    one.lease.release()
    assert store.record().holder is None
    two.take()
    with pytest.raises(LakeError, match="given back"), one.gate.held():
        raise AssertionError("it holds nothing")


def test_a_text_that_is_no_lease_is_named(store: Store) -> None:
    store.put("{}", None)
    one = Holder(store, "one")
    one.want()
    one.lease.step()
    with pytest.raises(LakeError, match=r"_lease.json is no lease .* delete the object"):
        one.gate._require_hope(1e12)
