"""The log of a healthy run: what an operator sees is worth reading."""

import json
import time
from pathlib import Path

from tests.support.commands import STREAM, Running, settings
from tests.support.servers import fake_kinesis

BATCHES = 5
# A batch without records, which may be the first one, logs no line.
BATCH = "query=process batch="
# Less than the timeout of a test, so that a failure shows the log
MAX_SECONDS_TO_A_BATCH = 240


def test_healthy_batches_log_no_warning(tmp_path: Path) -> None:
    """Both queries, with events, duplicates and a rejected record in each of several batches."""
    with fake_kinesis(own_process=True) as fake:
        kinesis = fake.client()
        kinesis.create_stream(StreamName=STREAM, ShardCount=2)
        options = settings(fake, str(tmp_path), "stream.trigger=1 second")
        with Running("stream", *options) as run:
            for batch in range(BATCHES):
                event = {"event_uuid": f"e{batch}", "event_name": "account:created"}
                data = json.dumps(event | {"created_at": int(time.time())}).encode()
                for record in (data, data, b"no JSON"):
                    kinesis.put_record(StreamName=STREAM, Data=record, PartitionKey=str(batch))
                run.wait_for(BATCH, seconds=MAX_SECONDS_TO_A_BATCH)
            code, _ = run.terminate()
    assert code == 0
    first = next(i for i, line in enumerate(run.lines) if BATCH in line)
    # A batch that takes longer than the trigger is not a healthy one.
    warnings = [
        line for line in run.lines[first:] if " WARN " in line and "ProcessingTimeEx" not in line
    ]
    assert not warnings, "".join(warnings)
