"""Faults: the pipeline quarantines each for the reason that the generator expects."""

import json
import random
from datetime import datetime

from pyspark.sql import SparkSession

from jobs.generator.events import TIME_FORMS, EventMaker
from jobs.generator.faults import FAULTS
from transforms.columns import RAW_SCHEMA, REASONS
from transforms.compose import compose
from transforms.parsing import with_parsed_json, with_times
from transforms.validation import with_reasons

NOW_MS = 1_763_800_000_250  # 2025-11-22T08:26:40.250Z


def test_every_fault_is_quarantined_for_exactly_its_reason(spark: SparkSession) -> None:
    """A valid event has no reason, in any form of its time."""
    event, created_ms = EventMaker(100, random.Random(1)).event(NOW_MS)
    broken = [(kind, fault.spoil(event, created_ms)) for kind, fault in FAULTS.items()]
    valid = [
        (name, json.dumps(event | {"created_at": form(NOW_MS)}).encode())
        for name, form in TIME_FORMS.items()
    ]
    arrived = datetime.fromisoformat("2025-11-22T08:26:41+00:00")
    raw = spark.createDataFrame(
        [
            (data, kind, "shard", "1", 0, arrived, arrived, arrived.date(), 0, -1)
            for kind, data in broken + valid
        ],
        RAW_SCHEMA,
    )
    validated = raw.transform(compose(with_parsed_json(), with_times(), with_reasons()))
    actual = {row["partition_key"]: row[REASONS] for row in validated.collect()}
    expected: dict[str, list[str]] = {kind: [fault.reason] for kind, fault in FAULTS.items()}
    assert actual == expected | {form: [] for form in TIME_FORMS}
