"""What is reported of a batch."""

from jobs.metrics.listener import Batch


def test_a_batch_of_which_the_sink_told_nothing_does_not_conserve() -> None:
    """Silence is no proof that nothing is lost."""
    assert not Batch(query="process", number=0, records=5, seconds=1.0).conserves
    assert Batch(query="process", number=0, records=0, seconds=1.0).conserves
    assert Batch(query="ingest", number=0, records=5, seconds=1.0).conserves
