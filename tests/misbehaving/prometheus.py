"""Servers that respond like Prometheus, more or less."""

from __future__ import annotations

import json
from typing import Any

from tests.misbehaving.http import whole
from tests.misbehaving.server import Visit, misbehaves

ONE = {"metric": {"job": "api"}, "value": [1700000000.5, "42.5"]}


def vector(*series: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(series)}}


def error(kind: str, text: str) -> dict[str, Any]:
    return {"status": "error", "errorType": kind, "error": text}


NATIVE = {"metric": {}, "histogram": [1700000000, {"count": "3", "sum": "1", "buckets": []}]}
SCALAR = {"status": "success", "data": {"resultType": "scalar", "result": [1700000000, "7"]}}
MATRIX = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1, "1"], [2, "3"]]}]}
REMARK = 'PromQL info: metric might not be a counter, name does not end in _total: "x" (1:6)'
SHARD = "no data from store 10.0.0.7:10901: context deadline exceeded"

# By name: status, document (text is sent as HTML), and the kind of NoReading; None if it can be read.
ANSWERS: dict[str, tuple[int, Any, str | None]] = {
    "vector": (200, vector(ONE), None),
    "empty": (200, vector(), None),
    "scalar": (200, SCALAR, None),
    "matrix": (200, {"status": "success", "data": MATRIX}, None),
    "remark": (200, vector(ONE) | {"warnings": [REMARK]}, None),
    "partial": (200, vector(ONE) | {"warnings": [SHARD]}, "partial"),
    "partial-empty": (200, vector() | {"warnings": [SHARD]}, "partial"),
    "bad-query": (400, error("bad_data", "parse error: unexpected end of input"), "bad-query"),
    "too-many-samples": (422, error("execution", "query processing would load too many samples"), "unavailable"),
    "timed-out": (503, error("timeout", "query timed out in expression evaluation"), "unavailable"),
    "error-with-200": (200, error("internal", "no"), "unavailable"),
    "success-with-500": (500, vector(ONE), "unavailable"),
    "unauthorised": (401, "<html>sign in</html>", "not-authorised"),
    "forbidden": (403, error("forbidden", "tenant"), "not-authorised"),
    "page": (200, "<html>Sign in</html>", "not-prometheus"),
    "bad-gateway": (502, "<html>Bad Gateway</html>", "unavailable"),
    "not-found": (404, "<html>no</html>", "not-prometheus"),
    "other-document": (200, {"status": "ok"}, "not-prometheus"),
    "list": (200, [], "not-prometheus"),
    "no-data": (200, {"status": "success"}, "not-prometheus"),
    "text": (200, {"status": "success", "data": {"resultType": "string", "result": [1, "x"]}}, "not-prometheus"),
    "result-is-an-object": (
        200,
        {"status": "success", "data": {"resultType": "vector", "result": {}}},
        "not-prometheus",
    ),
    "series-without-labels": (200, vector({"value": [1, "1"]}), "not-prometheus"),
    "series-without-value": (200, vector({"metric": {}}), "not-prometheus"),
    "matrix-without-samples": (
        200,
        {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": []}]}},
        "not-prometheus",
    ),
    "native-histogram": (200, vector(NATIVE), "not-prometheus"),
    "three-in-a-sample": (200, vector({"metric": {}, "value": [1, "1", 1]}), "not-prometheus"),
    "no-number": (200, vector({"metric": {}, "value": [1, "many"]}), "not-prometheus"),
    "null-value": (200, vector({"metric": {}, "value": [1, None]}), "not-prometheus"),
    "nan": (200, vector({"metric": {}, "value": [1, "NaN"]}), "not-a-number"),
    "infinite": (200, vector({"metric": {}, "value": [1, "+Inf"]}), "not-a-number"),
    "one-of-two-nan": (200, vector(ONE, {"metric": {}, "value": [1, "NaN"]}), "not-a-number"),
    "too-many": (200, vector(*[ONE] * 10_001), "too-large"),
}


def _registered(name: str, status: int, document: Any) -> None:
    @misbehaves(f"prometheus.{name}")
    def answer(visit: Visit) -> None:
        body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        kind = "text/html" if isinstance(document, str) else "application/json"
        while visit.request():
            visit.say(whole(body, f"Content-Type: {kind}", status=f"{status} So"))


for _name, (_status, _document, _) in ANSWERS.items():
    _registered(_name, _status, _document)


@misbehaves("prometheus.cut-off")
def cut_off(visit: Visit) -> None:
    visit.request()
    visit.say(whole(json.dumps(vector(ONE)).encode()[:-9], "Content-Type: application/json"))
