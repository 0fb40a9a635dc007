"""The merge of a rebuild while other jobs commit to the same partitions."""

import logging
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.audit import verify_tables
from jobs.config import Events
from jobs.errors import LakeError
from jobs.lake import AnyLease, Table, conflicts
from jobs.rebuild import Partitions, rebuild
from jobs.rebuild import merge as rebuild_merge
from jobs.rebuild import run as rebuild_run
from tests.jobs.rebuild.lake_state import PARTITIONS, QUIZ, TEN, USER, rows_of
from tests.support.small_lake import SmallLake, event


def test_batches_that_are_stored_during_a_rebuild_stay_and_are_not_stored_twice(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One is stored between the version that is read and the commit, one during the commit."""
    caplog.set_level(logging.INFO)
    lake.put(event("a", TEN, QUIZ), event("b", TEN, QUIZ))
    lake.process()
    present = lake.by_other_rules(fields=(USER,), events=Events(subtype="rest"))

    def before() -> None:
        lake.put(event("before", TEN, QUIZ), event("a", TEN, QUIZ, user={"id": 1}))
        lake.process()

    def within() -> None:
        lake.put(event("within", TEN, QUIZ), event("b", TEN, QUIZ, user={"id": 1}))
        lake.process()

    with during_the_commit(monkeypatch, before, within):
        difference = rebuild(lake.spark, present.settings, present.tables, PARTITIONS)

    assert difference.rows == 2
    assert rows_of(lake, "event_uuid", "event_subtype") == [
        ("a", "quiz:started"),
        ("b", "quiz:started"),
        ("before", "quiz"),
        ("within", "quiz"),
    ]
    assert lake.history()[0]["operation"] == "MERGE"
    assert "command=rebuild commit=conflict attempt=1 attempts=10" in caplog.messages
    assert verify_tables(lake.spark, present.tables).is_clean
    lake.put(event("a", TEN, QUIZ), event("within", TEN, QUIZ), event("after", TEN, QUIZ))
    lake.process()
    assert lake.stored() == ["a", "after", "b", "before", "within"]


def test_files_that_are_compacted_during_the_commit_are_rebuilt_after_it(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are found by their position in the files that have them then."""
    lake.put(event("a", TEN, QUIZ))
    lake.process()
    lake.put(event("b", TEN, QUIZ))
    lake.process()
    present = lake.by_other_rules(events=Events(subtype="rest"))

    def compact() -> None:
        DeltaTable.forPath(lake.spark, lake.tables.events.path).optimize().executeCompaction()

    with during_the_commit(monkeypatch, lambda: None, compact):
        rebuild(lake.spark, present.settings, present.tables, PARTITIONS)
    assert [row["operation"] for row in lake.history()[:2]] == ["MERGE", "OPTIMIZE"]
    assert rows_of(lake, "event_subtype") == [("quiz:started",), ("quiz:started",)]


def test_a_rebuild_gives_up_if_other_commits_always_come_first(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names what to do, and nothing was changed."""
    lake.put(event("a", TEN, QUIZ))
    lake.process()
    present = lake.by_other_rules(events=Events(subtype="rest"))
    monkeypatch.setattr(conflicts, "_ATTEMPTS", 1)

    def store() -> None:
        lake.put(event("b", TEN, QUIZ))
        lake.process()

    with (
        during_the_commit(monkeypatch, lambda: None, store),
        pytest.raises(LakeError, match="fewer dates or names at a time, or stop `process`"),
    ):
        rebuild(lake.spark, present.settings, present.tables, PARTITIONS)
    assert rows_of(lake, "event_subtype") == [("quiz",), ("quiz",)]


@contextmanager
def during_the_commit(
    monkeypatch: pytest.MonkeyPatch, before: Callable[[], None], within: Callable[[], None]
) -> Iterator[None]:
    """Call `before` between the reading and the commit, and `within` once during the commit.

    Delta reads the rows to merge after it has opened its transaction. There they wait for the
    answer of a server, which calls `within` first.
    """
    done: list[bool] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if not done:
                within()
                done.append(True)
            self.wfile.write(b"done")

    def commit(
        changes: DataFrame,
        columns: list[str],
        events: Table,
        partitions: Partitions,
        lease: AnyLease,
    ) -> None:
        before()
        rebuild_merge.commit(_waiting(changes, port), columns, events, partitions, lease)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(rebuild_run, "commit", commit)
        try:
            yield
        finally:
            server.shutdown()
        assert done == [True]


def _waiting(changes: DataFrame, port: int) -> DataFrame:
    """`changes`, whose rows are computed after the server at `port` has answered."""

    @F.udf(returnType="boolean", useArrow=False)
    def is_answered(port: int) -> bool:
        import socket

        with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
            return connection.recv(4) == b"done"

    # One row waits, in one task: a core is left for what is done meanwhile.
    answer = changes.sparkSession.range(1).select(is_answered(F.lit(port)).alias("is_answered"))
    return changes.crossJoin(answer.where("is_answered")).drop("is_answered")
