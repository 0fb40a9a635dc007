"""The connection to Kinesis: a client of boto3 with credentials, made when it is first needed.

botocore looks for credentials once, when a client is made. A client that found none, or found some
that AWS rejects, stays broken. Such a client is discarded, and the next call makes another one with
a new session, which looks for credentials again.
"""

import json
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
)

from jobs.sources.kinesis.get_records import GetRecordsParserFactory
from jobs.sources.kinesis.options import KinesisOptions

_ROLE_SESSION_NAME = "event-lake"
# TCP sends its first packet again after 1 s, 3 s and 7 s.
_MAX_CONNECT_SECONDS = 10.0


@dataclass
class Connection:
    """A client of boto3 that can be replaced. Several threads may use it at once."""

    options: KinesisOptions
    _api: Any = field(default=None, init=False, repr=False)
    _credentials: Any = field(default=None, init=False, repr=False)
    _attempts: int = field(default=0, init=False)
    _failure: Exception | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def api(self) -> Any:
        """A client whose credentials have not expired. It is made if there is none.

        Raises:
            BotoCoreError, ClientError: there are no credentials, the role cannot be assumed, or
                the configuration is invalid.
        """
        seen = self._attempts
        with self._lock:
            if self._api is None:
                if self._failure is not None and self._attempts > seen:
                    raise self._failure  # it failed while this thread waited
                self._make()
            api, credentials = self._api, self._credentials
        try:
            _frozen(credentials)
        except (BotoCoreError, ClientError):
            self.discard(api)
            raise
        return api

    def discard(self, api: Any) -> None:
        """Forget `api`, unless another thread has replaced it already."""
        with self._lock:
            if self._api is api:
                self._api = None

    def _make(self) -> None:
        self._attempts += 1
        try:
            self._api, self._credentials = make_api(self.options)
        except (BotoCoreError, ClientError) as error:
            self._failure = error
            raise
        self._failure = None


def make_api(options: KinesisOptions) -> tuple[Any, Any]:
    """A client for Kinesis, and its credentials, which renew themselves if they expire.

    Raises:
        BotoCoreError, ClientError: there are no credentials, or the configuration is invalid.
    """
    session = _session(options)
    credentials = _found_credentials(session)
    session.register_component("response_parser_factory", GetRecordsParserFactory())
    try:
        api: Any = boto3.Session(botocore_session=session).client(
            "kinesis",
            region_name=options.region,
            endpoint_url=options.endpoint_url,
            config=_config(options),
        )
    except ValueError as error:  # the URL of the endpoint is invalid
        raise InvalidConfigError(error_msg=str(error)) from error
    # Before 1.43, botocore truncates a Timestamp to whole seconds. These handlers write it in full.
    api.meta.events.register("provide-client-params.kinesis.GetShardIterator", _keep_timestamp)
    api.meta.events.register("before-call.kinesis.GetShardIterator", _write_timestamp)
    return api, credentials


def _session(options: KinesisOptions) -> Any:
    """A session with the credentials of this machine, or with those of the role to assume."""
    session = botocore.session.get_session()
    if not options.role_arn:
        return session
    assumed = botocore.session.get_session()
    assumed.register_component(
        "credential_provider", CredentialResolver([_RoleProvider(session, options)])
    )
    return assumed


class _RoleProvider(CredentialProvider):
    """Provides credentials of a role. They are requested at the first call, and renewed."""

    METHOD = "assume-role"

    def __init__(self, session: Any, options: KinesisOptions) -> None:
        super().__init__(session)
        self._options = options

    def load(self) -> Any:
        extra = {"RoleSessionName": _ROLE_SESSION_NAME}
        if self._options.role_external_id:
            extra["ExternalId"] = self._options.role_external_id
        fetcher = AssumeRoleCredentialFetcher(
            partial(
                self.session.create_client,
                region_name=self._options.region,
                config=_config(self._options),
            ),
            _found_credentials(self.session),
            str(self._options.role_arn),
            extra_args=extra,
        )
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)


def _found_credentials(session: Any) -> Any:
    try:
        credentials = session.get_credentials()
    except BotoCoreError:
        raise
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        # A service answered with something else, or a file of a token cannot be read.
        raise CredentialRetrievalError(provider="default", error_msg=repr(error)) from error
    if credentials is None:
        raise NoCredentialsError
    return credentials


def _frozen(credentials: Any) -> Any:
    """The keys, renewed if they are about to expire."""
    try:
        return credentials.get_frozen_credentials()
    except BotoCoreError:
        raise
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise CredentialRetrievalError(
            provider=getattr(credentials, "method", "default"), error_msg=repr(error)
        ) from error


def _config(options: KinesisOptions) -> Config:
    timeout = options.request_timeout.total_seconds()
    return Config(
        # The caller retries. botocore considers neither Kinesis's limits nor truncated answers.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=options.probe_threads,
        connect_timeout=min(timeout, _MAX_CONNECT_SECONDS),
        read_timeout=timeout,
        tcp_keepalive=True,
    )


def _keep_timestamp(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    context["timestamp"] = params.get("Timestamp")


def _write_timestamp(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if context.get("timestamp") is not None:
        body = json.loads(params["body"])
        params["body"] = json.dumps(
            {**body, "Timestamp": context["timestamp"].timestamp()}
        ).encode()
