"""What does a bucket hold? (The S3 API, as R2 and others speak it, through boto3.)"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from probes.aws import client
from probes.deadline import within
from probes.journal import reading
from probes.reading import NoReading, one_line

RESOURCE = "storage"
MOST = 1000  # keys of one listing
KINDS = {
    "NoSuchBucket": "bucket-missing",
    "NoSuchKey": "object-missing",
    "AccessDenied": "access-denied",
    "Unauthorized": "access-denied",  # R2's word for a key it doesn't know
    "InvalidAccessKeyId": "access-denied",
    "SignatureDoesNotMatch": "access-denied",
    "RequestTimeTooSkewed": "clock-skew",
    "SlowDown": "rate-limited",
}
OF_STATUS = {"401": "access-denied", "403": "access-denied", "404": "object-missing", "429": "rate-limited"}


@dataclass(frozen=True)
class ObjectFacts:
    """One object. `size` in bytes, `modified` in seconds since the epoch."""

    key: str
    size: int
    modified: float


class Bucket:
    """One bucket, seen by a key that may only look. NoReading kinds: bucket-missing, access-denied, object-missing,
    endpoint-unreachable, clock-skew, rate-limited, no-library, bad-endpoint; evidence: code, status.

    Addresses are looked up by the machine's own resolver. Sent as R2 wants it: the bucket in the path, and no checksum
    headers that an operation doesn't require (boto3 #4392).
    """

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        *,
        key_id: str,
        secret: str,
        region: str = "auto",
        ca_file: str | None = None,
        proxy: str | None = None,
        timeout_s: float = 4.0,  # for each of two tries
        resource: str = RESOURCE,
    ) -> None:
        self.endpoint, self.bucket, self.resource = endpoint, bucket, resource
        self._key, self._region, self._timeout_s = (key_id, secret), region, timeout_s
        self._ca_file, self._proxy = ca_file, proxy

    def listed(self, prefix: str = "", most: int = MOST) -> list[ObjectFacts]:
        """The first objects below a prefix, by their keys; all of them, where that is more than one listing holds."""
        found: list[ObjectFacts] = []
        more: dict[str, str] = {}
        while len(found) < most:
            with self._asking(f"list s3://{self.bucket}/{prefix}") as facts:
                page = self._client.list_objects_v2(
                    Bucket=self.bucket, Prefix=prefix, MaxKeys=min(MOST, most - len(found)), **more
                )
                found += [
                    _facts(entry["Key"], entry["Size"], entry["LastModified"]) for entry in page.get("Contents", [])
                ]
                facts["objects"] = len(found)
            if not page.get("IsTruncated"):
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
        return found

    def head(self, key: str) -> ObjectFacts:
        """What is told of an object without sending it; NoReading object-missing where there is none."""
        with self._asking(f"head s3://{self.bucket}/{key}") as facts:
            told = self._client.head_object(Bucket=self.bucket, Key=key)
            facts["size"] = told["ContentLength"]
            return _facts(key, told["ContentLength"], told["LastModified"])

    def read(self, key: str, max_bytes: int) -> bytes:
        """At most `max_bytes` of an object's beginning."""
        with self._asking(f"read s3://{self.bucket}/{key}"):
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
            with contextlib.closing(body):
                return bytes(body.read(max_bytes))

    @contextlib.contextmanager
    def opened(self, key: str) -> Iterator[BinaryIO]:
        """An object to be read piece by piece, within the running check's deadline; no piece keeps us longer than
        timeout_s."""
        with self._asking(f"read s3://{self.bucket}/{key}"):
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
        with contextlib.closing(body), within(math.inf).on_expiry(body.close):
            yield cast(BinaryIO, _Piecewise(body, self))

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> Any:
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            what = "the endpoint must be the account's own address, without the bucket behind it"
            raise NoReading(self.resource, what, kind="bad-endpoint")
        return client(
            "s3",
            self.resource,
            region=self._region,
            key_id=self._key[0],
            secret=self._key[1],
            endpoint=self.endpoint,
            ca_file=self._ca_file,
            proxy=self._proxy,
            timeout_s=self._timeout_s,
            more={
                "s3": {"addressing_style": "path"},
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        )

    @contextlib.contextmanager
    def _asking(self, title: str) -> Iterator[dict[str, Any]]:
        self._client  # noqa: B018  made before any clock runs
        from botocore import exceptions as boto

        with reading(title) as facts:
            try:
                yield facts
            except boto.ClientError as error:
                raise self._refused(error) from None
            except (boto.ConnectionError, boto.HTTPClientError) as error:
                what = f"{self.endpoint} gives no answer: {_why(error)}"
                raise NoReading(self.resource, what, kind="endpoint-unreachable") from None
            except boto.BotoCoreError as error:
                raise NoReading(self.resource, f"{self.endpoint}: {_why(error)}", kind="bad-request") from None

    def _refused(self, error: Any) -> NoReading:
        told = error.response.get("Error", {})
        code, status = str(told.get("Code", "")), str(error.response["ResponseMetadata"]["HTTPStatusCode"])
        kind = KINDS.get(code) or OF_STATUS.get(status, "wrong-status")
        what = f"{self.endpoint} answers HTTP {status} {one_line(code, 60)} for s3://{self.bucket}"
        if kind == "clock-skew":
            what += f": {_skew(error.response)}"
        return NoReading(self.resource, what, kind=kind, evidence={"code": code, "status": int(status)})


class _Piecewise(io.RawIOBase):
    """A body whose troubles are told as NoReading."""

    def __init__(self, body: Any, bucket: Bucket) -> None:
        self._body, self._bucket = body, bucket

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        from botocore import exceptions as boto

        try:
            return bytes(self._body.read(size if size >= 0 else None))
        except (boto.BotoCoreError, boto.HTTPClientError, OSError, ValueError, AttributeError) as error:
            what = f"{self._bucket.endpoint}: the object broke off: {_why(error)}"
            raise NoReading(self._bucket.resource, what, kind="endpoint-unreachable") from None


def _facts(key: str, size: int, modified: datetime) -> ObjectFacts:
    return ObjectFacts(key, size, modified.timestamp())


def _why(error: Exception) -> str:
    """botocore's sentence names the endpoint, never the key."""
    cause = error.__class__.__name__
    words = {
        "EndpointConnectionError": "no connection",
        "ConnectTimeoutError": "no connection in time",
        "ReadTimeoutError": "no whole answer in time",
        "SSLError": "TLS failed",
        "ConnectionClosedError": "the connection was closed",
        "ProxyConnectionError": "the proxy gives no connection",
    }
    return words.get(cause, cause)


def _skew(response: Any) -> str:
    """Whose clock is off can't be told, by how much can."""
    told = response["ResponseMetadata"].get("HTTPHeaders", {}).get("date", "")
    try:
        off = datetime.now(UTC).timestamp() - parsedate_to_datetime(told).timestamp()
    except (ValueError, TypeError):
        return "this machine's clock and the storage's are too far apart for a signature to hold"
    side = "ahead of" if off > 0 else "behind"
    return f"this machine's clock is {abs(off):.0f} s {side} the storage's, too far for a signature to hold"
