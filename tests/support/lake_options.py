"""The command-line options that name a lake without a stream."""

from jobs.config import Lake

# An S3 that cannot be reached: nothing listens on this port.
NO_S3 = ("--set", "lake.s3_endpoint_url=http://127.0.0.1:9")


def lake_options(lake: Lake, *more: str) -> list[str]:
    """`--set` options of `lake`, and of `more` settings such as `events.subtype=rest`."""
    settings = (
        "source.stream=unused",
        f"lake.raw={lake.raw}",
        f"lake.processed={lake.processed}",
        f"lake.checkpoints={lake.checkpoints}",
        *more,
    )
    return [word for setting in settings for word in ("--set", setting)]
