"""What the program logs, and what it keeps silent, before Spark starts."""

import logging
import os


def set_up_logging(verbose: bool) -> None:
    """Log to standard error; without `verbose` only what an operator can act on."""
    from pyspark.accumulators import AccumulatorServer

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
        AccumulatorServer.handle_error = lambda *_: None  # type: ignore[method-assign]
    for chatty in ("py4j", "botocore", "boto3", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
