"""The process of the demo's Kinesis server: moto's, on loopback.

It is run as a script, by its path, so that it imports nothing of `jobs`. It prints its port, and
ends when its standard input is closed.
"""

import logging
import sys

HOST = "127.0.0.1"


def serve() -> None:
    """Serve until standard input is closed."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(HOST, port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
