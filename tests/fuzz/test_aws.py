"""Whatever a storage or log service returns instead of AWS' responses: a reading, or a reason, in time."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_checks.probes.backups.dumps import inspect
from runbook_checks.probes.backups.inventory import InBucket
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.logs.cloudwatch import CloudWatch
from runbook_checks.probes.providers.object_storage import Bucket
from tests.fuzz.fuzz import any_bytes, bounded, fuzzed, holding, mangled, twisted_twice, twists
from tests.hostile.services import answering
from tests.misbehaving.http import bomb, whole
from tests.misbehaving.server import REGISTRY, FakeServer
from tests.probes.conftest import taking

LISTING = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/><KeyCount>1</KeyCount>
<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>backup_20260101.sql.gz</Key>
<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass>
</Contents></ListBucketResult>"""
REFUSAL = (
    b"""<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message><RequestId>1</RequestId></Error>"""
)
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "' + b"ha" * 50 + b'">' + b"".join(
    b'<!ENTITY %c "%s">' % (n + 1, b"&%c;" % n * 10) for n in range(ord("a"), ord("i"))
) + b"]><ListBucketResult><Name>&i;</Name></ListBucketResult>"  # fmt: skip
XML = "Content-Type: application/xml"
STARTED = {"queryId": "q"}
ROWS = {"status": "Complete", "results": [[{"field": "@timestamp", "value": "2026-01-01 00:00:00.000"},
        {"field": "@message", "value": "ERROR a"}, {"field": "@log", "value": "1:/aws/api"},
        {"field": "entries", "value": "3"}]], "statistics": {"recordsMatched": 1.0}}  # fmt: skip


class Says:
    """A server whose next response is set from outside."""

    def __init__(self) -> None:
        self.answer = b""
        self.handler = answering(lambda _method, _path: self.answer)


def bucket(server: FakeServer) -> Bucket:
    return Bucket(server.url, "b", key_id="k", secret="s", timeout_s=1.0)


def ways(seen: Bucket) -> list[Callable[[], Any]]:
    def dump() -> None:
        with seen.opened("k") as file:
            inspect(file, is_gzip=True)

    return [
        lambda: seen.listed("", 2000),
        lambda: InBucket(seen, "", "backup_*").newest_first(),
        lambda: seen.head("k"),
        lambda: seen.read("k", 10),
        dump,
    ]


def test_storage() -> None:
    says = Says()
    with FakeServer(says.handler) as server, bounded():
        seen = bucket(server)

        @fuzzed(120)
        @given(
            st.one_of(mangled(LISTING), mangled(LISTING, REFUSAL), any_bytes()), st.integers(0, 4),
            st.sampled_from(("200 OK", "200 OK", "206 Partial Content", "403 Forbidden", "404 Not Found")),
            st.sampled_from(("bytes 0-9/99", "bytes */0", "bytes x/y", "bytes 0-9/*", "")),
            st.sampled_from(("Thu, 01 Jan 2026 00:00:00 GMT", "never", "Fri, 31 Dec 99999 23:59:59 GMT", "0")),
        )  # fmt: skip
        def fuzz(body: bytes, way: int, status: str, part: str, modified: str) -> None:
            more = [f"Content-Range: {part}"] if part else []
            says.answer = whole(body, XML, "Connection: close", f"Last-Modified: {modified}", *more, status=status)
            with holding((body, way, status, part, modified)):
                ways(seen)[way]()

        fuzz()
        seen.close()


@pytest.mark.parametrize(
    "name",
    WITHOUT_END := {
        "laughs": whole(LAUGHS, XML, "Connection: close"),
        "more-without-end": whole(LISTING.replace(b"false", b"true"), XML, "Connection: close"),
        "more-of-nothing": whole(b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
                                 b"</NextContinuationToken></ListBucketResult>", XML, "Connection: close"),
        "always-the-same-piece": whole(b"x", "Content-Range: bytes 0-0/999999999999", "Connection: close",
                                       status="206 Partial Content"),
        "empty-pieces": whole(b"", "Content-Range: bytes 0-0/99", "Connection: close", status="206 Partial Content"),
    },
)  # fmt: skip
def test_storage_without_an_end(name: str) -> None:
    from runbook_checks.probes.core.deadline import Deadline, current

    with FakeServer(answering(lambda _method, _path: WITHOUT_END[name])) as server, bounded():
        seen = bucket(server)
        for look in ways(seen):
            token = current.set(Deadline(1.5))
            try:
                with taking(2.5), suppress(NoReading):
                    look()
            finally:
                current.reset(token)
        seen.close()


NAMES = ("silent", "drips-body", "drips-headers", "oversized-unannounced", "one-endless-chunk", "resets-mid-body",
         "garbage", "gzip-bomb", "redirects-for-ever")  # fmt: skip


@pytest.mark.parametrize("name", [f"http.{name}" for name in NAMES])
def test_misbehaving_servers(name: str) -> None:
    """Limited in time and bytes, which botocore's own transport is not."""
    bomb()  # created before any time is measured
    with FakeServer(REGISTRY[name]) as server, bounded():
        seen = Bucket(server.url, "b", key_id="k", secret="s", timeout_s=0.3)
        for look in (ways(seen)[0], ways(seen)[-1]):
            with taking(3.0), pytest.raises(NoReading):
                look()
        seen.close()
        logs = CloudWatch("r", key_id="k", secret="s", endpoint=server.url, timeout_s=0.3)
        with taking(3.0), pytest.raises(NoReading):
            logs.read(["/aws/api"], "error", since=0.0, until=60.0, alive_s=60.0)
        logs.close()


def rows(body: bytes, status: str = "200 OK") -> bytes:
    return whole(body, "Content-Type: application/x-amz-json-1.1", "Connection: close", status=status)


def test_log_rows() -> None:
    """The first response of a pair belongs to the query, which only returns its id."""
    says = Says()
    with FakeServer(says.handler) as server, bounded():
        logs = CloudWatch("r", key_id="k", secret="s", endpoint=server.url, timeout_s=1.0)

        def look(body: bytes, status: str = "200 OK") -> None:
            says.answer = rows(body, status)
            with holding((body, status)):
                logs.read(["/aws/api"], "error", since=0.0, until=60.0, alive_s=60.0)

        look(json.dumps(STARTED | ROWS).encode())
        for number, body in enumerate(twists(STARTED | ROWS)):
            if number % 7 == 0 and b"Running" not in body:
                look(body)

        @fuzzed(60)
        @given(st.one_of(twisted_twice(STARTED | ROWS), mangled(json.dumps(STARTED | ROWS).encode()), any_bytes()),
               st.sampled_from(("200 OK", "200 OK", "400 Bad Request", "500 No")))  # fmt: skip
        def fuzz(body: bytes, status: str) -> None:
            look(body, status)

        fuzz()
        logs.close()
