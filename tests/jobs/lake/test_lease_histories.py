"""No history of requests, pauses and faults lets two programs hold the lease at the same time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lake.conditional_object import StoreError
from tests.jobs.lake.simulated_lease import DURATION, Faults, Holder, Store


class Chance(Faults):
    """Requests are lost, late or repeated, answers are lost, and the world goes on in pauses."""

    def __init__(self, data: st.DataObject, world: "World") -> None:
        self._data, self._world = data, world

    def before(self) -> None:
        self._suffer()

    def after(self) -> None:
        self._suffer()

    def delays(self) -> bool:
        return self._data.draw(st.integers(0, 9)) == 9

    def repeats(self) -> bool:
        return self._data.draw(st.integers(0, 9)) == 9

    def _suffer(self) -> None:
        fate = self._data.draw(st.sampled_from(["none", "none", "none", "lost", "pause"]))
        if fate == "lost":
            raise StoreError("lost")
        if fate == "pause":
            self._world.go_on()


class World:
    """Three programs that commit to one lake. In a pause of one, the others act."""

    def __init__(self, data: st.DataObject) -> None:
        self._data, self._depth = data, 0
        self._stepping: list[Holder] = []
        self.store = Store()
        self.holders = [Holder(self.store, "x" * n, Chance(data, self)) for n in (1, 2, 3)]

    def go_on(self) -> None:
        if self._depth > 2:
            return
        self._depth += 1
        for _ in range(self._data.draw(st.integers(0, 3))):
            self.act()
        self._depth -= 1

    def act(self) -> None:
        holder = self._data.draw(st.sampled_from(self.holders))
        actions = ["step", "step", "want", "begin", "end", "time", "arrive"]
        action = self._data.draw(st.sampled_from(actions))
        if action == "step" and holder not in self._stepping:  # one thread of a program steps
            self._stepping.append(holder)
            holder.lease.step()
            self._stepping.remove(holder)
        elif action == "want" and holder.gate._waiting < 2:
            holder.want()
        elif action == "begin" and holder.begin():
            # What `held` promises. `require` looks again before each commit.
            assert holder.gate.left() >= DURATION.total_seconds() / 2
        elif action == "end" and holder.gate._running:
            holder.end()
        elif action == "arrive" and self.store.delayed:
            self.store.put(*self.store.delayed.pop())
        elif action == "time":
            self.store.now += self._data.draw(st.sampled_from([1.0, 3.0, 13.0]))
        self.require_one()

    def require_one(self) -> None:
        holding = [holder.program.identifier for holder in self.holders if holder.holds]
        assert len(holding) <= 1, holding


@settings(max_examples=400)
@given(st.data())
def test_two_programs_never_hold_the_lease_at_once(data: st.DataObject) -> None:
    """Whichever requests are lost, late or repeated, and however long a program pauses between."""
    world = World(data)
    for _ in range(40):
        world.act()
