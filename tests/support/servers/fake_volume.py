"""The events that the fake Kinesis generates when a stream is filled for a benchmark."""

NAMES = tuple(
    f"{kind}.{action}"
    for kind in ("page", "cart", "search", "profile", "video", "chat", "order", "form", "ad", "app")
    for action in (
        *("viewed", "opened", "closed", "clicked", "added"),
        *("removed", "started", "ended", "failed", "shared"),
    )
)


def event_of(shard: int, index: int, newest_ms: int, size: int) -> bytes:
    """A JSON event of exactly `size` bytes (if it fits), the same for each shard and index.

    There are 100 names. Each shard and index has its own identity. Events are created in the hour
    before `newest_ms`.
    """
    number = index * 1_000_003 + shard
    name = NAMES[(index * 7919 + shard) % len(NAMES)]
    event = (
        b'{"event_uuid":"%08x-0000-4000-8000-%012x","event_name":"%b","created_at":%d,'
        b'"user_id":%d,"session_id":"%016x","amount":%d.%02d,"country":"SE","note":""}'
    ) % (
        shard,
        index,
        name.encode(),
        newest_ms - number % 3_600_000,
        number % 10_007,
        number // 10 * 2_654_435_761 % 2**64,
        number % 1000,
        number % 100,
    )
    return event[:-2] + b"x" * (size - len(event)) + event[-2:]
