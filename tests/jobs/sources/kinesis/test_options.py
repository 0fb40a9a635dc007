"""Options: what they parse to, and what is said about those that cannot be parsed."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.config.settings import Source
from jobs.errors import ConfigError
from jobs.sources.kinesis.options import OPTIONS, KinesisOptions, options_table


def test_the_stream_is_all_that_is_required():
    options = KinesisOptions.parse({"stream": "events"})
    assert options == KinesisOptions(
        stream="events",
        region=None,
        endpoint_url=None,
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


def test_every_option_is_parsed_whatever_its_case():
    options = KinesisOptions.parse(
        {
            "STREAM": "events",
            "Region": "eu-north-1",
            "endpointurl": "http://127.0.0.1:4567",
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


def test_settings_of_a_run_become_options():
    """Flags and durations become the text that an option wants."""
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


def test_settings_have_the_defaults_of_the_options():
    """But for the size of a batch, which a source alone leaves open, and the region."""
    given = Source(stream="events", region="", max_records_per_batch=0)
    assert KinesisOptions.parse(given.options()) == KinesisOptions.parse({"stream": "events"})


def test_latest_is_a_starting_position():
    assert KinesisOptions.parse({"stream": "s", "startingPosition": "latest"}).starts_latest


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "'stream' is missing"),
        ({"stream": " "}, "'stream' is missing"),
        ({"stream": "s", "steam": "x"}, "unknown option(s) ['steam']; known: ['endpointUrl', "),
        ({"stream": "s", "startingPosition": "EARLIEST"}, "'startingPosition' must be TRIM_HORIZ"),
        ({"stream": "s", "startingPosition": "2026-01-31T12:00:00"}, "not '2026-01-31T12:00:00'"),
        ({"stream": "s", "stopAt": "2026-01-31T12:00:00"}, "'stopAt' must be an ISO 8601 time"),
        ({"stream": "s", "failOnDataLoss": "yes"}, "'failOnDataLoss' must be true or false"),
        ({"stream": "s", "maxRecordsPerBatch": "-1"}, "must be a whole number from 0, not '-1'"),
        ({"stream": "s", "fetchLimit": "10001"}, "must be a whole number from 1 to 10000"),
        ({"stream": "s", "fetchLimit": "many"}, "must be a whole number from 1 to 10000"),
        ({"stream": "s", "tipLag": "1"}, "'tipLag' must be a duration like '10 seconds'"),
        ({"stream": "s", "tipLag": "1 fortnight"}, "'tipLag' must be a duration"),
        ({"stream": "s", "requestTimeout": "0 seconds"}, "'requestTimeout' must be a duration"),
        ({"stream": "s", "resumeFrom": "[]"}, "'resumeFrom' must be JSON like"),
        ({"stream": "s", "resumeFrom": '{"shard-0": 1}'}, "'resumeFrom' must be JSON like"),
        ({"stream": "s", "resumeFrom": "{"}, "'resumeFrom' must be JSON like"),
    ],
)
def test_what_cannot_be_parsed_is_named(given, told):
    with pytest.raises(ConfigError) as error:
        KinesisOptions.parse(given)
    assert told in str(error.value)


def test_the_table_has_a_row_for_each_option():
    rows = options_table().splitlines()
    assert rows[:2] == ["| option | default | meaning |", "|---|---|---|"]
    assert rows[2] == "| `stream` |  | Name of the stream. Required. |"
    assert len(rows) == 2 + len(OPTIONS)
    assert "| `maxRecordsPerBatch` | `0` | Records to aim at in a batch, over all" in rows[9]
