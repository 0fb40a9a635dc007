"""Format the tally of a stream as lines of text."""

from textwrap import fill

from jobs.generator.traffic import Tally


def tally_lines(tally: Tally) -> list[str]:
    """The records that were put, by kind, which are also the counts that the tables must have."""
    on_time, late = tally.of("event"), tally.of("late")
    return [
        f"put {tally.of():,} records:",
        _kinds(tally.identities, "events", {"on time": on_time, "late": late}),
        _kinds(tally.of("duplicate"), "duplicates", tally.kinds("duplicate")),
        _kinds(tally.of("broken"), "broken", tally.reasons),
    ]


def _kinds(total: int, name: str, kinds: dict[str, int]) -> str:
    """`    3,092 duplicates: 1,546 same bytes, 1,546 other payload`"""
    # textwrap does not break at a no-break space.
    parts = [f"{number:,} {kind}".replace(" ", "\xa0") for kind, number in kinds.items() if number]
    text = f"{total:>9,} {name}" + (f": {', '.join(parts)}" if parts else "")
    return fill(text, width=100, subsequent_indent=" " * 10).replace("\xa0", " ")
