"""moto's server in the lab has what moto lacks: keys and clock for S3, filters and counts for Logs Insights."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.providers.object_storage import Bucket
from tests.misbehaving.server import FakeServer
from tests.probes.conftest import taking

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks_lab.servers.moto import Moto

BUCKET, GROUP = "lab-bucket", "/lab/api"
SECRET = "secret"


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Started in this thread: the child ends with the thread."""
    from runbook_checks_lab.servers.authority import Authority
    from runbook_checks_lab.servers.moto import Moto

    folder: Path = tmp_path_factory.mktemp("moto")
    loop = asyncio.new_event_loop()

    async def started() -> Moto:
        authority = Authority(folder)
        authority.start()
        made = Moto(folder, authority.context)
        made.behaviour.keys = {"known": "secret"}
        await made.start()
        return made

    made = loop.run_until_complete(started())
    try:
        client = made.client("s3")
        client.create_bucket(Bucket=BUCKET)
        for number in range(3):
            client.put_object(Bucket=BUCKET, Key=f"a/{number} ü.txt", Body=b"x" * number)
        _write_log(made)
        yield made
    finally:
        loop.run_until_complete(made.stop())
        loop.close()


def _write_log(moto: Moto) -> None:
    client, now = moto.client("logs"), int(time.time() * 1000)
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName="one")
    events = [
        {
            "timestamp": now - 1000 * n,
            "message": json.dumps({"level": "ERROR" if n % 3 == 0 else "INFO", "msg": f"m {n}", "took": n}),
        }
        for n in range(9, -1, -1)
    ]
    client.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)


def bucket(moto: Moto, key: str = "known", secret: str = SECRET, name: str = BUCKET) -> Bucket:
    return Bucket(moto.plain_url, name, key_id=key, secret=secret)


def refused(ask: Any) -> tuple[str | None, Any]:
    with pytest.raises(NoReading) as caught:
        ask()
    return caught.value.kind, caught.value.evidence.get("code")


def test_known_key_lists_and_reads(moto: Moto) -> None:
    seen = bucket(moto)
    listed = seen.listed("a/")
    assert [(facts.key, facts.size) for facts in listed] == [(f"a/{n} ü.txt", n) for n in range(3)]
    assert seen.head("a/2 ü.txt").size == 2
    assert seen.read("a/2 ü.txt", 1) == b"x"
    assert abs(listed[0].modified - time.time()) < 60


def test_refusals_have_a_reason(moto: Moto) -> None:
    assert refused(lambda: bucket(moto, "stranger").listed()) == ("access-denied", "Unauthorized")
    assert refused(lambda: bucket(moto, secret="other").listed()) == ("access-denied", "SignatureDoesNotMatch")
    assert refused(lambda: bucket(moto, name="unknown").listed()) == ("bucket-missing", "NoSuchBucket")
    assert refused(lambda: bucket(moto).head("nothing")) == ("object-missing", "404")
    assert refused(lambda: bucket(moto).read("nothing", 1)) == ("object-missing", "NoSuchKey")


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [
        ("http://127.0.0.1:9", "endpoint-unreachable"),
        ("https://account.r2.example.com/bucket", "bad-endpoint"),
        ("account.r2.example.com", "bad-endpoint"),
    ],
)
def test_invalid_endpoint(endpoint: str, kind: str) -> None:
    assert refused(lambda: Bucket(endpoint, BUCKET, key_id="known", secret="secret").listed())[0] == kind


def test_silent_endpoint_times_out() -> None:
    with FakeServer(lambda visit: visit.stay_silent()) as server, taking(2.0):
        silent = Bucket(server.url, BUCKET, key_id="known", secret=SECRET, timeout_s=0.3)
        assert refused(silent.listed)[0] == "endpoint-unreachable"


def test_aws_settings_of_the_caller_are_ignored(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "absent",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    assert bucket(moto).head("a/1 ü.txt").size == 1


def insights(moto: Moto, query: str) -> list[dict[str, str]]:
    client, now = moto.client("logs"), int(time.time())
    started = client.start_query(logGroupName=GROUP, startTime=now - 600, endTime=now, queryString=query)
    rows = client.get_query_results(queryId=started["queryId"])["results"]
    return [{field["field"]: field["value"] for field in row if field["field"] != "@ptr"} for row in rows]


QUERIES = {
    "fields msg | filter level = 'ERROR' | sort @timestamp asc": ["m 9", "m 6", "m 3", "m 0"],
    "fields msg | filter level = 'ERROR' and took > 3 | sort took desc": ["m 9", "m 6"],
    "fields msg | filter msg like /m [01]$/ or msg like 'm 7' | sort took": ["m 0", "m 1", "m 7"],
    "fields msg | filter level in ['WARN', 'ERROR'] and not (took >= 6) | sort took": ["m 0", "m 3"],
    "fields msg | filter ispresent(took) and msg not like /[1-9]/": ["m 0"],
    "fields msg | limit 2": ["m 0", "m 1"],
    "fields msg | filter level = 'FATAL'": [],
}


@pytest.mark.parametrize("query", QUERIES)
def test_insights_filters(moto: Moto, query: str) -> None:
    assert [row["msg"] for row in insights(moto, query)] == QUERIES[query]


def test_insights_counts(moto: Moto) -> None:
    assert insights(moto, "stats count(*) as n by level") == [{"level": "INFO", "n": "6"}, {"level": "ERROR", "n": "4"}]
    assert insights(moto, "filter level = 'ERROR' | stats count(*)") == [{"count(*)": "4"}]


@pytest.mark.parametrize("query", ["fields msg | parse msg '*'", "filter level ~~ 'x'", "stats avg(took)"])
def test_unsupported_insights_query_is_an_error(moto: Moto, query: str) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError, match="MalformedQueryException"):
        insights(moto, query)


def test_cloudwatch_probe_reads_it(moto: Moto) -> None:
    from runbook_checks.probes.logs.cloudwatch import CloudWatch

    now = time.time()
    logs = CloudWatch("us-east-1", key_id="known", secret=SECRET, endpoint=moto.plain_url)
    read = logs.read([GROUP], "ERROR|FATAL", since=now - 600, until=now + 1, alive_s=600)
    assert [(entry.level, entry.message) for entry in read.entries] == [("ERROR", f"m {n}") for n in (9, 6, 3, 0)]
    assert read.complete
    assert (
        refused(lambda: logs.read([GROUP, "/lab/none"], "E", since=now - 60, until=now, alive_s=60))[0] == "no-stream"
    )
    logs.close()
