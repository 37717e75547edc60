"""A web server or a firewall at the address of a bucket is no missing object, no denied key and no missing backup."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.hostile.product import SECRET, check, describe, must_be_orderly, outcomes
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer
from tests.probes.test_objects import listing, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.server import Visit

SYMPTOMS = ("dependency.object-storage", "backup.stale", "backup.corrupt")
HTML = "Content-Type: text/html"
PAGE = b"<html><head><title>Index of /</title></head><body><h1>Index of /</h1></body></html>"
UNKNOWN = ("unknown",) * 3
# The response to everything, and the outcomes of SYMPTOMS.
STORAGES = {
    "apache": (whole(PAGE, HTML), UNKNOWN),
    "nginx-404": (whole(PAGE, HTML, status="404 Not Found"), UNKNOWN),
    "firewall": (whole(PAGE, HTML, status="403 Forbidden"), UNKNOWN),
    "login": (whole(b"", "Location: https://login.example.com/", status="302 Found"), UNKNOWN),
    "json": (whole(b'{"message": "no"}', "Content-Type: application/json", status="401 Unauthorized"), UNKNOWN),
    "empty-bucket": (listing(), ("found:object-missing", "found:none", "unknown")),
    "denied": (refusal("AccessDenied", "403 Forbidden"), ("found:access-denied", "unknown", "unknown")),
    "no-bucket": (refusal("NoSuchBucket", "404 Not Found"), ("found:bucket-missing", "unknown", "unknown")),
    "bucket-in-host": (refusal("NoSuchKey", "404 Not Found"), UNKNOWN),
}


def test_what_is_not_s3_is_unknown(tmp_path: Path) -> None:
    symptoms = "".join(f"  {symptom}: {{}}\n" for symptom in SYMPTOMS)
    (tmp_path / "shop.yaml").write_text(f"title: Shop\nsymptoms:\n{symptoms}")
    with ExitStack() as stack:
        systems = {}
        for name, (answer, _) in STORAGES.items():

            def handle(visit: Visit, answer: bytes = answer) -> None:
                if visit.request():
                    visit.say(answer)

            server = stack.enter_context(FakeServer(handle))
            key = {"env": "PLANTED_SECRET"}
            bucket = {"endpoint": server.url, "bucket": "b", "access_key_id": key, "secret_access_key": key}
            systems[name] = {"runbook": "shop.yaml", "storage": bucket, "backups": {"bucket": bucket}}
        ran = check(tmp_path, systems)
    must_be_orderly(ran)
    assert SECRET not in ran.output()
    for name, (_, wanted) in STORAGES.items():
        got = outcomes(ran.of(name))
        assert tuple(got[symptom] for symptom in SYMPTOMS) == wanted, f"{name}\n{describe(ran.of(name))}"
