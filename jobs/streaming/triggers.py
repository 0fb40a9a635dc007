"""When a batch starts."""

from pyspark.sql.streaming.readwriter import DataStreamWriter

from jobs.config.settings import Settings


def at_each_trigger(writer: DataStreamWriter, settings: Settings) -> DataStreamWriter:
    """A batch every `stream.trigger`, or at once where the batch before took longer."""
    return writer.trigger(processingTime=f"{settings.stream.trigger.total_seconds():g} seconds")
