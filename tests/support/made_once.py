"""What tests download or build once, and keep in `.cache`."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def made_once(target: Path, make: Callable[[Path], Path]) -> Path:
    """`target`. The first time, `make` makes it in the folder that it is given, and returns it.

    It is moved to its place in one step, so an interrupted `make` leaves nothing incomplete. If two
    run at once, the first one stays.
    """
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as aside:
            made = make(Path(aside))
            with suppress(OSError):
                made.rename(target)
    return target
