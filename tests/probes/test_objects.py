"""Objects of a bucket, from a small S3 stand-in: with pages, with ranges, or with neither."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.providers.object_storage import Bucket
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer, Visit

XML = "Content-Type: application/xml"
BODY = b"0123456789"
HOUR = timedelta(hours=1)


def listing(*keys: str, more: str = "") -> bytes:
    entries = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>7</Size></Contents>"
        for key in keys
    )
    reported = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    cut = "true" if more else "false"
    text = f"<ListBucketResult><Name>b</Name><IsTruncated>{cut}</IsTruncated>{reported}{entries}</ListBucketResult>"
    return whole(text.encode(), XML, "Connection: close")


def refusal(code: str, status: str, *headers: str) -> bytes:
    text = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    return whole(text.encode(), XML, "Connection: close", *headers, status=status)


class Storage:
    """Lists two objects a page, and sends objects as configured."""

    def __init__(self, *, knows_ranges: bool = True, answer: bytes = b"") -> None:
        self.keys = ["a", "b", "c", "d", "e"]
        self.knows_ranges, self.answer = knows_ranges, answer
        self.asked: list[dict[str, list[str]]] = []

    def __call__(self, visit: Visit) -> None:
        head = visit.request().decode("latin-1")
        if not head:
            return
        query = parse_qs(urlsplit(head.split(" ")[1]).query)
        self.asked.append(query)
        visit.say(self.answer or (self._listed(query) if "list-type" in query else self._sent(head)))

    def _listed(self, query: dict[str, list[str]]) -> bytes:
        begin = int(query.get("continuation-token", ["0"])[0])
        end = begin + min(2, int(query["max-keys"][0]))
        return listing(*self.keys[begin:end], more=str(end) if end < len(self.keys) else "")

    def _sent(self, head: str) -> bytes:
        asked = re.search(r"(?i)\r\nrange: bytes=(\d+)-(\d+)", head)
        if not self.knows_ranges or asked is None:
            return whole(BODY, 'ETag: "e"', "Connection: close")
        begin, end = int(asked[1]), min(int(asked[2]) + 1, len(BODY))
        if begin >= len(BODY):
            return refusal("InvalidRange", "416 Range Not Satisfiable")
        reported = f"Content-Range: bytes {begin}-{end - 1}/{len(BODY)}"
        return whole(BODY[begin:end], reported, 'ETag: "e"', "Connection: close", status="206 Partial Content")


@contextmanager
def bucket(storage: Storage) -> Iterator[Bucket]:
    with FakeServer(storage) as server:
        seen = Bucket(server.url, "b", key_id="k", secret="s")
        yield seen
        seen.close()


def refused(answer: bytes) -> NoReading:
    with bucket(Storage(answer=answer)) as seen, pytest.raises(NoReading) as caught:
        seen.piece("k", 0, 5)
    return caught.value


def test_all_pages_are_read_up_to_the_requested_number() -> None:
    storage = Storage()
    with bucket(storage) as seen:
        assert [one.key for one in seen.listed()] == ["a", "b", "c", "d", "e"]
        assert [query["max-keys"] for query in storage.asked] == [["1000"], ["998"], ["996"]]
        assert [one.key for one in seen.listed(most=3)] == ["a", "b", "c"]
        assert [one.key for one in seen.listed(most=2)] == ["a", "b"]
        assert (seen.listed()[0].size, seen.listed()[0].modified) == (7, datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    with bucket(Storage(answer=listing())) as seen:
        assert seen.listed() == []
    with bucket(Storage(answer=listing(more="7"))) as seen, pytest.raises(NoReading, match="says that there is more"):
        seen.listed()


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_pieces_are_the_same_with_and_without_ranges(knows_ranges: bool) -> None:
    with bucket(Storage(knows_ranges=knows_ranges)) as seen:
        assert seen.piece("k", 0, 4) == (b"0123", '"e"', False)
        assert seen.piece("k", 4, 5) == (b"45678", '"e"', False)
        assert seen.piece("k", 4, 6) == (b"456789", '"e"', True)
        assert seen.piece("k", 8, 6) == (b"89", '"e"', True)
        assert seen.piece("k", 10, 6, '"e"')[0::2] == (b"", True)
        assert seen.read("k", 3) == b"012"
        with seen.opened("k") as file:
            assert file.read() == BODY


def test_empty_piece_is_omitted() -> None:
    empty = whole(b"", "Content-Range: bytes 0-4/10", "Connection: close", status="206 Partial Content")
    assert refused(empty).kind == "malformed-answer"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchBucket", "404 Not Found", "bucket-missing"),
        ("NoSuchKey", "404 Not Found", "object-missing"),
        ("AccessDenied", "403 Forbidden", "access-denied"),
        ("Unauthorized", "401 Unauthorized", "access-denied"),
        ("InvalidAccessKeyId", "400 Bad Request", "access-denied"),
        ("SignatureDoesNotMatch", "400 Bad Request", "access-denied"),
        ("SlowDown", "400 Bad Request", "rate-limited"),
        ("Odd", "401 Unauthorized", "access-denied"),
        ("Odd", "403 Forbidden", "access-denied"),
        ("Odd", "404 Not Found", "object-missing"),
        ("Odd", "400 Bad Request", "wrong-status"),
    ],
)
def test_refusals_of_a_storage(code: str, status: str, kind: str) -> None:
    gone = refused(refusal(code, status))
    assert (gone.kind, gone.evidence) == (kind, {"code": code, "status": int(status[:3])})
    assert "clock" not in gone.reason


@pytest.mark.parametrize(("off", "side"), [(-HOUR, "3600 s ahead of"), (HOUR, "3600 s behind")])
def test_clock_difference_is_reported_with_its_direction(off: timedelta, side: str) -> None:
    date = format_datetime(datetime.now(UTC) + off, usegmt=True)
    gone = refused(refusal("RequestTimeTooSkewed", "403 Forbidden", f"Date: {date}"))
    assert gone.kind == "clock-skew"
    seconds, _, words = side.partition(" ")
    reported = re.search(rf"machine's clock is (\d+) {words} the storage's", gone.reason)
    assert reported is not None, gone.reason
    assert abs(int(reported[1]) - int(seconds)) < 60
    assert "too far apart" in refused(refusal("RequestTimeTooSkewed", "403 Forbidden", "Date: soon")).reason


@pytest.mark.parametrize("endpoint", ["ftp://s3.test", "https://", "s3.test", "https://s3.test/bucket"])
def test_invalid_endpoint_is_refused_before_any_request(endpoint: str) -> None:
    seen = Bucket(endpoint, "b", key_id="k", secret="s")
    with pytest.raises(NoReading) as caught:
        seen.head("k")
    assert caught.value.kind == "bad-endpoint"
    seen.close()


def test_endpoint_may_end_in_a_slash() -> None:
    with FakeServer(Storage()) as server:
        seen = Bucket(f"{server.url}/", "b", key_id="k", secret="s")
        assert len(seen.listed()) == 5
        seen.close()


PAGE = b"<html><head><title>Not Found</title></head><body><h1>404</h1><hr>nginx</body></html>"


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "404 Not Found", "401 Unauthorized"])
@pytest.mark.parametrize("body", [PAGE, b"<!DOCTYPE html><p>unclosed", b'{"error": "no"}', b"", b"<Listing/>"])
def test_what_is_not_s3_is_unknown(status: str, body: bytes) -> None:
    """A web server or a firewall at the endpoint does not describe buckets and objects."""
    with bucket(Storage(answer=whole(body, "Connection: close", status=status))) as seen:
        with pytest.raises(NoReading) as caught:
            seen.listed()
        assert caught.value.kind in ("not-s3", "malformed-answer")
        assert "other than S3" in caught.value.reason
        if status != "200 OK":
            with pytest.raises(NoReading) as caught:
                seen.piece("k", 0, 5)
            assert caught.value.kind == "not-s3"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://b.s3.eu-central-1.amazonaws.com",
        "https://b.s3.amazonaws.com/",
        "https://b.account.r2.cloudflarestorage.com",
        "https://B.fra1.digitaloceanspaces.com",
    ],
)
def test_bucket_in_the_host_is_a_bad_endpoint(endpoint: str) -> None:
    seen = Bucket(endpoint, "b", key_id="k", secret="s")
    with pytest.raises(NoReading) as caught:
        seen.listed()
    assert caught.value.kind == "bad-endpoint"
    seen.close()


def test_listing_of_a_bucket_in_the_host_and_in_the_path() -> None:
    """The path is then the key of an object, which does not exist; only a host's first label proves nothing."""
    with bucket(Storage(answer=refusal("NoSuchKey", "404 Not Found"))) as seen, pytest.raises(NoReading) as caught:
        seen.listed()
    assert caught.value.kind == "bad-endpoint"
    with FakeServer(Storage()) as server:
        seen = Bucket("http://b.s3.test", "b", key_id="k", secret="s", proxy=server.url)
        assert len(seen.listed()) == 5
        seen.close()


def test_object_with_a_content_encoding_is_read_as_it_is_stored() -> None:
    packed = gzip.compress(BODY * 9)

    def sent(visit: Visit) -> None:
        head = visit.request().decode("latin-1")
        asked = re.search(r"(?i)\r\nrange: bytes=(\d+)-(\d+)", head)
        assert asked is not None
        begin, end = int(asked[1]), min(int(asked[2]) + 1, len(packed))
        reported = f"Content-Range: bytes {begin}-{end - 1}/{len(packed)}"
        headers = (reported, "Content-Encoding: gzip", "Connection: close")
        visit.say(whole(packed[begin:end], *headers, status="206 Partial Content"))

    with FakeServer(sent) as server:
        seen = Bucket(server.url, "b", key_id="k", secret="s")
        assert seen.piece("k", 0, 7)[0] == packed[:7]
        with seen.opened("k") as file:
            assert file.read() == packed
        seen.close()


def test_archived_objects_and_other_regions_are_named() -> None:
    archived = refused(refusal("InvalidObjectState", "403 Forbidden"))
    assert archived.kind == "archived"
    assert "must be restored" in archived.reason
    text = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-central-1'</Message></Error>"
    wrong = refused(whole(text.encode(), XML, "Connection: close", status="400 Bad Request"))
    assert wrong.kind == "wrong-status"
    assert "eu-central-1" in wrong.reason


@pytest.mark.parametrize(
    ("addressing", "host", "path"), [("path", "s3.test", "/dumps?"), ("virtual", "dumps.s3.test", "/?")]
)
def test_addressing_and_session_token(addressing: str, host: str, path: str) -> None:
    kept: list[str] = []

    def storage(visit: Visit) -> None:
        kept.append(visit.request().decode("latin-1"))
        visit.say(listing("a"))

    with FakeServer(storage) as server:
        token = "temporary-token"
        seen = Bucket(
            "http://s3.test",
            "dumps",
            key_id="k",
            secret="s",
            session_token=token,
            addressing=addressing,
            proxy=server.url,
        )
        assert [one.key for one in seen.listed()] == ["a"]
        seen.close()
    assert kept[0].startswith(f"GET http://{host}{path}")
    assert "\r\nX-Amz-Security-Token: temporary-token\r\n" in kept[0]
