"""One life of the checkpoint of `process`: since when its state remembers every identity."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

# If nothing was ever stored, an empty state covers all time.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Generation:
    """One life of a checkpoint, from its first batch until it is deleted or overtaken.

    `query` is Spark's identifier of the same life, empty until the query has started. It shows
    whether the state next to this file is the state that the file describes.
    """

    identifier: str
    covered_since: datetime
    window: timedelta
    query: str = ""

    def to_json(self) -> str:
        """The text of the file in the checkpoint."""
        fields = asdict(self) | {
            "covered_since": self.covered_since.isoformat(),
            "window": self.window.total_seconds(),
        }
        return json.dumps(fields, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> "Generation":
        """Read what `to_json` wrote. Raises ValueError, KeyError or TypeError for another text."""
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
