"""Services that issue credentials, on loopback: EC2's metadata service, and STS's AssumeRole.

A test schedules faults. Each fault breaks one request; after them, the service answers.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_TOKEN = "/latest/api/token"
_ROLES = "/latest/meta-data/iam/security-credentials/"
HANG = 0  # a fault: no answer, until the service ends
_MAX_SECONDS = 60


@dataclass
class CredentialService:
    """What the service answers, and what it was asked.

    faults:       the HTTP status of the next requests, or HANG
    lifetime:     of the credentials that it issues
    assumed:      the parameters of each AssumeRole that was answered or denied
    """

    url: str = ""
    faults: deque[int] = field(default_factory=deque)
    lifetime: timedelta = timedelta(hours=1)
    denied: bool = False
    assumed: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def expiration(self) -> str:
        return (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")

    def assume(self, body: bytes) -> tuple[int, str]:
        """The status and the XML of an answer to AssumeRole."""
        self.assumed.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
        if self.denied:
            return 403, (
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User "
                "is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"
            )
        credentials = {
            "AccessKeyId": f"ASIAROLE{len(self.assumed):08d}",
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": self.expiration(),
        }
        members = "".join(f"<{name}>{text}</{name}>" for name, text in credentials.items())
        return 200, (
            "<AssumeRoleResponse><AssumeRoleResult>"
            f"<Credentials>{members}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )

    def metadata(self, path: str) -> tuple[int, str]:
        """The status and the text of an answer of the metadata service."""
        answers = {
            _TOKEN: "token",
            _ROLES: "reader",
            f"{_ROLES}reader": json.dumps(
                {
                    "Code": "Success",
                    "AccessKeyId": "ASIAMETADATA0001",
                    "SecretAccessKey": "secret",
                    "Token": "token",
                    "Expiration": self.expiration(),
                }
            ),
        }
        return (200, answers[path]) if path in answers else (404, "")


@contextmanager
def credential_service() -> Iterator[CredentialService]:
    """A service in a thread of this process."""
    service = CredentialService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(lambda: service.metadata(self.path))

        do_PUT = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(lambda: service.assume(body))

        def _answer(self, answer: Callable[[], tuple[int, str]]) -> None:
            service.requests += 1
            fault = service.faults.popleft() if service.faults else None
            if fault == HANG:
                service.ended.wait(_MAX_SECONDS)
                return
            status, text = (fault, "") if fault else answer()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Write nothing to the output of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(_MAX_SECONDS)
