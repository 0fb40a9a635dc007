"""Amazon's own Kinesis Producer Library (KPL), in a JVM beside the test.

The library comes from Maven Central. Its JAR contains the native program that aggregates and sends
the records, so what reaches the stream is what a producer in production sends.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.java import jvm, resolved_jars
from tests.support.servers import Server
from tests.support.servers.server import REGION

PACKAGES = (
    "software.amazon.kinesis:amazon-kinesis-producer:1.1.1",
    "org.slf4j:slf4j-simple:2.0.17",
)
MAX_SECONDS_TO_STORE = 300


@dataclass(frozen=True)
class UserRecord:
    """A record as it is given to the KPL. An explicit hash key chooses the shard by itself."""

    data: bytes
    partition_key: str
    explicit_hash_key: int | None = None


class Acknowledged(NamedTuple):
    """A user record, and where the KPL reports that Kinesis has stored it."""

    record: UserRecord
    shard_id: str
    sequence_number: str


class KplProducer:
    """The KPL on one stream. It sends in the background what is put."""

    def __init__(self, java: Any, producer: Any, stream: str) -> None:
        self._java = java
        self._producer = producer
        self._stream = stream
        self._put: list[tuple[UserRecord, Any]] = []

    @property
    def count(self) -> int:
        """The number of records that were put so far, acknowledged or not."""
        return len(self._put)

    def put(self, records: Iterable[UserRecord]) -> None:
        """Give records to the KPL, in order."""
        for record in records:
            hash_key = record.explicit_hash_key
            future = self._producer.addUserRecord(
                self._stream,
                record.partition_key,
                None if hash_key is None else str(hash_key),
                self._java.java.nio.ByteBuffer.wrap(record.data),
            )
            self._put.append((record, future))

    def acknowledged(self) -> list[Acknowledged]:
        """Wait until Kinesis has stored every record that was put.

        Raises:
            Py4JJavaError: the KPL gave a record up, or `MAX_SECONDS_TO_STORE` passed.
        """
        self._producer.flush()
        futures = self._java.com.google.common.util.concurrent.Futures.allAsList(
            [future for _, future in self._put]
        )
        results = futures.get(
            MAX_SECONDS_TO_STORE, self._java.java.util.concurrent.TimeUnit.SECONDS
        )
        # In one text: a call from Python for each member of each result takes long.
        mapper = self._java.com.fasterxml.jackson.databind.ObjectMapper()
        return [
            Acknowledged(record, result["shardId"], result["sequenceNumber"])
            for (record, _), result in zip(
                self._put, json.loads(mapper.writeValueAsString(results)), strict=True
            )
        ]


@contextmanager
def kpl_producer(server: Server, stream: str, log: Path) -> Iterator[KplProducer]:
    """The KPL with its defaults, except for addresses and deadlines. It writes to `log`.

    Raises:
        SetupError: the library could not be fetched.
    """
    jars = resolved_jars("kpl", PACKAGES)
    with jvm([f"{jars}/*"], log=log) as gateway:
        kpl = gateway.jvm.software.amazon.kinesis.producer
        configuration = (
            kpl.KinesisProducerConfiguration()
            .setRegion(REGION)
            .setKinesisEndpoint("127.0.0.1")
            .setKinesisPort(server.tls_port)
            .setVerifyCertificate(False)
            # It must not call AWS for anything else.
            .setStsEndpoint("127.0.0.1")
            .setStsPort(server.tls_port)
            .setCloudwatchEndpoint("127.0.0.1")
            .setCloudwatchPort(server.tls_port)
            .setMetricsLevel("none")
            # By default, a record that is not stored after 30 seconds is given up.
            .setRecordTtl(MAX_SECONDS_TO_STORE * 1000)
            .setRequestTimeout(30_000)
            # The native program is extracted once, next to the JARs.
            .setTempDirectory(str(jars))
        )
        producer = kpl.KinesisProducer(configuration)
        try:
            yield KplProducer(gateway.jvm, producer, stream)
        finally:
            producer.destroy()
