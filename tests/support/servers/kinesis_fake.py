"""A small Kinesis on loopback, which also fails on request and serves large volumes.

Run it with `python -m tests.support.servers.kinesis_fake [--port N]`; it prints its URL and runs
until it is stopped. Tests use `tests.support.servers.fake_kinesis()`.
"""

import argparse
import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

from tests.support.servers.fake_api import KinesisApi
from tests.support.servers.fake_control import TARGET, FakeKinesis, control
from tests.support.servers.fake_faults import ERRORS, Faults, Kind
from tests.support.servers.fake_record_calls import empty_page
from tests.support.servers.fake_state import Answer
from tests.support.servers.fake_streams import KinesisError

_MAX_SECONDS = 60  # to the start and to the end of the server
MAX_REQUEST_BYTES = 64 * 1024 * 1024


class _Abort(Exception):
    """Ends the connection after `unfinished` is sent."""

    def __init__(self, unfinished: bytes = b"") -> None:
        self.unfinished = unfinished


class HttpServer:
    """HTTP/1.1 with keep-alive in front of the API. Everything runs on one event loop."""

    def __init__(self) -> None:
        self.api = KinesisApi()
        self.faults = Faults()
        self._writers: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def start(self, port: int) -> str:
        """Listen on a port, 0 for a free one. Return the URL."""
        self._server = await asyncio.start_server(
            self._connection, "127.0.0.1", port, limit=MAX_REQUEST_BYTES
        )
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening, and close the connections that clients keep open."""
        self._server.close()
        ended = list(self._writers.values())
        for writer in self._writers:
            writer.transport.abort()
        for event in ended:
            await event.wait()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = self._writers[writer] = asyncio.Event()
        try:
            while True:
                target, body = await _request(reader)
                for part in self._response(target, body):
                    writer.write(part)
                await writer.drain()
        except _Abort as abort:
            writer.write(abort.unfinished)
            if not abort.unfinished:
                writer.transport.abort()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has closed the connection
        finally:
            writer.close()
            del self._writers[writer]
            ended.set()

    def _response(self, target: str, body: bytes) -> tuple[bytes, bytes]:
        service, _, operation = target.rpartition(".")
        try:
            request = json.loads(body or b"{}")
            if service == TARGET:
                answer = control(self.api, self.faults, operation, request)
            else:
                answer = self._kinesis(operation, request)
            status = 200
        except KinesisError as error:
            answer, status = {"__type": error.name, "message": error.message}, error.status
        except (KeyError, TypeError, ValueError) as error:
            answer, status = {"__type": "SerializationException", "message": repr(error)}, 400
        return self._encoded(answer, status)

    def _kinesis(self, operation: str, request: dict[str, object]) -> Answer:
        shard = self.api.shard_of(operation, request)
        kind = self.faults.next(operation, shard)
        if kind is Kind.RESET:
            raise _Abort
        if kind is Kind.EMPTY:
            return empty_page(self.api, request)
        if kind in ERRORS:
            raise ERRORS[kind]
        self.faults.take(operation, shard)
        answer = self.api.call(operation, request)
        if isinstance(answer, bytes):
            self.faults.pay(operation, shard, len(answer) * 3 // 4)  # the data without its base64
        if kind is Kind.TRUNCATED:
            head, content = self._encoded(answer, 200)
            raise _Abort(head + content[: len(content) // 2])
        if kind is Kind.HALF_JSON:
            content = self._encoded(answer, 200)[1]
            return content[: len(content) // 2]
        return answer

    def _encoded(self, answer: Answer, status: int) -> tuple[bytes, bytes]:
        """The head and the body, in two parts, so that a page of 10 MiB is not copied again."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\n"
            "Content-Type: application/x-amz-json-1.1\r\n"
            "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
            f"Date: {formatdate(self.api.clock.now_ms() / 1000, usegmt=True)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode(), body


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The target and the body of the next request."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").splitlines())
    headers = {name.lower(): value.strip() for name, _, value in lines}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return headers.get("x-amz-target", ""), body


@contextmanager
def in_thread() -> Iterator[FakeKinesis]:
    """A fake Kinesis in a thread of this process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="kinesis-fake", daemon=True)
    thread.start()
    server = HttpServer()
    url = asyncio.run_coroutine_threadsafe(server.start(0), loop).result(_MAX_SECONDS)
    try:
        yield FakeKinesis("fake", url)
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_MAX_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_MAX_SECONDS)
        loop.close()


async def _main(port: int) -> None:
    print(await HttpServer().start(port), flush=True)
    await asyncio.Event().wait()  # until a signal ends the process


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    asyncio.run(_main(parser.parse_args().port))
