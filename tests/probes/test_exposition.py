"""Recognise documents in Prometheus' text format."""

from __future__ import annotations

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.metrics.exposition import parse
from tests.probes.conftest import taking

URL = "http://localhost:3001/monitoring/metrics"
GOOD = {
    "a 1": 1,
    'a{} 1\nb{x="1"} +Inf\nc{x="1",y="a\\"b\\\\c\\n",} NaN 1700000000000': 3,
    "# HELP a What it is.\n# TYPE a counter\na_total 1e3\n\n# any remark\n": 1,
    'a{le="0.1"} 5 # {trace_id="x"} 0.05\n# EOF\n': 1,
    "a:b:c 0x1\n".replace("0x1", "1"): 1,
    "a\t1\r\n": 1,
}
BAD = [
    "",
    "# TYPE a counter\n",
    "<!doctype html>",
    '{"a": 1}',
    "a",
    "a b",
    "a 1_000",
    "a{x=1} 2",
    'a{x="1} 2',
    'a{x="1" y="2"} 3',
    "1a 2",
    "# TYPE a nonsense\na 1",
    "a 1 2 3",
]


@pytest.mark.parametrize("text", GOOD)
def test_metrics_are_read(text: str) -> None:
    assert parse(text, URL).samples == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(NoReading) as gone:
        parse(text, URL)
    assert gone.value.kind == "not-parseable"
    assert URL in gone.value.reason


@pytest.mark.parametrize("piece", ["a ", 'a{x="1",', 'a{x="\\', "a{ ", "# TYPE ", "a" * 50 + "\n"])
def test_hostile_document_is_read_in_time(piece: str) -> None:
    with taking(2), pytest.raises(NoReading):
        parse((piece * (1 << 20))[: 1 << 20], URL)
