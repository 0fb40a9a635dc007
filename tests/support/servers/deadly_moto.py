"""moto's server, which kills its client with SIGKILL at a given request, or refuses all from it on.

Everything that a driver does to Kinesis, to the tables and to its checkpoints on S3 is a request.
Each point of its work therefore has a request before or after which it can die:

    POST /_kill            {"steps": ["PUT .*/offsets/0$", "GetRecords"], "applied": false}
    POST /_kill/client     {"pid": 4711}

The steps are requests that must occur in this order. At the last one, the client and its process
group die: before the server applies the request, or, if `applied` is true, after it has applied it
and before the client gets the answer. The server holds that request until it is given the pid of
the client. If the pid is null, it lets the request pass.

    POST /_kill            {"steps": ["GetRecords"], "applied": false, "cuts_off": true}

This cuts off all clients instead: the last step, applied or not, and every request after it are
refused until the next `POST /_kill`. The storage is then as if the driver had been killed, and the
process of the driver lives on.

`GET /_kill` returns `{"stopped_at": …, "refused": […]}`: the request that was the last step, or
null, and the requests that were not applied since the start.
"""

import argparse
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

from tests.support.servers.moto_kinesis import correct_reshards

CONTROL = "/_kill"
# A request that is held for longer passes, as if the test had let it pass.
_MAX_SECONDS_TO_THE_CLIENT = 600

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class DeadlyServer:
    """A WSGI application around another one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._steps: list[re.Pattern[str]] = []
        self._applied = False
        self._cuts_off = False
        self._is_cut_off = False
        self._client = threading.Event()
        self._pid: int | None = None
        self._stopped_at: str | None = None
        self._refused: list[str] = []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CONTROL):
            return self._control(environ, start_response)
        request = _name(environ)
        was_cut_off, is_last = self._take_step(request)
        if was_cut_off or (is_last and self._cuts_off):
            if is_last and self._applied:
                list(self._app(environ, _without_answer))
            else:
                _body(environ)  # a client that still sends would see a broken connection
                self._refused.append(request)
            return _refuse(environ, start_response)
        if is_last and not self._applied and self._kills():
            start_response("503 Service Unavailable", [])  # the client is dead
            return []
        answer = list(self._app(environ, start_response))
        if is_last and self._applied:
            self._kills()
        return answer

    def _take_step(self, request: str) -> tuple[bool, bool]:
        """Whether the clients were cut off before `request`, and whether it is the last step."""
        with self._lock:
            if self._is_cut_off:
                return True, False
            if not self._steps or not self._steps[0].search(request):
                return False, False
            del self._steps[0]
            is_last = not self._steps
            self._is_cut_off = is_last and self._cuts_off
            self._stopped_at = request if is_last else None
            return False, is_last

    def _kills(self) -> bool:
        """Hold the request until the client is known. Kill the client unless its pid is null."""
        if not self._client.wait(_MAX_SECONDS_TO_THE_CLIENT) or self._pid is None:
            return False
        os.killpg(self._pid, signal.SIGKILL)
        return True

    def _control(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = _body(environ)
        if environ["REQUEST_METHOD"] == "POST":
            given = json.loads(body)
            if "pid" in given:
                self._pid = given["pid"]
                self._client.set()
            else:
                with self._lock:
                    self._steps = [re.compile(step) for step in given["steps"]]
                    self._applied, self._stopped_at = given["applied"], None
                    self._cuts_off, self._is_cut_off = given.get("cuts_off", False), False
                    self._client.clear()
        start_response("200 OK", [("Content-Type", "application/json")])
        state = {"stopped_at": self._stopped_at, "refused": self._refused}
        return [json.dumps(state).encode()]


def _body(environ: Environ) -> bytes:
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _without_answer(*_: Any) -> None:
    """Take the answer of the application, which the client does not get."""


def _refuse(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """An error that neither S3A nor the source of the stream retries."""
    if "HTTP_X_AMZ_TARGET" in environ:
        start_response("403 Forbidden", [("Content-Type", "application/x-amz-json-1.1")])
        return [b'{"__type": "AccessDeniedException", "message": "cut off"}']
    start_response("403 Forbidden", [("Content-Type", "application/xml")])
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    error = b"<Error><Code>AccessDenied</Code><Message>cut off</Message></Error>"
    return [] if is_head else [error]


def _name(environ: Environ) -> str:
    """`PUT /lake/raw/…`, or the operation if it is a call to Kinesis."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target.rpartition(".")[2])
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def main() -> None:
    """`python -m tests.support.servers.deadly_moto --port 5000`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    correct_reshards()
    app = DeadlyServer(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", given.port, app, threaded=True)


if __name__ == "__main__":
    main()
