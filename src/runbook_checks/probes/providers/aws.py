"""Make clients of AWS APIs, with their keys and timeouts."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Mapping
from typing import Any

from runbook_checks.inputs.address import Malformed
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.target import parsed_url

MOST_CONNECT_S = 3.0


def client(
    service: str,
    resource: str,
    *,
    region: str,
    key_id: str | None,
    secret: str | None,
    session_token: str | None = None,
    endpoint: str | None = None,
    ca_file: str | None = None,
    proxy: str | None = None,
    resolver: str | None = None,
    timeout_s: float = 5.0,
    max_body: int = 32 << 20,
    clear_text: tuple[str, ...] = (),
    more: Mapping[str, Any] | None = None,
) -> Any:
    """Return a client of boto3 that sends through our own HTTP (aws_transport). NoReading no-library, bad-endpoint.

    timeout_s  for each of two tries
    more       as botocore's Config takes it

    With a key, nothing is taken from the user's AWS_ variables or ~/.aws; without one, the key is taken from there or
    from the machine's role. Proxy variables are never used.
    """
    if endpoint is not None:
        check_endpoint(endpoint, resource)
    try:
        import boto3
        from botocore.config import Config
        from botocore.session import Session
    except ImportError:
        what = "boto3 is not installed: pip install 'runbook-checks[aws]'"
        raise NoReading(resource, what, kind="no-library") from None
    from runbook_checks.probes.providers.aws_transport import Wire

    config = Config(retries={"total_max_attempts": 2, "mode": "standard"}, proxies={}, **(more or {}))
    wire = Wire(
        resource,
        timeout_s=timeout_s,
        max_body=max_body,
        decodes=service != "s3",  # what an object was stored with is a part of it
        connect_timeout_s=min(MOST_CONNECT_S, timeout_s),
        ca_file=ca_file,
        proxy=proxy,
        resolver=resolver,
        clear_text=clear_text,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about Python versions that boto3 will drop
        plain = Session(_without_user_settings() if key_id else None)
        plain.register_component("data_loader", _descriptions())
        session = boto3.session.Session(
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            aws_session_token=session_token,
            region_name=region,
            botocore_session=plain,
        )
        made = session.client(service, endpoint_url=endpoint, config=config)
    made.meta.events.register("before-send", wire)
    return made


def check_endpoint(url: str, resource: str) -> None:
    """NoReading bad-endpoint, quoting nothing, for an invalid address or one with a login."""
    try:
        if "@" in parsed_url(url).netloc:
            raise Malformed("it must not hold a user and password; the key has its own settings")
    except Malformed as error:
        raise NoReading(
            resource, f"the endpoint is not a valid http:// or https:// address: {error}", kind="bad-endpoint"
        ) from None


@functools.cache
def _descriptions() -> Any:
    """Load botocore's descriptions of services once for all clients; each takes megabytes."""
    from botocore.loaders import create_loader

    return create_loader()


def _without_user_settings() -> dict[str, tuple[None, None, Any, None]]:
    """Settings in botocore's form: name in the file, name in the environment, value, conversion."""
    values = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull, "ca_bundle": None}
    return {name: (None, None, value, None) for name, value in values.items()}
