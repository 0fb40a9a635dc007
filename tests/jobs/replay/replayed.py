"""What the tests of `replay` begin with: old events, rules that accept more, and the call."""

import time
from dataclasses import replace

from jobs.config import Checks
from jobs.replay import Report, replay
from tests.support.small_lake import SmallLake
from transforms.quarantine_filter import QuarantineFilter

OLD = int(time.time()) - 9 * 3600
SPACES_ALLOWED = Checks(event_name_pattern="[a-z: ]+")


def with_checks(lake: SmallLake, checks: Checks) -> SmallLake:
    """The same lake with other checks."""
    return SmallLake(lake.spark, replace(lake.settings, checks=checks), _records=lake._records)


def replay_all(lake: SmallLake) -> Report:
    """Replay all of quarantine."""
    return replay(
        *(lake.spark, lake.settings, lake.tables, QuarantineFilter()),
        dry_run=False,
        say=lambda text: None,
    )
