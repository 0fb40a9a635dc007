"""What the program logs, and what it keeps silent, before Spark starts."""

import logging
import os
import warnings

# The first is that of Spark 4.0, the others are those of 4.1.
_ACCUMULATOR_SERVERS = ("AccumulatorServer", "AccumulatorTCPServer", "AccumulatorUnixServer")


def set_up_logging(verbose: bool) -> None:
    """Log to standard error; without `verbose` only what an operator can act on."""
    from pyspark import accumulators

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    if verbose:
        # Spark's log4j2.properties reads it, on this machine.
        os.environ["EVENT_LAKE_SPARK_LOG"] = "stacks"
    else:
        # An error that we raise where Spark calls Python comes back to us. py4j logs its stack too.
        logging.getLogger("py4j.clientserver").setLevel(logging.CRITICAL)
        # py4j logs on the root logger that Java does not answer, and raises that too.
        logging.getLogger().addFilter(lambda record: record.name != "root")
        # PySpark's accumulator server prints a stack in its thread when Java does not answer.
        for name in _ACCUMULATOR_SERVERS:
            if server := getattr(accumulators, name, None):
                server.handle_error = lambda *_: None
        # YARN has put the shipped code on PYTHONPATH. PySpark also looks for it where it came from.
        warnings.filterwarnings("ignore", "Failed to add file", RuntimeWarning)
    for chatty in ("py4j", "botocore", "boto3", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
