"""One life of the checkpoint of `process`: since when its state remembers every identity."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

# Where nothing was ever stored, a state that knows nothing forgets nothing.
SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Generation:
    """One life of a checkpoint: from its first batch until it is deleted, or until another
    checkpoint has worked on the lake.

    `query` is Spark's name for the same life, empty until the query has started: it tells whether
    the state beside this file is the one that the file speaks of.
    """

    identifier: str
    covered_since: datetime
    window: timedelta
    query: str = ""

    def to_json(self) -> str:
        """The text that stands in the checkpoint."""
        fields = asdict(self) | {
            "covered_since": self.covered_since.isoformat(),
            "window": self.window.total_seconds(),
        }
        return json.dumps(fields, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> "Generation":
        """The generation that `to_json` wrote. Raises what reading any other text raises."""
        fields = json.loads(text)
        covered_since = datetime.fromisoformat(fields["covered_since"])
        if covered_since.tzinfo is None:
            raise ValueError(f"covered_since {covered_since} has no time zone")
        return Generation(
            identifier=fields["identifier"],
            covered_since=covered_since,
            window=timedelta(seconds=fields["window"]),
            query=fields.get("query", ""),
        )
