"""`rebuild` while other jobs commit to the same partitions."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.audit import verify as audit
from jobs.config.settings import Events
from jobs.errors import LakeError
from jobs.lake.tables import Table
from jobs.rebuild import merge as rebuild_commit
from jobs.rebuild import run as rebuild
from jobs.rebuild.merge import Partitions
from tests.support.small_lake import SmallLake, event
from transforms.enrichment.promoted_fields import Field

TEN = 1767261600  # 2026-01-01T10:00Z
PARTITIONS = Partitions(date(2026, 1, 1), date(2026, 1, 1))
QUIZ = "lesson:quiz:started"
USER = Field("user_id", "$.user.id", "bigint")


@pytest.mark.slow
def test_batches_that_are_stored_while_a_rebuild_is_under_way_stay_and_are_not_doubled(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is stored between the version that is read and the commit, one inside the commit."""
    lake.put(event("a", TEN, QUIZ), event("b", TEN, QUIZ))
    lake.process()
    today = lake.by_other_rules(fields=(USER,), events=Events(subtype="rest"))

    def between() -> None:
        lake.put(event("between", TEN, QUIZ), event("a", TEN, QUIZ, user={"id": 1}))
        lake.process()

    def within() -> None:
        lake.put(event("within", TEN, QUIZ), event("b", TEN, QUIZ, user={"id": 1}))
        lake.process()

    with meanwhile(monkeypatch, between, within):
        told = rebuild.rebuild(lake.spark, today.settings, PARTITIONS)

    assert told.rows == 2
    rows = lake.events().select("event_uuid", "event_subtype").collect()
    assert sorted(tuple(row) for row in rows) == [
        ("a", "quiz:started"),
        ("b", "quiz:started"),
        ("between", "quiz"),
        ("within", "quiz"),
    ]
    assert lake.history()[0]["operation"] == "MERGE"
    assert audit.prove(lake.spark, today.tables).is_clean
    lake.put(event("a", TEN, QUIZ), event("within", TEN, QUIZ), event("behind", TEN, QUIZ))
    lake.process()
    assert lake.stored() == ["a", "b", "behind", "between", "within"]


@pytest.mark.slow
def test_files_that_are_compacted_under_the_commit_are_rebuilt_behind_it(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are found where they stand now."""
    lake.put(event("a", TEN, QUIZ))
    lake.process()
    lake.put(event("b", TEN, QUIZ))
    lake.process()
    today = lake.by_other_rules(events=Events(subtype="rest"))

    def compact() -> None:
        DeltaTable.forPath(lake.spark, lake.tables.events.path).optimize().executeCompaction()

    with meanwhile(monkeypatch, lambda: None, compact):
        rebuild.rebuild(lake.spark, today.settings, PARTITIONS)
    assert [row["operation"] for row in lake.history()[:2]] == ["MERGE", "OPTIMIZE"]
    assert [row[0] for row in lake.events().select("event_subtype").collect()] == [
        "quiz:started",
        "quiz:started",
    ]


def test_a_rebuild_gives_up_where_other_commits_always_come_first(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to do, and has changed nothing."""
    lake.put(event("a", TEN, QUIZ))
    lake.process()
    today = lake.by_other_rules(events=Events(subtype="rest"))
    monkeypatch.setattr(rebuild_commit, "_ATTEMPTS", 1)

    def store() -> None:
        lake.put(event("b", TEN, QUIZ))
        lake.process()

    with (
        meanwhile(monkeypatch, lambda: None, store),
        pytest.raises(LakeError, match="fewer dates or names at a time, or stop `process`"),
    ):
        rebuild.rebuild(lake.spark, today.settings, PARTITIONS)
    assert [row[0] for row in lake.events().select("event_subtype").collect()] == ["quiz", "quiz"]


@contextmanager
def meanwhile(
    monkeypatch: pytest.MonkeyPatch, between: Callable[[], None], within: Callable[[], None]
) -> Iterator[None]:
    """Do `between` behind the reading and before the commit, `within` when Delta has begun it.

    Delta reads what it merges when its transaction is open: the rows wait there for the answer of
    a server that first does `within`, once.
    """
    commit = rebuild.commit
    done = []

    class Answering(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if not done:
                within()
                done.append(True)
            self.wfile.write(b"done")

    def committed(
        changes: DataFrame, columns: list[str], events: Table, partitions: Partitions
    ) -> None:
        between()
        commit(_waiting(changes, port), columns, events, partitions)

    with socketserver.TCPServer(("127.0.0.1", 0), Answering) as server:
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(rebuild, "commit", committed)
        try:
            yield
        finally:
            server.shutdown()
        assert done == [True]


def _waiting(changes: DataFrame, port: int) -> DataFrame:
    """`changes`, of which the rows come when the server at `port` has answered."""

    @F.udf(returnType="boolean", useArrow=False)
    def answered(port: int) -> bool:
        import socket

        with socket.create_connection(("127.0.0.1", port)) as connection:
            return connection.recv(4) == b"done"

    # One row asks, in one task, so that a core is left for what is done meanwhile.
    asked = changes.sparkSession.range(1).select(answered(F.lit(port)).alias("answered"))
    return changes.crossJoin(asked.where("answered")).drop("answered")
