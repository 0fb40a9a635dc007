"""moto's server, which kills its client with SIGKILL at a given request.

Everything that a driver does to Kinesis, to the tables and to its checkpoints on S3 is a request.
Each point of its work therefore has a request before or after which it can die:

    POST /_kill            {"steps": ["PUT .*/offsets/0$", "GetRecords"], "applied": false}
    POST /_kill/client     {"pid": 4711}

The steps are requests that must occur in this order. At the last one, the client and its process
group die: before the server applies the request, or, if `applied` is true, after it has applied it
and before the client gets the answer. The server holds that request until it is given the pid of
the client. If the pid is null, it lets the request pass. `GET /_kill` returns the request that was
the last step, or null.
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

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class DeadlyServer:
    """A WSGI application around another one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._steps: list[re.Pattern[str]] = []
        self._applied = False
        self._client = threading.Event()
        self._pid: int | None = None
        self._stopped_at: str | None = None

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CONTROL):
            return self._control(environ, start_response)
        request = _name(environ)
        is_last = self._take_step(request)
        if is_last and not self._applied and self._kills(request):
            start_response("503 Service Unavailable", [])  # the client is dead
            return []
        answer = list(self._app(environ, start_response))
        if is_last and self._applied:
            self._kills(request)
        return answer

    def _take_step(self, request: str) -> bool:
        """Whether `request` is the last step."""
        with self._lock:
            if not self._steps or not self._steps[0].search(request):
                return False
            del self._steps[0]
            return not self._steps

    def _kills(self, request: str) -> bool:
        """Hold `request` until the client is known. Kill the client unless its pid is null."""
        self._stopped_at = request
        self._client.wait()
        if self._pid is None:
            return False
        os.killpg(self._pid, signal.SIGKILL)
        return True

    def _control(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["REQUEST_METHOD"] == "POST":
            given = json.loads(body)
            if "pid" in given:
                self._pid = given["pid"]
                self._client.set()
            else:
                with self._lock:
                    self._steps = [re.compile(step) for step in given["steps"]]
                    self._applied, self._stopped_at = given["applied"], None
                    self._client.clear()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(self._stopped_at).encode()]


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
