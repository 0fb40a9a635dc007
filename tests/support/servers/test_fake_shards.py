"""The fake splits, merges, scales and lists shards as the documentation of Kinesis describes."""

from typing import Any

from tests.support.servers import FakeKinesis
from tests.support.servers.one_shard import SHARD, STREAM, data, iterator, put


def test_a_closed_shard_ends_and_names_its_children(kinesis: Any) -> None:
    put(kinesis, b"old")
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    put(kinesis, b"new", key="0")  # its MD5 digest cf… is in the upper half

    end = kinesis.get_records(ShardIterator=iterator(kinesis))

    assert [record["Data"] for record in end["Records"]] == [b"old"]
    assert "NextShardIterator" not in end
    assert [child["ShardId"] for child in end["ChildShards"]] == [
        "shardId-000000000001",
        "shardId-000000000002",
    ]
    assert data(kinesis, iterator(kinesis, "shardId-000000000001")) == []
    assert data(kinesis, iterator(kinesis, "shardId-000000000002")) == [b"new"]


def test_a_merge_and_a_new_shard_count_keep_the_parents(kinesis: Any) -> None:
    def shards() -> dict[str, tuple[str | None, str | None, bool]]:
        return {
            shard["ShardId"][-2:]: (
                shard.get("ParentShardId", "")[-2:] or None,
                shard.get("AdjacentParentShardId", "")[-2:] or None,
                "EndingSequenceNumber" in shard["SequenceNumberRange"],
            )
            for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]
        }

    def scale(count: int) -> None:
        kinesis.update_shard_count(
            StreamName=STREAM, TargetShardCount=count, ScalingType="UNIFORM_SCALING"
        )

    scale(2)
    assert shards() == {
        "00": (None, None, True),
        "01": ("00", None, False),
        "02": ("00", None, False),
    }

    kinesis.merge_shards(
        StreamName=STREAM,
        ShardToMerge="shardId-000000000002",
        AdjacentShardToMerge="shardId-000000000001",
    )
    assert shards()["03"] == ("02", "01", False)

    scale(3)
    ranges = [
        (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
        for s in kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    ]
    assert sorted(ranges) == [
        (0, 113427455640312821154458202477256070484),
        (113427455640312821154458202477256070485, 226854911280625642308916404954512140969),
        (226854911280625642308916404954512140970, 340282366920938463463374607431768211455),
    ]


def test_sequence_numbers_of_children_follow_those_of_parents(kinesis: Any) -> None:
    (before,) = put(kinesis, b"1")
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    (after,) = put(kinesis, b"2")

    closed = kinesis.list_shards(StreamName=STREAM)["Shards"][0]["SequenceNumberRange"]

    assert int(before) < int(closed["EndingSequenceNumber"]) < int(after)


def test_many_shards_are_listed_in_pages(fake: FakeKinesis) -> None:
    client = fake.client()
    client.create_stream(StreamName=STREAM, ShardCount=7)
    fake.list_shards_by(3)

    pages = [client.list_shards(StreamName=STREAM)]
    while "NextToken" in pages[-1]:
        pages.append(client.list_shards(NextToken=pages[-1]["NextToken"]))

    assert [len(page["Shards"]) for page in pages] == [3, 3, 1]
    assert len({shard["ShardId"] for page in pages for shard in page["Shards"]}) == 7
