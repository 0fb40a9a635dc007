"""The stream and the lake in the settings."""

from datetime import timedelta

import pytest

from jobs.config.locations import Lake, Source
from jobs.errors import ConfigError
from jobs.sources.kinesis import KinesisOptions


def test_a_source_is_a_set_of_options_of_the_kinesis_format() -> None:
    """The source parses them to the same values."""
    source = Source(
        stream="events",
        endpoint_url="http://127.0.0.1:4567",
        start="LATEST",
        fail_on_data_loss=False,
        max_records_per_batch=10,
        reads_per_second=2,
        retry_timeout=timedelta(seconds=90),
    )
    assert source.options() == {
        "stream": "events",
        "region": "us-east-1",
        "endpointUrl": "http://127.0.0.1:4567",
        "roleArn": "",
        "roleExternalId": "",
        "startingPosition": "LATEST",
        "failOnDataLoss": "false",
        "maxRecordsPerBatch": "10",
        "readsPerSecond": "2",
        "retryTimeout": "90 seconds",
    }
    options = KinesisOptions.parse(source.options())
    assert (options.starts_latest, options.fail_on_data_loss) == (True, False)
    assert options.retry_timeout == timedelta(seconds=90)


def test_a_stream_must_have_a_name() -> None:
    """It could be an empty variable of the environment."""
    with pytest.raises(ConfigError, match=r"source\.stream must not be empty"):
        Source(stream="")


ARN = "arn:aws:kinesis:eu-north-1:123456789012:stream/events"


def test_the_region_of_an_arn_takes_the_place_of_the_default() -> None:
    """Any other region is an error that names both."""
    assert Source(stream=ARN).region == "eu-north-1"
    assert Source(stream=ARN, region="eu-north-1").options()["region"] == "eu-north-1"
    assert Source(stream="events").region == "us-east-1"
    assert Source(stream="events", region="").region == ""
    with pytest.raises(ConfigError, match=r"source: the region is 'eu-west-1', but .*'eu-north-1'"):
        Source(stream=ARN, region="eu-west-1")


def test_a_role_is_given_by_its_arn() -> None:
    with pytest.raises(ConfigError, match="source: expected the ARN of a role"):
        Source(stream="events", role_arn="reader")
    with pytest.raises(ConfigError, match="source: an external id needs a role"):
        Source(stream="events", role_external_id="lake")


def test_a_checkpoint_is_a_folder_with_the_name_of_its_query() -> None:
    """A slash at the end of the path makes no difference."""
    for path in ("s3://checkpoints/", "s3://checkpoints"):
        lake = Lake(raw="s3://raw", processed="s3://processed", checkpoints=path)
        assert lake.checkpoint("ingest") == "s3://checkpoints/ingest"


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("", "b", "c"), r"lake\.raw must not be empty: it is a path or an s3:// URI"),
        (("a", "b", "/"), r"lake\.checkpoints must not be empty"),
        (("a", "a", "c"), r"lake\.raw and lake\.processed are both 'a'"),
        (("a", "b", "a/"), r"lake\.raw and lake\.checkpoints are both 'a'"),
    ],
)
def test_the_paths_of_a_lake_are_three_different_ones(
    paths: tuple[str, str, str], message: str
) -> None:
    """Otherwise one would delete the files of the other."""
    raw, processed, checkpoints = paths
    with pytest.raises(ConfigError, match=message):
        Lake(raw=raw, processed=processed, checkpoints=checkpoints)
