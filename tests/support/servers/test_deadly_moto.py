"""The server cuts its clients off at a chosen request, and answers again after a reset."""

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.servers import Server, deadly_moto


def control(server: Server, body: dict[str, object] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{server.url}/_kill", data, timeout=60) as reply:
        return json.load(reply)


def test_from_the_last_step_on_every_request_is_refused_until_the_reset() -> None:
    """The last step is applied or not, as it was asked for, and its client gets an error."""
    with deadly_moto() as server:
        s3, kinesis = server.client("s3"), server.client()
        s3.create_bucket(Bucket="lake")
        for applied in (True, False):
            key = f"applied-{applied}"
            control(server, {"steps": ["PUT .*/first", key], "applied": applied, "cuts_off": True})
            s3.put_object(Bucket="lake", Key="first", Body=b"passes")
            for _ in range(2):
                with pytest.raises(ClientError, match="AccessDenied"):
                    s3.put_object(Bucket="lake", Key=key, Body=b"refused")
            with pytest.raises(ClientError, match="AccessDeniedException"):
                kinesis.list_streams()
            assert control(server)["stopped_at"] == f"PUT /lake/{key}"
            control(server, {"steps": [], "applied": False})

        assert kinesis.list_streams()["StreamNames"] == []
        stored = [found["Key"] for found in s3.list_objects_v2(Bucket="lake")["Contents"]]
        assert stored == ["applied-True", "first"]
        assert control(server)["refused"].count("PUT /lake/applied-False") == 2
