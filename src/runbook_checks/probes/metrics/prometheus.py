"""Query Prometheus by its HTTP API (v1), which Thanos, Mimir and VictoriaMetrics have as well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.http.client import Answer, Http

RESOURCE = "prometheus"
MAX_BODY = 8 << 20
MAX_SERIES = 10_000
MAX_SHOWN = 5
# Remarks on the style of a query, which Prometheus 2.48 to 2.54 list among the warnings.
REMARK = "PromQL info:"


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and times (seconds since the epoch) with values, oldest first."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


class Prometheus:
    """A server, with its own Http.

    NoReading kinds: those of Http; bad-query, not-authorised, unavailable, not-prometheus, partial, not-a-number,
    too-large. An empty result is a reading: the caller knows whether a series must exist.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def instant(self, query: str, at: float) -> list[Series]:
        """The value of an expression at a time; of a range selector, the samples."""
        return self._query("query", query, {"query": query, "time": f"{at:.3f}"})

    def over(self, query: str, begin: float, end: float, step_s: float) -> list[Series]:
        """The values of an expression, step by step."""
        span = {"start": f"{begin:.3f}", "end": f"{end:.3f}", "step": f"{step_s:g}"}
        return self._query("query_range", query, {"query": query, **span})

    def close(self) -> None:
        self._http.close()

    def _query(self, where: str, query: str, parameters: Mapping[str, str]) -> list[Series]:
        answer = self._http.get(f"/api/v1/{where}?{urlencode(parameters)}")
        with reading(f"PromQL {query}") as facts:
            found = list(_series(_data(answer), query))
            facts["series"] = len(found)
            facts["values"] = [{**series.labels, "value": series.value} for series in found[:MAX_SHOWN]]
            return found


def _data(answer: Answer) -> dict[str, Any]:
    """The `data` of a complete success; NoReading for anything else."""
    if answer.status in (401, 403):
        raise _no(answer, f"refuses the login with HTTP {answer.status}", "not-authorised")
    if answer.status >= 500 and not _is_json(answer):
        raise _no(answer, f"answers HTTP {answer.status}", "unavailable")
    if not _is_json(answer):
        raise _no(answer, f"answers HTTP {answer.status}, and not as Prometheus does", NOT_ONE)
    document = answer.json()
    if not isinstance(document, dict) or document.get("status") not in ("success", "error"):
        raise _no(answer, f"answers HTTP {answer.status} with a document that is not Prometheus's", NOT_ONE)
    if document["status"] == "error" or answer.status != 200:
        raise _error(answer, document)
    warnings = [text for text in _texts(document.get("warnings")) if not text.startswith(REMARK)]
    if warnings:
        raise _no(answer, f"returned a partial result: {one_line(warnings[0], 160)}", "partial")
    data = document.get("data")
    if not isinstance(data, dict):
        raise _no(answer, "answers success without data", NOT_ONE)
    return data


NOT_ONE = "not-prometheus"


def _is_json(answer: Answer) -> bool:
    return "json" in (answer.headers.get("content-type") or "").lower()


def _texts(value: Any) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def _error(answer: Answer, document: Mapping[str, Any]) -> NoReading:
    message = one_line(str(document.get("error") or "no reason given"), 160)
    kind = "bad-query" if document.get("errorType") == "bad_data" else "unavailable"
    return _no(answer, f"could not answer (HTTP {answer.status}): {message}", kind)


def _no(answer: Answer, what: str, kind: str) -> NoReading:
    place = answer.url.partition("/api/v1/")[0]
    return NoReading(RESOURCE, f"{place} {what}", kind=kind, evidence={"url": place, "status": answer.status})


def _series(data: Mapping[str, Any], query: str) -> Iterator[Series]:
    result, kind = data.get("result"), data.get("resultType")
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    if kind not in ("vector", "matrix", "scalar") or not isinstance(result, list):
        raise _malformed(query, f"a result of type {one_line(str(kind), 40)!r}")
    if len(result) > MAX_SERIES:
        raise NoReading(RESOURCE, f"{query} has {len(result)} series; make the selector narrower", kind="too-large")
    for entry in result:
        labels = entry.get("metric") if isinstance(entry, dict) else None
        if not isinstance(labels, dict):
            raise _malformed(query, "a series without labels")
        if "histogram" in entry or "histograms" in entry:
            raise _malformed(query, "a native histogram where a number is expected")
        points = entry.get("values") if kind == "matrix" else [entry.get("value")]
        yield Series({str(k): str(v) for k, v in labels.items()}, tuple(_points(points, query)))


def _points(points: Any, query: str) -> Iterator[tuple[float, float]]:
    if not isinstance(points, list) or not points:
        raise _malformed(query, "a series without samples")
    for point in points:
        try:
            at, text = point
            moment, value = float(at), float(text)
        except (TypeError, ValueError):
            raise _malformed(query, "a sample that is not a time with a number") from None
        if not math.isfinite(moment):
            raise _malformed(query, "a sample with an invalid time")
        if not math.isfinite(value):
            raise NoReading(RESOURCE, f"{query} is {text}, which is not a number", kind="not-a-number")
        yield moment, value


def _malformed(query: str, what: str) -> NoReading:
    return NoReading(RESOURCE, f"the response to {query} has {what}", kind=NOT_ONE)
