"""List and read the objects of a bucket (the S3 API, as R2 and others speak it, through boto3)."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.providers.aws import check_endpoint, client

RESOURCE = "storage"
MOST = 1000  # keys of one listing
PIECE = 8 << 20
MAX_BODY = 2 * PIECE  # a storage without ranges sends objects whole
BEYOND_THE_END = 416  # of a range (RFC 9110, 15.5.17); an empty object has no first byte
KINDS = {
    "NoSuchBucket": "bucket-missing",
    "NoSuchKey": "object-missing",
    "AccessDenied": "access-denied",
    "Unauthorized": "access-denied",  # R2's code for an unknown key
    "InvalidAccessKeyId": "access-denied",
    "SignatureDoesNotMatch": "access-denied",
    "RequestTimeTooSkewed": "clock-skew",
    "InvalidObjectState": "archived",
    "PermanentRedirect": "bad-endpoint",
    "SlowDown": RATE_LIMITED,
    "Throttling": RATE_LIMITED,
    "ThrottlingException": RATE_LIMITED,
    "RequestLimitExceeded": RATE_LIMITED,
    "TooManyRequests": RATE_LIMITED,
}
OF_STATUS = {"401": "access-denied", "403": "access-denied", "404": "object-missing", "429": RATE_LIMITED}
NO_S3 = "answers with something other than S3"
# Hosts of providers that take the bucket as a part of the host's name; elsewhere a host may begin like a bucket.
PROVIDERS = ("amazonaws.com", "cloudflarestorage.com", "digitaloceanspaces.com", "backblazeb2.com", "wasabisys.com")


@dataclass(frozen=True)
class ObjectFacts:
    """One object. `size` in bytes, `modified` in seconds since the epoch."""

    key: str
    size: int
    modified: float


class Bucket:
    """One bucket, read with a key that may only read. NoReading kinds: bucket-missing, access-denied, object-missing,
    archived, endpoint-unreachable, malformed-answer, not-s3, clock-skew, rate-limited, no-library, bad-endpoint, and
    those of probes.net.tls_context; evidence: code, status.

    Requests are as R2 wants them: the bucket in the path (addressing="virtual": in the host), and no checksum headers
    that an operation does not require (boto3 #4392).
    """

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        *,
        key_id: str,
        secret: str,
        region: str = "auto",
        session_token: str | None = None,
        addressing: str = "path",
        ca_file: str | None = None,
        proxy: str | None = None,
        resolver: str | None = None,
        timeout_s: float = 4.0,  # for each of two tries
        resource: str = RESOURCE,
        clear_text: tuple[str, ...] = (),
    ) -> None:
        self.endpoint, self.bucket, self.resource = endpoint, bucket, resource
        self._key, self._region, self._timeout_s = (key_id, secret, session_token), region, timeout_s
        self._addressing = addressing
        self._ca_file, self._proxy, self._resolver = ca_file, proxy, resolver
        self._clear_text = clear_text

    def listed(self, prefix: str = "", most: int = MOST) -> list[ObjectFacts]:
        """The first objects below a prefix in the order of their keys, from as many pages as that takes."""
        found: list[ObjectFacts] = []
        more: dict[str, str] = {}
        while len(found) < most:
            with self._asking(f"list s3://{self.bucket}/{prefix}") as facts:
                page = self._client.list_objects_v2(
                    Bucket=self.bucket, Prefix=prefix, MaxKeys=min(MOST, most - len(found)), **more
                )
                if not page.keys() & {"Name", "KeyCount", "IsTruncated"}:
                    raise NoReading(self.resource, f"{self.endpoint} {NO_S3}", kind="not-s3")
                entries = page.get("Contents", [])
                found += [_facts(entry["Key"], entry["Size"], entry["LastModified"]) for entry in entries]
                facts["objects"] = len(found)
                if not page.get("IsTruncated"):
                    break
                if not entries:
                    raise self._malformed("lists nothing, but says that there is more")
                more = {"ContinuationToken": page["NextContinuationToken"]}
        return found

    def head(self, key: str) -> ObjectFacts:
        """The size and time of an object; NoReading object-missing without it."""
        with self._asking(f"head s3://{self.bucket}/{key}") as facts:
            found = self._client.head_object(Bucket=self.bucket, Key=key)
            facts["size"] = found["ContentLength"]
            return _facts(key, found["ContentLength"], found["LastModified"])

    def read(self, key: str, max_bytes: int) -> bytes:
        """At most `max_bytes` of an object's beginning."""
        return self.piece(key, 0, max_bytes)[0]

    @contextlib.contextmanager
    def opened(self, key: str) -> Iterator[BinaryIO]:
        """Open an object, which is read piece by piece within the running check's deadline, each within timeout_s."""
        yield cast(BinaryIO, io.BufferedReader(_Pieces(self, key), PIECE))

    def piece(self, key: str, begin: int, size: int, etag: str | None = None) -> tuple[bytes, str, bool]:
        """The bytes of an object from `begin`, its ETag, and whether that was the end; `etag` is what it must still be.

        A server without ranges sends it whole (RFC 9110, 14.2).
        """
        from botocore.exceptions import ClientError

        same = {"IfMatch": etag} if etag else {}
        with self._asking(f"read s3://{self.bucket}/{key}") as facts:
            try:
                sent = self._client.get_object(
                    Bucket=self.bucket, Key=key, Range=f"bytes={begin}-{begin + size - 1}", **same
                )
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == BEYOND_THE_END:
                    return b"", etag or "", True
                raise
            body = bytes(sent["Body"].read())
            facts["bytes"] = len(body)
            if "ContentRange" not in sent:
                return body[begin : begin + size], sent.get("ETag", ""), len(body) <= begin + size
            whole = int(sent["ContentRange"].rpartition("/")[2])
            if not body:
                raise self._malformed("sends an empty piece")
            return body[:size], sent.get("ETag", ""), begin + len(body) >= whole

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> Any:
        check_endpoint(self.endpoint, self.resource)
        parts = urlsplit(self.endpoint)
        host = parts.hostname or ""
        if parts.path.strip("/") or (host.startswith(f"{self.bucket.lower()}.") and host.endswith(PROVIDERS)):
            raise self._with_bucket()
        return client(
            "s3",
            self.resource,
            region=self._region,
            key_id=self._key[0],
            secret=self._key[1],
            session_token=self._key[2],
            endpoint=self.endpoint,
            ca_file=self._ca_file,
            proxy=self._proxy,
            resolver=self._resolver,
            timeout_s=self._timeout_s,
            max_body=MAX_BODY,
            clear_text=self._clear_text,
            more={
                "s3": {"addressing_style": self._addressing},
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        )

    @contextlib.contextmanager
    def _asking(self, title: str) -> Iterator[dict[str, Any]]:
        self._client  # noqa: B018  made before the time of a reading begins
        from botocore import exceptions as boto

        with reading(title) as facts:
            try:
                yield facts
            except NoReading:
                raise
            except boto.ClientError as error:
                raise self._refused(error) from None
            except (boto.ConnectionError, boto.HTTPClientError) as error:
                what = f"{self.endpoint} does not respond: {_why(error)}"
                raise NoReading(self.resource, what, kind="endpoint-unreachable") from None
            except (boto.ParamValidationError, boto.NoCredentialsError, boto.PartialCredentialsError) as error:
                raise NoReading(self.resource, f"{self.endpoint}: {_why(error)}", kind="bad-request") from None
            except Exception:  # botocore fails in many ways at what is not S3
                raise self._malformed(NO_S3) from None

    def _with_bucket(self) -> NoReading:
        what = f"{self.endpoint} must be the account's own address, without the bucket in its host or path"
        return NoReading(self.resource, what, kind="bad-endpoint")

    def _malformed(self, what: str) -> NoReading:
        return NoReading(self.resource, f"{self.endpoint} {what}", kind="malformed-answer")

    def _refused(self, error: Any) -> NoReading:
        given, operation = error.response.get("Error", {}), error.operation_name
        code, status = str(given.get("Code", "")), str(error.response["ResponseMetadata"]["HTTPStatusCode"])
        evidence = {"code": code, "status": int(status)}
        kind = KINDS.get(code) or OF_STATUS.get(status, "wrong-status")
        if operation == "ListObjectsV2" and code == "NoSuchKey":
            return self._with_bucket()  # the host's name stands for the bucket, and the path for an object
        if code in ("", status) and operation != "HeadObject" and status in ("401", "403", "404", "500"):
            # botocore turns 200 with what it can't parse into 500.
            shown = "200 or 500" if status == "500" else status
            what = f"{self.endpoint} {NO_S3}: HTTP {shown} without S3's code, as from a web server or firewall"
            return NoReading(self.resource, what, kind="not-s3", evidence=evidence)
        shown = status if code in ("", status) else f"{status} {one_line(code, 60)}"
        if kind == RATE_LIMITED:
            what = f"{self.endpoint}: rate limited (HTTP {shown}) for s3://{self.bucket}"
        elif kind == "clock-skew":
            what = f"{self.endpoint} answers HTTP {shown} for s3://{self.bucket}: {_skew(error.response)}"
        else:
            what = f"{self.endpoint} answers HTTP {shown} for s3://{self.bucket}{_said(given)}"
        return NoReading(self.resource, what, kind=kind, evidence=evidence)


def _said(given: Any) -> str:
    """S3's own sentence, which names the right region or why an object is archived."""
    if given.get("Code") == "InvalidObjectState":
        return ": the object is archived, and must be restored before it can be read"
    message = one_line(str(given.get("Message") or ""), 160)
    return f": {message}" if message else ""


class _Pieces(io.RawIOBase):
    """An object as a file."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        self._at, self._etag, self._is_over = 0, "", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._is_over:
            return 0
        body, self._etag, self._is_over = self._bucket.piece(self._key, self._at, len(buffer), self._etag)
        self._at += len(body)
        buffer[: len(body)] = body
        return len(body)


def _facts(key: str, size: int, modified: datetime) -> ObjectFacts:
    return ObjectFacts(key, size, modified.timestamp())


def _why(error: Exception) -> str:
    """A short reason; botocore's own sentence names the endpoint, never the key."""
    cause = error.__class__.__name__
    words = {
        "EndpointConnectionError": "no connection",
        "ConnectTimeoutError": "connect timeout",
        "ReadTimeoutError": "read timeout",
        "SSLError": "TLS failed",
        "ConnectionClosedError": "the connection was closed",
        "ProxyConnectionError": "the proxy does not connect",
    }
    return words.get(cause, cause)


def _skew(response: Any) -> str:
    """The difference of the clocks; it does not show which of them is wrong."""
    date = response["ResponseMetadata"].get("HTTPHeaders", {}).get("date", "")
    try:
        off = datetime.now(UTC).timestamp() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return "this machine's clock and the storage's are too far apart for a signature to hold"
    side = "ahead of" if off > 0 else "behind"
    return f"this machine's clock is {abs(off):.0f} s {side} the storage's, too far for a signature to hold"
