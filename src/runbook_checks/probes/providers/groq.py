"""Ask Groq's API whether it accepts the key and how much quota is left (OpenAI's documents, Groq's headers)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.http.json_api import document, said
from runbook_checks.probes.http.rate_limits import retry_after_s

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer, Http

RESOURCE = "groq"


@dataclass(frozen=True)
class Quota:
    """What is left of one limit; Groq counts requests by the day and tokens by the minute."""

    what: str  # "requests" or "tokens"
    left: int
    limit: int
    resets_in: str  # in Groq's words, such as 2m59.56s

    @property
    def left_percent(self) -> float:
        return 100 * self.left / self.limit


@dataclass(frozen=True)
class Standing:
    """Groq's response to a request with the key."""

    status: int
    url: str
    error: str  # the message of an error
    code: str  # its code, such as invalid_api_key
    quotas: tuple[Quota, ...]
    retry_after_s: float | None

    @property
    def is_key_refused(self) -> bool:
        """A 403 may also be about the network, the model or the organisation: its error has to name the key."""
        words = f"{self.code} {self.error}".lower().replace("_", " ")
        return self.status == 401 or (self.status == 403 and "api key" in words)


def standing(http: Http, path: str) -> Standing:
    """One request; a 429 is a valid response here."""
    answer = http.get(path, fresh=True, even_limited=True)
    return Standing(answer.status, answer.url, *_error(answer), tuple(_quotas(answer)), retry_after_s(answer))


def _error(answer: Answer) -> tuple[str, str]:
    """Message and code."""
    found: Any = document(answer, RESOURCE).get("error")
    if answer.status == 200:
        return "", ""
    if isinstance(found, dict):
        return said(found.get("message", "")), said(found.get("code") or "")
    return said(found or ""), ""


def _quotas(answer: Answer) -> list[Quota]:
    found = []
    for what in ("requests", "tokens"):
        left, limit = (answer.headers.get(f"x-ratelimit-{word}-{what}") or "" for word in ("remaining", "limit"))
        if re.fullmatch(r"\d{1,15}", left) and re.fullmatch(r"[1-9]\d{0,14}", limit):
            resets = said(answer.headers.get(f"x-ratelimit-reset-{what}") or "unknown")
            found.append(Quota(what, int(left), int(limit), resets))
    return found
