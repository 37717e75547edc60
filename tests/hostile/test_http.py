"""Whatever an HTTP service does, the run ends in time and reports the right cause or unknown."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

import tests.misbehaving.http
import tests.misbehaving.tls  # noqa: F401 - they fill the registry
from tests.harness import SYSTEM
from tests.hostile.product import TIMEOUT_S, Settings, check, describe, http, must_be_orderly, outcomes
from tests.misbehaving.http import bomb
from tests.misbehaving.server import REGISTRY, BlackHole, FakeServer, refusing_port

if TYPE_CHECKING:
    from pathlib import Path

bomb()  # created before any time is measured

# Incomplete responses, and the cause that health.unreachable reports.
NO_ANSWER = {
    "never-ending": (
        "read-timeout",
        (
            "http.silent",
            "http.drips-headers",
            "http.endless-headers",
            "http.drips-body",
            "http.drips-chunks",
            "http.stalls-in-body",
        ),
    ),
    "cut-off": (
        "connection-reset",
        (
            "http.closes-at-once",
            "http.half-closed",
            "http.resets-at-once",
            "http.resets-mid-headers",
            "http.closes-mid-headers",
            "http.resets-mid-body",
            "http.short-body",
            "http.short-chunks",
        ),
    ),
}
# Complete responses that cannot be parsed.
UNREADABLE = {
    "too-much": (
        "http.oversized",
        "http.oversized-unannounced",
        "http.oversized-chunks",
        "http.one-endless-chunk",
        "http.gzip-bomb",
        "http.huge-header",
        "http.many-headers",
        "http.endless-status-line",
        "http.redirects-for-ever",
        "http.continue-storm",
        "http.early-hints-storm",
        "http.endless-chunk-size",
        "http.endless-trailer",
    ),
    "malformed": (
        "http.broken-chunking",
        "http.negative-chunk",
        "http.garbage",
        "http.ssh",
        "http.bad-status",
        "http.bad-header-line",
        "http.bad-content-length",
        "http.two-content-lengths",
        "http.unknown-transfer-coding",
        "http.gzip-broken",
        "http.brotli-unasked",
    ),
}
NOT_JSON = ("http.right-then-garbage", "http.html", "http.utf16", "http.empty", "http.no-content", "http.echo")

HEALTH_DOCUMENTS = ("health.not-live", "health.not-ready", "health.degraded")


def plain_name(server: str) -> str:
    return server.replace(".", "-")


def systems_at(stack: ExitStack, names: tuple[str, ...], **more: Any) -> dict[str, Settings]:
    """Return a system for each of these servers."""
    return {plain_name(name): http(stack.enter_context(FakeServer(REGISTRY[name])).url, **more) for name in names}


@pytest.mark.parametrize("group", NO_ANSWER)
def test_incomplete_response_is_unreachable_and_nothing_else(tmp_path: Path, group: str) -> None:
    cause, names = NO_ANSWER[group]
    with ExitStack() as stack:
        ran = check(tmp_path, systems_at(stack, names, timeout_s=0.6 if group == "never-ending" else TIMEOUT_S))
    must_be_orderly(ran)
    for name in map(plain_name, names):
        results = ran.of(name)
        assert outcomes(results)["health.unreachable"] == f"found:{cause}", f"{name}\n{describe(results)}"
        assert {r["outcome"] for s, r in results.items() if s != "health.unreachable"} == {"unknown", "skipped"}, name
        assert f"health.unreachable[{name}]" in ran.document["roots"]
    assert ran.code == 1
    assert len(ran.document["roots"]) == len(names), ran.document["roots"]


def test_refused_or_dropped_connections_are_unreachable(tmp_path: Path) -> None:
    with refusing_port() as port, BlackHole() as hole:
        ran = check(
            tmp_path, {"refusing": http(f"http://127.0.0.1:{port}"), "swallowing": http(hole.url, timeout_s=0.6)}
        )
    must_be_orderly(ran)
    assert outcomes(ran.of("refusing"))["health.unreachable"] == "found:connection-refused"
    assert outcomes(ran.of("swallowing"))["health.unreachable"] == "found:connect-timeout"
    assert ran.document["roots"] == ["health.unreachable[refusing]", "health.unreachable[swallowing]"]


@pytest.mark.parametrize("group", UNREADABLE)
def test_unreadable_response_is_found_without_a_cause_and_nothing_is_clear(tmp_path: Path, group: str) -> None:
    names = UNREADABLE[group]
    with ExitStack() as stack:
        ran = check(tmp_path, systems_at(stack, names))
    must_be_orderly(ran)
    for name in map(plain_name, names):
        results = ran.of(name)
        got = outcomes(results)
        for symptom in HEALTH_DOCUMENTS:
            assert got[symptom] == "found:None", f"{name}\n{describe(results)}"
        clear = {symptom for symptom, outcome in got.items() if outcome == "clear"}
        assert clear <= {"health.unreachable"}, f"{name}\n{describe(results)}"
        if name == "http-ssh":
            [finding] = results["health.degraded"]["findings"]
            assert "does not speak HTTP" in finding["seen"]
            assert "JSON" not in finding["because"], "the evidence decides the cause"


def test_response_that_is_not_json_is_neither_health_document_nor_webhook(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ran = check(tmp_path, systems_at(stack, NOT_JSON))
    must_be_orderly(ran)
    for name in map(plain_name, NOT_JSON):
        got = outcomes(ran.of(name))
        for symptom in HEALTH_DOCUMENTS:
            assert got[symptom] == "found:not-json", f"{name}\n{describe(ran.of(name))}"
        assert got["contract.violated"] in ("found:document-missing", "unknown"), describe(ran.of(name))
    # A sign-in page in front of everything is not the receiver.
    page = outcomes(ran.of("http-html"))
    assert {page[s] for s in page if s.startswith("webhook.")} == {"unknown"}, describe(ran.of("http-html"))


def test_tls_that_hangs_or_is_missing(tmp_path: Path) -> None:
    names = [name for name in REGISTRY if name.startswith("tls.")]
    with ExitStack() as stack:
        servers = {plain_name(n): stack.enter_context(FakeServer(REGISTRY[n])) for n in names}
        ran = check(
            tmp_path,
            {name: http(f"https://127.0.0.1:{server.port}", timeout_s=1, tls={}) for name, server in servers.items()},
        )
    must_be_orderly(ran)
    causes = {"tls-silent": "read-timeout", "tls-stalls-after-hello": "read-timeout", "tls-drips": "read-timeout"}
    causes |= dict.fromkeys(("tls-resets", "tls-closes", "tls-half-closed"), "connection-reset")
    for name in servers:
        got = outcomes(ran.of(name))
        cause = causes.get(name, "tls-failed")
        assert got.pop("health.unreachable") == f"found:{cause}", f"{name}\n{describe(ran.of(name))}"
        assert set(got.values()) == {"unknown", "skipped"}, f"{name}\n{describe(ran.of(name))}"


def test_default_limits(tmp_path: Path) -> None:
    """With the defaults: ten seconds for a check, and little more for the run."""
    with FakeServer(REGISTRY["http.drips-headers"]) as far_end:
        whole = http(far_end.url)
        del whole["deadline_s"], whole["http"]["timeout_s"]
        ran = check(tmp_path, {SYSTEM: whole})
    must_be_orderly(ran, deadline_s=10)
    assert outcomes(ran.of(SYSTEM))["health.unreachable"] == "found:read-timeout"
