"""CORS rules as services write them: patterns, lists, and libraries that send no header to an unknown origin."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.hostile.product import Results, check, describe, must_be_orderly, outcomes
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.server import Handler, Visit

OPEN, REJECTED = "web.cors-open", "web.cors-rejected"
ORIGIN = "https://app.example.com"


def by_pattern(pattern: str) -> Handler:
    """A service that allows every origin which the pattern matches."""

    def handle(visit: Visit) -> None:
        found = re.search(rb"Origin: (\S+)\r\n", visit.request())
        origin = found.group(1).decode() if found else ""
        headers = ["Vary: Origin", "Connection: close"]
        if re.match(pattern, origin):
            headers += [f"Access-Control-Allow-Origin: {origin}", "Access-Control-Allow-Credentials: true"]
            headers += ["Access-Control-Allow-Headers: content-type"]
        visit.say(whole(b"{}", *headers))

    return handle


def silent(status: str, *headers: str) -> Handler:
    def handle(visit: Visit) -> None:
        visit.request()
        visit.say(whole(b"", "Connection: close", *headers, status=status))

    return handle


def checked(tmp_path: Path, handlers: dict[str, Handler], symptom: str) -> dict[str, Results]:
    with ExitStack() as stack:
        systems = {}
        for name, handler in handlers.items():
            web = {"cors": {"path": "/api", "origin": ORIGIN}}
            url = stack.enter_context(FakeServer(handler)).url
            systems[name] = {"http": {"base_url": url}, "web": web, "symptoms": {symptom: None}}
        ran = check(tmp_path, systems, "-m", "web")
    must_be_orderly(ran)
    return {name: ran.of(name) for name in handlers}


PATTERNS = {
    "exact": (r"https://app\.example\.com$", "clear"),
    "one-of-a-list": (r"https://(app|admin)\.example\.com$", "clear"),
    "unescaped-dot": (r"https://app.example\.com$", "found:origin-reflected"),
    "only-the-first-dot": (r"https://app[^/]example\.com$", "found:origin-reflected"),
    "last-dot": (r"https://app\.example.com$", "clear"),  # no registry has a top-level domain `examplexcom`
    "no-end": (r"https://app\.example\.com", "found:origin-reflected"),
    "no-beginning": (r"https://.*app\.example\.com$", "found:origin-reflected"),
}


def test_patterns_that_allow_a_foreign_origin(tmp_path: Path) -> None:
    results = checked(tmp_path, {name: by_pattern(pattern) for name, (pattern, _) in PATTERNS.items()}, OPEN)
    assert {name: outcomes(results[name])[OPEN] for name in PATTERNS} == {n: w for n, (_, w) in PATTERNS.items()}
    [finding] = results["unescaped-dot"][OPEN]["findings"]
    assert "appxexample.com" in finding["seen"]


SILENCES = {
    # django-cors-headers and Spring vary by the origin, and send nothing to one that is not in the list.
    "varies": (silent("200 OK", "Vary: origin"), "origin-not-allowed"),
    "varies-by-more": (silent("403 Forbidden", "Vary: Accept, Origin"), "origin-not-allowed"),
    "accepted": (silent("204 No Content"), None),
    "forbidden": (silent("403 Forbidden"), None),
    "unknown-method": (silent("405 Method Not Allowed"), "no-cors-headers"),
    "login-first": (silent("401 Unauthorized"), "no-cors-headers"),
}


@pytest.mark.parametrize("name", SILENCES)
def test_cause_of_a_preflight_without_headers(tmp_path: Path, name: str) -> None:
    handler, cause = SILENCES[name]
    results = checked(tmp_path, {name: handler}, REJECTED)[name]
    [finding] = results[REJECTED]["findings"]
    assert finding["cause"] == cause, describe(results)
    if cause is None:
        assert [c["what"] for c in finding["candidates"]][:2] == ["origin-not-allowed", "no-cors-headers"]
