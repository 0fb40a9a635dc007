"""One object and one log line for each batch, and the check that it conserves its records."""

from jobs.metrics.batch import Batch
from jobs.metrics.listener import BatchListener

__all__ = ["Batch", "BatchListener"]
