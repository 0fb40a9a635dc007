"""The table that documents the options."""

from jobs.sources.kinesis.option_table import OPTIONS, options_table


def test_the_table_has_a_row_for_each_option() -> None:
    rows = options_table().splitlines()
    assert rows[:2] == ["| option | default | meaning |", "|---|---|---|"]
    assert rows[2] == "| `stream` |  | Name or ARN of the stream. Required. |"
    assert len(rows) == 2 + len(OPTIONS)
    assert "| `maxRecordsPerBatch` | `0` | Target number of records in a batch, over" in rows[11]
