"""Options: their parsed values and their errors."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.config import Source
from jobs.errors import ConfigError
from jobs.sources.kinesis.options import KinesisOptions


def test_only_the_stream_is_required() -> None:
    options = KinesisOptions.parse({"stream": "events"})
    assert options == KinesisOptions(
        stream="events",
        region=None,
        endpoint_url=None,
        role_arn=None,
        role_external_id=None,
        starts_latest=False,
        start_at=None,
        resume_from=(),
        stop_at=None,
        fail_on_data_loss=True,
        max_records_per_batch=0,
        max_batch_span=timedelta(0),
        tip_lag=timedelta(seconds=1),
        fetch_limit=10_000,
        reads_per_second=5,
        probe_threads=32,
        retry_timeout=timedelta(minutes=2),
        request_timeout=timedelta(seconds=30),
    )


def test_every_option_is_parsed_in_any_case() -> None:
    options = KinesisOptions.parse(
        {
            "STREAM": "events",
            "Region": "eu-north-1",
            "endpointurl": "http://127.0.0.1:4567",
            "rolearn": "arn:aws:iam::123456789012:role/reader",
            "roleexternalid": "lake",
            "startingposition": "2026-01-31T12:00:00+01:00",
            "resumefrom": '{"shard-1": "2", "shard-0": "1"}',
            "stopat": "2026-01-31T12:00:00Z",
            "failondataloss": "False",
            "maxrecordsperbatch": "1000",
            "maxbatchspan": "2 hours",
            "tiplag": "250 milliseconds",
            "fetchlimit": "1",
            "readspersecond": "2",
            "probethreads": "4",
            "retrytimeout": "1 day",
            "requesttimeout": "5 Seconds",
        }
    )
    assert options == KinesisOptions(
        stream="events",
        region="eu-north-1",
        endpoint_url="http://127.0.0.1:4567",
        role_arn="arn:aws:iam::123456789012:role/reader",
        role_external_id="lake",
        starts_latest=False,
        start_at=datetime(2026, 1, 31, 11, tzinfo=UTC),
        resume_from=(("shard-0", "1"), ("shard-1", "2")),
        stop_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        fail_on_data_loss=False,
        max_records_per_batch=1000,
        max_batch_span=timedelta(hours=2),
        tip_lag=timedelta(milliseconds=250),
        fetch_limit=1,
        reads_per_second=2,
        probe_threads=4,
        retry_timeout=timedelta(days=1),
        request_timeout=timedelta(seconds=5),
    )


ARN = "arn:aws:kinesis:eu-north-1:123456789012:stream/events"


def test_a_stream_may_be_an_arn_which_has_the_region() -> None:
    """Requests have the ARN then, because a name means a stream of the own account."""
    for given in ({"stream": ARN}, {"stream": ARN, "region": "eu-north-1"}):
        options = KinesisOptions.parse(given)
        assert options.region == "eu-north-1"
        assert options.stream_request == {"StreamARN": ARN}
    assert KinesisOptions.parse({"stream": "events"}).stream_request == {"StreamName": "events"}


def test_settings_of_a_run_become_options() -> None:
    """Flags and durations become the text of an option."""
    source = Source(
        stream="events",
        region="eu-north-1",
        start="LATEST",
        fail_on_data_loss=False,
        max_records_per_batch=1000,
        reads_per_second=2,
        retry_timeout=timedelta(milliseconds=1500),
    )
    options = KinesisOptions.parse(source.options())
    assert options.stream == "events"
    assert options.region == "eu-north-1"
    assert options.starts_latest
    assert not options.fail_on_data_loss
    assert options.max_records_per_batch == 1000
    assert options.reads_per_second == 2
    assert options.retry_timeout == timedelta(milliseconds=1500)


def test_settings_have_the_defaults_of_the_options() -> None:
    """Except for the size of a batch, which the source alone does not limit, and the region."""
    given = Source(stream="events", region="", max_records_per_batch=0)
    assert KinesisOptions.parse(given.options()) == KinesisOptions.parse({"stream": "events"})


def test_latest_is_a_starting_position_in_any_case() -> None:
    assert KinesisOptions.parse({"stream": "s", "startingPosition": "latest"}).starts_latest


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "'stream' is missing"),
        ({"stream": " "}, "'stream' is missing"),
        (
            {"stream": ARN, "region": "us-east-1"},
            f"option 'stream': the region is 'us-east-1', but the stream {ARN} is in 'eu-north-1'",
        ),
        ({"stream": ARN + "/x"}, "option 'stream': expected the name of a stream, or an ARN like"),
        (
            {"stream": "s", "roleArn": "reader"},
            "option 'roleArn': expected the ARN of a role, like arn:aws:iam::123456789012:role/",
        ),
        (
            {"stream": "s", "roleExternalId": "lake"},
            "option 'roleArn': an external id needs a role",
        ),
        ({"stream": "s", "steam": "x"}, "unknown option(s) ['steam']; known: ['endpointUrl', "),
        (
            {"stream": "s", "startingPosition": "EARLIEST"},
            "option 'startingPosition': expected TRIM_HORIZON, LATEST or an ISO 8601 time with an ",
        ),
        (
            {"stream": "s", "startingPosition": "2026-01-31T12:00:00"},
            "like 2026-01-31T00:00:00Z, got '2026-01-31T12:00:00'",
        ),
        (
            {"stream": "s", "stopAt": "2026-01-31T12:00:00"},
            "option 'stopAt': expected an ISO 8601 time with an offset",
        ),
        (
            {"stream": "s", "failOnDataLoss": "yes"},
            "option 'failOnDataLoss': expected true or false, got 'yes'",
        ),
        (
            {"stream": "s", "maxRecordsPerBatch": "-1"},
            "option 'maxRecordsPerBatch': expected a whole number from 0, got '-1'",
        ),
        (
            {"stream": "s", "fetchLimit": "10001"},
            "option 'fetchLimit': expected a whole number from 1 to 10000, got '10001'",
        ),
        (
            {"stream": "s", "fetchLimit": "many"},
            "option 'fetchLimit': expected a whole number, got 'many'",
        ),
        (
            {"stream": "s", "tipLag": "1"},
            "option 'tipLag': expected a duration like \"10 minutes\", got '1'",
        ),
        ({"stream": "s", "tipLag": "1 fortnight"}, "option 'tipLag': expected a duration like"),
        (
            {"stream": "s", "requestTimeout": "0 seconds"},
            "option 'requestTimeout': expected at least 1 second, got '0 seconds'",
        ),
        (
            {"stream": "s", "resumeFrom": "[]"},
            "'resumeFrom': expected JSON like {\"shardId-000000000000\": \"4959…\"}, got '[]'",
        ),
        ({"stream": "s", "resumeFrom": '{"shard-0": 1}'}, "'resumeFrom': expected JSON like"),
        ({"stream": "s", "resumeFrom": "{"}, "'resumeFrom': expected JSON like"),
    ],
)
def test_the_error_names_the_option_and_its_value(given: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        KinesisOptions.parse(given)
    assert expected in str(error.value)


def test_durations_have_any_unit_and_case() -> None:
    texts = ("250 milliseconds", "1 Second", "2MINUTES", "3 hours", "1 day")
    durations = [KinesisOptions.parse({"stream": "s", "tipLag": text}).tip_lag for text in texts]
    assert durations == [
        timedelta(milliseconds=250),
        timedelta(seconds=1),
        timedelta(minutes=2),
        timedelta(hours=3),
        timedelta(days=1),
    ]


def test_whole_numbers_may_have_underscores() -> None:
    options = KinesisOptions.parse({"stream": "s", "maxRecordsPerBatch": " 1_000_000 "})
    assert options.max_records_per_batch == 1_000_000
