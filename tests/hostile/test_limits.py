"""Far ends that rate-limit the checks: unknown with the limit as reason; never a finding, and never clear."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.hostile.product import SECRET, Settings, check, describe, http, must_be_orderly, outcomes
from tests.hostile.services import always, document, healthy_but
from tests.hostile.test_sources import LOOKED_AT, reverse, runbook, sales
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.server import Handler

PLANTED: dict[str, Any] = {"env": "PLANTED_SECRET"}
BUSY = document({"message": "slow down"}, "Retry-After: 60", status="429 Too Many Requests")
GITHUB = document(
    {"message": "API rate limit exceeded for 203.0.113.9."}, "x-ratelimit-remaining: 0", status="403 Forbidden"
)
SLOW_DOWN = whole(
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    "Content-Type: application/xml",
    status="503 Slow Down",
)
# Here the limit is the finding: it applies to a key that the service also uses.
ITSELF = {"dependency.groq-limited": "found:rate-limited", "slack.token-invalid": "found:rate-limited"}


def aura(url: str) -> Settings:
    return {
        "runbook": runbook("aura-flow"),
        "deadline_s": 8.0,
        "http": {"base_url": url, "token": PLANTED},
        "web": {},
        "auth": {"user": "someone", "password": PLANTED, "token": PLANTED},
        "openapi": {},
        "ai": {},
        "rollback": {"image": {"registry": url, "login": {"user": "checks", "password": PLANTED}}},
    }


def test_rate_limit_is_unknown_everywhere(tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(FakeServer(always(BUSY))).url
        systems = {"service": http(url), "sales": sales(url), "reverse": reverse(url), "aura": aura(url)}
        ran = check(tmp_path, systems, *LOOKED_AT)
    must_be_orderly(ran, deadline_s=20)
    assert ran.code == 1, ran.output()  # the key's own limit
    for name in systems:
        for symptom, outcome in outcomes(ran.of(name)).items():
            print(name, symptom, outcome, ran.of(name)[symptom]["reason"])
            expected = ITSELF.get(symptom, "unknown")
            assert outcome in (expected, "skipped"), f"{symptom}\n{describe(ran.of(name))}"
    assert outcomes(ran.of("service"))["health.unreachable"] == "unknown"
    assert "rate limited (HTTP 429), retry after 60 s" in ran.of("service")["health.unreachable"]["reason"]
    roots = [root for root in ran.document["roots"] if "[service]" in root]
    assert roots == ["unreadable:http[service]"], ran.stdout
    severities = {f["severity"] for r in ran.of("sales").values() for f in r["findings"] if f["cause"]}
    assert severities <= {"P1", "P3"}, describe(ran.of("sales"))  # Groq's key is the symptom, Slack's token is not


def says(answer: bytes) -> Handler:
    return healthy_but({"/actuator/health": answer, "/openapi.json": document({"openapi": "3.1.0", "paths": {}})})


def test_other_statuses_are_limits_only_with_evidence(tmp_path: Path) -> None:
    maintenance = document({"message": "back soon"}, "Retry-After: 60", status="503 Service Unavailable")
    forbidden = document({"message": "not for you"}, "x-ratelimit-remaining: 0", status="403 Forbidden")
    upstream = document({"message": "provider: rate limit"}, status="503 Service Unavailable")
    expected = {
        "github": (GITHUB, "unknown"),
        "slow-down": (SLOW_DOWN, "unknown"),
        "maintenance": (maintenance, "found:service-unavailable"),
        "upstream": (upstream, "found:service-unavailable"),
        "forbidden": (forbidden, "clear"),
    }
    with ExitStack() as stack:
        places = {name: stack.enter_context(FakeServer(says(answer))) for name, (answer, _) in expected.items()}
        ran = check(tmp_path, {name: http(place.url) for name, place in places.items()}, "-m", "health")
    must_be_orderly(ran)
    for name, (_, outcome) in expected.items():
        assert outcomes(ran.of(name))["health.server-error"] == outcome, f"{name}\n{describe(ran.of(name))}"


def test_storage_that_answers_slow_down_is_unknown(tmp_path: Path) -> None:
    with FakeServer(always(SLOW_DOWN)) as server:
        ran = check(tmp_path, {"sales": sales(server.url)}, "-m", "dependency or backup")
    must_be_orderly(ran, deadline_s=20)
    storage = ran.of("sales")["dependency.object-storage"]
    assert storage["outcome"] == "unknown", describe(ran.of("sales"))
    assert "rate limited (HTTP 503 SlowDown)" in storage["reason"]
    assert SECRET not in ran.output()
