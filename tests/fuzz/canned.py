"""A stand-in for a probe's Http with a fixed response, without a network."""

from __future__ import annotations

import time
from typing import Any

from requests.structures import CaseInsensitiveDict

from runbook_checks.probes.http.response import Answer, Timings

JSON = {"content-type": "application/json"}


def answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    now = time.time()
    fields: Any = CaseInsensitiveDict(JSON if headers is None else headers)
    timings = Timings(None, None, None, 1.0, 2.0)
    return Answer("GET", "https://api.example.com/v1/x", status, fields, body, timings, "192.0.2.1:443", 1, now, now)


class CannedHttp:
    """Returns the same response to every request."""

    def __init__(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._answer = answer(body, status, headers)

    def get(self, _: str, **__: Any) -> Answer:
        return self._answer

    def url(self, path: str) -> str:
        return f"https://api.example.com{path}"

    def send(self, *_: str, **__: Any) -> Answer:
        return self._answer

    def close(self) -> None:
        pass
