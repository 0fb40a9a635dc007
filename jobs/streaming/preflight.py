"""What must be there before a run starts, asked while the answer is still short."""

from jobs.config.settings import Source
from jobs.sources.kinesis.client import check
from jobs.sources.kinesis.options import KinesisOptions


def require_stream(source: Source) -> None:
    """Ask the stream for its shards, before Spark starts.

    Raises:
        SourceError: the stream is missing, forbidden or cannot be reached.
        ConfigError: a source setting cannot be.
    """
    options = KinesisOptions.parse(source.options() | {"retryTimeout": "5 seconds"})
    check(options)
