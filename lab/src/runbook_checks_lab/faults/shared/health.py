"""Health addresses of a service that are unreachable, wrong or slow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.shared import Of, Web
from runbook_checks_lab.servers.answers import Canned
from runbook_checks_lab.servers.sockets import black_hole

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf

SLOW_S = 0.6
DRIFT_S = 90.0
PAGE = "<!doctype html><html><head><title>Welcome</title></head><body>Welcome</body></html>"
OTHER_DOCUMENT = {"service": "landing-page", "build": 77}


def say(web: Web, path: str, status: int, body: Any) -> None:
    """The address returns this response instead of its own."""
    web.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


def unreachable(fault: FaultsOf, of: Of[Web]) -> None:
    @fault("health.unreachable", cause="name-not-resolved")
    def name_gone(lab: Lab) -> None:
        lab.dns.behaviour.rcodes[of(lab).host] = "NXDOMAIN"

    @fault("health.unreachable", cause="connection-refused")
    def port_closed(lab: Lab) -> None:
        of(lab).front.behaviour.door = "refused"

    @fault("health.unreachable", cause="connect-timeout")
    def packets_dropped(lab: Lab) -> None:
        of(lab).front.behaviour.door = "silent"

    @fault("health.unreachable", cause="read-timeout")
    def never_answers(lab: Lab) -> None:
        of(lab).front.behaviour.never_answers = True

    @fault("health.unreachable", cause="tls-failed")
    def plain_http_on_the_tls_port(lab: Lab) -> None:
        of(lab).front.behaviour.handshake_is_garbage = True

    @fault("health.unreachable", cause="connection-reset")
    def reset_after_request(lab: Lab) -> None:
        of(lab).front.behaviour.resets = True


def server_error(fault: FaultsOf, of: Of[Web]) -> None:
    pages = {"bad-gateway": 502, "service-unavailable": 503, "internal-error": 500}
    for cause, status in pages.items():

        @fault("health.server-error", cause=cause)
        def page(lab: Lab, status: int = status) -> None:
            of(lab).front.behaviour.page = status


def documents(fault: FaultsOf, of: Of[Web], symptom: str, path: str, unwell: Mapping[str, Any]) -> None:
    """Health documents that are invalid or unexpected, or report by cause (`status-down`, ...) what `unwell` has."""
    says = {cause: (503, body) for cause, body in unwell.items()}
    for cause, (status, body) in (says | {"not-json": (200, PAGE), "wrong-document": (200, OTHER_DOCUMENT)}).items():

        @fault(symptom, cause=cause)
        def canned(lab: Lab, status: int = status, body: Any = body) -> None:
            say(of(lab), path, status, body)


def slow(fault: FaultsOf, of: Of[Web]) -> None:
    @fault("health.slow", cause="slow-dns")
    def slow_name_server(lab: Lab) -> None:
        lab.dns.behaviour.delays_s[of(lab).host] = SLOW_S

    @fault("health.slow", cause="slow-connect")
    def first_address_is_dead(lab: Lab) -> Iterator[None]:
        with black_hole(of(lab).front.port) as dead:
            lab.dns.behaviour.records[(of(lab).host, "A")] = [dead, "127.0.0.1"]
            yield

    @fault("health.slow", cause="slow-tls")
    def slow_handshake(lab: Lab) -> None:
        of(lab).front.behaviour.handshake_delay_s = SLOW_S

    @fault("health.slow", cause="slow-server")
    def slow_health_answers(lab: Lab) -> None:
        of(lab).service.behaviour.health_delay_s = SLOW_S


def wrong_version(fault: FaultsOf, of: Of[Web], expected: str = "1.1.0", old: str = "1.0.0") -> None:
    @fault("health.wrong-version", cause="old-version-running")
    def old_version(lab: Lab) -> None:
        of(lab).service.behaviour.versions = (old,)

    @fault("health.wrong-version", cause="instances-differ")
    def two_versions(lab: Lab) -> None:
        of(lab).service.behaviour.versions = (expected, old)


def clock_drift(fault: FaultsOf, of: Of[Web]) -> None:
    for cause, offset_s in {"server-ahead": DRIFT_S, "server-behind": -DRIFT_S}.items():

        @fault("webhook.clock-drift", cause=cause)
        def drifts(lab: Lab, offset_s: float = offset_s) -> None:
            of(lab).service.behaviour.clock_offset_s = offset_s


def key_function(fault: FaultsOf, of: Of[Web], asked: str, other: Any, empty: Any) -> None:
    """Change the response to `METHOD /path`: another status, a wrong body, an empty body."""
    answers = {
        "wrong-status": (404, {"error": "no such route"}),
        "wrong-body": (200, other),
        "empty-result": (200, empty),
    }
    for cause, answer in answers.items():

        @fault("health.key-function", cause=cause)
        def broken(lab: Lab, answer: tuple[int, Any] = answer) -> None:
            of(lab).service.behaviour.canned[asked] = Canned(*answer)
