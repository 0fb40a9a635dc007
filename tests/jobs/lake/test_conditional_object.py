"""S3 lets one of several writers win, and a store that does not is recognised."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from jobs.errors import ConfigError
from jobs.lake.conditional_object import (
    ConditionalObject,
    StoreError,
    may_pass,
    require_conditional_writes,
)
from tests.support.servers import Server

BUCKET = "lease"


@pytest.fixture
def stored(server: Server) -> ConditionalObject:
    return ConditionalObject(partial(server.client, "s3"), BUCKET, uuid4().hex)


def test_an_object_is_created_once_and_replaced_by_who_has_read_it(
    stored: ConditionalObject,
) -> None:
    assert stored.read() is None
    assert stored.create("one")
    assert not stored.create("two")
    first = stored.read()
    assert first is not None
    assert first.text == "one"
    assert stored.replace("two", first.etag)
    assert not stored.replace("three", first.etag)
    second = stored.read()
    assert second is not None
    assert second.text == "two"


def test_an_object_that_is_gone_is_not_replaced(stored: ConditionalObject) -> None:
    stored.create("one")
    first = stored.read()
    assert first is not None
    stored.delete()
    assert not stored.replace("two", first.etag)


def test_one_of_many_writers_replaces_it(stored: ConditionalObject) -> None:
    stored.create("one")
    first = stored.read()
    assert first is not None
    with ThreadPoolExecutor(8) as pool:
        replaced = [*pool.map(lambda n: stored.replace(str(n), first.etag), range(8))]
    assert replaced.count(True) == 1


def test_a_missing_bucket_is_final_and_a_server_that_is_gone_may_come_back(server: Server) -> None:
    nowhere = ConditionalObject(partial(server.client, "s3"), "nowhere", "key")
    with pytest.raises(StoreError, match=r"s3://nowhere/key: .*NoSuchBucket") as missing:
        nowhere.read()
    assert not may_pass(missing.value)
    away = ConditionalObject(partial(Server("gone", "http://127.0.0.1:9").client, "s3"), "b", "k")
    with pytest.raises(StoreError, match="s3://b/k: ") as gone:
        away.create("text")
    assert may_pass(gone.value)


def test_a_store_that_honours_conditions_is_accepted_and_left_clean(server: Server) -> None:
    require_conditional_writes(partial(ConditionalObject, partial(server.client, "s3"), BUCKET))
    listed = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="_lease-probe")
    assert listed["KeyCount"] == 0


@pytest.mark.parametrize(
    ("ignored", "found"),
    [
        ("If-None-Match", "of 8 writers with If-None-Match, 8 created an object"),
        ("If-Match", "If-Match with an old ETag replaced the object"),
    ],
)
def test_a_store_that_ignores_a_condition_is_refused(
    server: Server, ignored: str, found: str
) -> None:
    """The error says what was seen, and what to do."""

    def ignore(request: Any, **_: object) -> None:
        request.headers.pop(ignored, None)

    def connect() -> Any:
        client = server.client("s3")
        client.meta.events.register("before-send.s3.PutObject", ignore)
        return client

    with pytest.raises(ConfigError, match=rf"{found}.*set lake\.lease = false"):
        require_conditional_writes(partial(ConditionalObject, connect, BUCKET))
