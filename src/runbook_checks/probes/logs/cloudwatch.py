"""Read entries of a time window from CloudWatch Logs (Logs Insights, through boto3).

Amazon CloudWatch Logs API Reference: StartQuery, GetQueryResults, StopQuery. AWS runs a query in the background, and it
is polled. A query is stopped on timeout, because AWS charges for the data that it scans.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.logs.file import LogReading
from runbook_checks.probes.logs.lines import Entry, entry_at
from runbook_checks.probes.logs.rotation import RESOURCE
from runbook_checks.probes.providers.aws import client

MOST = 10_000  # of Insights itself
POLL_S = 0.2
KINDS = {
    "ResourceNotFoundException": "no-stream",
    "AccessDeniedException": "access-denied",
    "UnrecognizedClientException": "access-denied",
    "InvalidSignatureException": "access-denied",
    "ExpiredTokenException": "access-denied",
    "MalformedQueryException": "malformed-query",
    "LimitExceededException": RATE_LIMITED,
    "ThrottlingException": RATE_LIMITED,
}
RUNNING = ("Scheduled", "Running", "Unknown")


class CloudWatch:
    """Log groups, read with a key that may only query.

    NoReading kinds: no-stream, access-denied, malformed-query, rate-limited, timeout, query-failed,
    endpoint-unreachable, malformed-answer, no-library; evidence: code.
    """

    def __init__(
        self,
        region: str,
        *,
        key_id: str | None,
        secret: str | None,
        endpoint: str | None = None,
        ca_file: str | None = None,
        proxy: str | None = None,
        resolver: str | None = None,
        timeout_s: float = 8.0,
        clear_text: tuple[str, ...] = (),
    ) -> None:
        self._region, self._key, self._endpoint = region, (key_id, secret), endpoint
        self._ca_file, self._proxy, self._resolver, self._timeout_s = ca_file, proxy, resolver, timeout_s
        self._clear_text = clear_text

    def read(self, groups: Sequence[str], pattern: str, *, since: float, until: float, alive_s: float) -> LogReading:
        """The entries of the groups whose line matches the regular expression, oldest first.

        Each group must have an entry within alive_s before `until`.
        """
        self._require(groups, until - alive_s, until)
        escaped = pattern.replace("/", "\\/")
        query = f"fields @timestamp, @message, @log | filter @message like /{escaped}/"
        rows = self._query(groups, f"{query} | sort @timestamp desc | limit {MOST}", since, until)
        entries = sorted((_entry(row) for row in rows), key=lambda entry: entry.time)
        times = [entry.time for entry in entries]
        first, last = min(times, default=None), max(times, default=None)
        return LogReading(entries, first, last, len(rows) < MOST, is_alive=True)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def _require(self, groups: Sequence[str], since: float, until: float) -> None:
        counted = self._query(groups, "stats count(*) as entries by @log", since, until)
        # Insights puts the account before a group's name: 123456789012:/aws/api.
        names = [row.get("@log", "") for row in counted]
        alive = {name.partition(":")[2] or name for name in names} | {*names}
        silent = [group for group in groups if group not in alive]
        if silent:
            reason = f"{', '.join(silent)} has had no entry for {(until - since) / 60:.0f} min"
            raise NoReading(RESOURCE, reason, kind="no-stream", evidence={"groups": silent})

    def _query(self, groups: Sequence[str], query: str, since: float, until: float) -> list[dict[str, str]]:
        with self._asking(f"Insights {one_line(query, 100)}") as facts:
            begun = self._client.start_query(
                logGroupNames=list(groups),
                startTime=math.floor(since),
                endTime=math.ceil(until),
                queryString=query,
            )["queryId"]
            rows = self._results(begun)
            facts["rows"] = len(rows)
            return [{str(cell["field"]): str(cell.get("value", "")) for cell in row} for row in rows]

    def _results(self, query_id: str) -> list[list[dict[str, str]]]:
        deadline = within(self._timeout_s)
        while True:
            answer = self._client.get_query_results(queryId=query_id)
            if answer["status"] == "Complete":
                return list(answer["results"])
            if answer["status"] not in RUNNING:
                raise NoReading(
                    RESOURCE, f"Logs Insights ended the query with status {answer['status']}", kind="query-failed"
                )
            if deadline.remaining() <= POLL_S:
                with contextlib.suppress(Exception):
                    self._client.stop_query(queryId=query_id)
                reason = f"Logs Insights returned no result within {deadline.seconds:.0f} s"
                raise NoReading(RESOURCE, reason, kind="timeout")
            time.sleep(POLL_S)

    @cached_property
    def _client(self) -> Any:
        return client(
            "logs",
            RESOURCE,
            region=self._region,
            key_id=self._key[0],
            secret=self._key[1],
            endpoint=self._endpoint,
            ca_file=self._ca_file,
            proxy=self._proxy,
            resolver=self._resolver,
            timeout_s=self._timeout_s,
            clear_text=self._clear_text,
        )

    @contextlib.contextmanager
    def _asking(self, title: str) -> Iterator[dict[str, Any]]:
        self._client  # noqa: B018  made before the timeout begins
        from botocore import exceptions as boto

        deadline = within(self._timeout_s)
        with reading(title) as facts:
            try:
                yield facts
            except NoReading:
                raise
            except boto.ClientError as error:
                details = error.response.get("Error", {})
                code = str(details.get("Code"))
                kind = KINDS.get(code, "query-failed")
                what = "limits the rate of requests" if kind == RATE_LIMITED else "refuses the request"
                reason = f"CloudWatch Logs {what}: {code}: {one_line(str(details.get('Message', '')), 160)}"
                raise NoReading(RESOURCE, reason, kind=kind, evidence={"code": code}) from None
            except (boto.NoCredentialsError, boto.PartialCredentialsError):
                raise NoReading(RESOURCE, "logs.cloudwatch has no access key", kind="access-denied") from None
            except (boto.ConnectionError, boto.HTTPClientError, OSError) as error:
                what = "timed out" if deadline.expired else f"is unreachable ({type(error).__name__})"
                raise NoReading(RESOURCE, f"CloudWatch Logs {what}", kind="endpoint-unreachable") from None
            except boto.BotoCoreError as error:
                reason = f"CloudWatch Logs: the request failed ({type(error).__name__})"
                raise NoReading(RESOURCE, reason, kind="query-failed") from None
            except Exception:  # botocore parses a response without validating it
                reason = "unexpected response from CloudWatch Logs"
                raise NoReading(RESOURCE, reason, kind="malformed-answer") from None


def _entry(row: dict[str, str]) -> Entry:
    """@timestamp is in UTC, without a zone."""
    try:
        at = datetime.strptime(row["@timestamp"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError):
        raise NoReading(RESOURCE, "a row of Logs Insights has no @timestamp", kind="malformed-answer") from None
    return entry_at(at, row.get("@message", ""))
