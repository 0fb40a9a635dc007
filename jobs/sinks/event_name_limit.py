"""The event names that the table holds, and how many more it may get."""


class KnownNames:
    """A cap on event names: each is a folder, and a producer's mistake would make millions."""

    def __init__(self, known: set[str], most: int) -> None:
        self._known = set(known)
        self._most = most

    def surplus(self, names: set[str]) -> set[str]:
        """Those of `names` that are new and past the cap: the last ones of the alphabet."""
        new = sorted(names - self._known)
        room = max(0, self._most - len(self._known))
        return set(new[room:])

    def add(self, names: set[str]) -> None:
        """Remember what has been stored."""
        self._known |= names
