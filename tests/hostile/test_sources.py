"""All sources of a system hang, trickle, disconnect or send garbage: unknown in time, and never clear."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

import tests.misbehaving.http
import tests.misbehaving.prometheus
import tests.misbehaving.redis  # noqa: F401 - they fill the registry
from tests.harness import PROJECT
from tests.hostile.product import PASSWORD, Settings, check, describe, must_be_orderly, outcomes
from tests.misbehaving.server import REGISTRY, FakeServer

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S = 4.0
SECRET: dict[str, Any] = {"env": "PLANTED_SECRET"}
BEASTS = ("silent", "drips-body", "garbage", "oversized-unannounced", "half-closed", "resets-mid-body",
          "right-then-garbage")  # fmt: skip
# Excluded: a browser, a burst and an upload, which have their own time limits.
LOOKED_AT = ("-m", "not drill", "-k", "not browser and not slowed and not taken and not throughput")
# Symptoms of which an unusable source is itself the finding.
UNAVAILABLE = ("dependency.object-storage",)
# Symptoms that any response clears.
ANSWERED = ("health.unreachable", "health.server-error", "health.slow")


def runbook(name: str) -> str:
    return str(PROJECT / "runbooks" / f"{name}.yaml")


def sales(url: str) -> Settings:
    key = {"access_key_id": SECRET, "secret_access_key": SECRET}
    return {
        "runbook": runbook("sales-ai"),
        "deadline_s": DEADLINE_S,
        "symptoms": {"backup.corrupt": {"deadline_s": DEADLINE_S}},
        "queue": {"api_url": url, "account": "a" * 32, "token": SECRET},
        "slack_bot": {"api_url": url, "token": SECRET},
        "groq": {"api_url": url, "key": SECRET},
        "storage": {"endpoint": url, **key},
        "backups": {
            "bucket": {"endpoint": url, **key},
            "neon": {"api_url": url, "project": "p", "key": SECRET},
        },
        "providers": {"pages": {"Groq": {"url": url}, "Slack": {"url": url, "kind": "slack"}}},
    }


def reverse(url: str, **logs: Any) -> Settings:
    return {
        "runbook": runbook("reverseai"),
        "deadline_s": DEADLINE_S,
        "prometheus": {"url": url, "token": SECRET},
        "logs": logs or {"loki": {"url": url}},
        "http": {"base_url": url, "token": SECRET, "timeout_s": 1.0},
        "workspaces": {"ids": ["a71c05e2"], "recover": ["a71c05e2"]},
    }


def cloudwatch(url: str) -> Settings:
    key = {"access_key_id": SECRET, "secret_access_key": SECRET}
    logs = {"region": "eu-west-1", "groups": ["/aws/api"], "endpoint": url, **key}
    return {"runbook": runbook("reverseai"), "deadline_s": DEADLINE_S, "logs": {"cloudwatch": logs}}


def aura(url: str) -> Settings:
    return {
        "runbook": runbook("aura-flow"),
        "deadline_s": DEADLINE_S,
        "http": {"base_url": url, "timeout_s": 1.0},
        "web": {},
        "auth": {"user": "u@example.invalid", "password": SECRET},
        "ai": {},
        "rollback": {"image": {"registry": url}},
        "prometheus": {"url": url},
    }


@pytest.mark.slow
def test_every_source_misbehaves(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems: dict[str, Settings] = {}
        for name in BEASTS:
            url = stack.enter_context(FakeServer(REGISTRY[f"http.{name}"])).url
            for make in (sales, reverse, cloudwatch, aura):
                systems[f"{make.__name__}-{name}"] = make(url)
        ran = check(tmp_path, systems, *LOOKED_AT, effects="refused", timeout_s=120)
    # 8 MiB are read from a Prometheus, 16 from a Loki; several such responses at once add up to this.
    must_be_orderly(ran, deadline_s=DEADLINE_S, max_rss_kib=512 << 10)
    for name in systems:
        for symptom, outcome in outcomes(ran.of(name)).items():
            if symptom in UNAVAILABLE:
                assert outcome in ("found:endpoint-unreachable", "unknown"), f"{name}\n{describe(ran.of(name))}"
            elif name.startswith(("aura", "reverse")):  # their own service misbehaves as well, which is found
                assert outcome != "clear" or symptom in ANSWERED, f"{name} {symptom}\n{describe(ran.of(name))}"
            else:
                assert outcome == "unknown", f"{name} {symptom}\n{describe(ran.of(name))}"


# The server's name, and the result of dependency.redis.
REDIS = {
    "without-memory": "unknown",
    "memory-is-text": "unknown",
    "info-forbidden": "unknown",
    "info-is-nothing": "unknown",
    "loading": "found:None",
    "wants-login": "found:authentication-failed",
    "wrong-password": "found:authentication-failed",
    "says-something-else": "unknown",
    "no-protocol": "unknown",
    "endless-length": "unknown",
    "endless-line": "unknown",
    "full": "found:connection-refused",
    "silent": "found:None",
    "drips": "found:None",
    "hangs-up": "found:None",
    "half-closed": "found:None",
    "resets-mid-answer": "found:None",
    "garbage-mid-answer": "unknown",
}


def test_redis_of_all_kinds(tmp_path: Path) -> None:
    with ExitStack() as stack:
        places = [stack.enter_context(FakeServer(REGISTRY[f"redis.{name}"])) for name in REDIS]
        systems: dict[str, Settings] = {
            name: {
                "runbook": runbook("aura-flow"),
                "deadline_s": DEADLINE_S,
                "redis": {"url": {"env": f"PLANTED_DSN_{number}"}, "timeout_s": 1.0},
            }
            for number, name in enumerate(REDIS)
        }
        urls = tuple(
            f"redis://{f'monitor:{PASSWORD}@' * (name == 'wrong-password')}{place.host}:{place.port}"
            for name, place in zip(REDIS, places, strict=True)
        )
        ran = check(tmp_path, systems, dsns=urls)
    must_be_orderly(ran, deadline_s=DEADLINE_S)
    for name, wanted in REDIS.items():
        got = outcomes(ran.of(name))
        assert got["dependency.redis"] == wanted, f"{name}\n{describe(ran.of(name))}"
        assert "clear" not in got.values(), f"{name}\n{describe(ran.of(name))}"


def test_prometheus_of_all_kinds(tmp_path: Path) -> None:
    """A missing or incomplete response is not a number below a limit."""
    from tests.misbehaving.prometheus import ANSWERS

    names = [name for name, (_, _, kind) in ANSWERS.items() if kind] + ["cut-off"]
    with ExitStack() as stack:
        systems: dict[str, Settings] = {}
        for name in names:
            url = stack.enter_context(FakeServer(REGISTRY[f"prometheus.{name}"])).url
            systems[name] = {"runbook": runbook("aura-flow"), "deadline_s": DEADLINE_S, "prometheus": {"url": url}}
        ran = check(tmp_path, systems)
    must_be_orderly(ran, deadline_s=DEADLINE_S)
    for name in names:
        assert set(outcomes(ran.of(name)).values()) == {"unknown"}, f"{name}\n{describe(ran.of(name))}"
