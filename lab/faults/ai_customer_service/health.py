"""How can the health addresses be out of reach, wrong or slow?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lab.customer_service.names import HOST, LIVE, OVERALL, READY
from lab.customer_service.rules import Canned
from lab.faults.ai_customer_service import fault
from lab.servers.sockets import black_hole

if TYPE_CHECKING:
    from lab.lab import Lab

SLOW_S = 0.6
PAGE = "<!doctype html><html><head><title>Customer Service</title></head><body>Welcome</body></html>"
OTHER_DOCUMENT = {"service": "landing-page", "build": 77}
POSTGRES_DOWN = {"status": "DOWN", "components": {"postgres": {"status": "DOWN"}}}
NOTIFIER_DOWN = {"status": "DOWN", "components": {"postgres": {"status": "UP"}, "notifier": {"status": "DOWN"}}}
NOTHING_DOWN = {"status": "DOWN", "components": {"postgres": {"status": "UP"}}}


def _say(lab: Lab, path: str, status: int, body: Any) -> None:
    lab.customer_service.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


@fault("health.unreachable", cause="name-not-resolved")
def name_gone(lab: Lab) -> None:
    lab.dns.behaviour.rcodes[HOST] = "NXDOMAIN"


@fault("health.unreachable", cause="connection-refused")
def nobody_listens(lab: Lab) -> None:
    lab.customer_service.front.behaviour.door = "refused"


@fault("health.unreachable", cause="connect-timeout")
def packets_dropped(lab: Lab) -> None:
    lab.customer_service.front.behaviour.door = "silent"


@fault("health.unreachable", cause="read-timeout")
def never_answers(lab: Lab) -> None:
    lab.customer_service.front.behaviour.never_answers = True


@fault("health.unreachable", cause="tls-failed")
def plain_http_on_the_tls_port(lab: Lab) -> None:
    lab.customer_service.front.behaviour.handshake_is_garbage = True


@fault("health.unreachable", cause="connection-reset")
def reset_after_request(lab: Lab) -> None:
    lab.customer_service.front.behaviour.resets = True


@fault("health.server-error", cause="bad-gateway")
def bad_gateway(lab: Lab) -> None:
    lab.customer_service.front.behaviour.page = 502


@fault("health.server-error", cause="service-unavailable")
def service_unavailable(lab: Lab) -> None:
    lab.customer_service.front.behaviour.page = 503


@fault("health.server-error", cause="internal-error")
def internal_error(lab: Lab) -> None:
    lab.customer_service.front.behaviour.page = 500


@fault("health.not-live", cause="status-down")
def live_is_down(lab: Lab) -> None:
    _say(lab, LIVE, 503, {"status": "DOWN"})


@fault("health.not-live", cause="not-json")
def live_is_a_page(lab: Lab) -> None:
    _say(lab, LIVE, 200, PAGE)


@fault("health.not-live", cause="wrong-document")
def live_is_another_document(lab: Lab) -> None:
    _say(lab, LIVE, 200, OTHER_DOCUMENT)


@fault("health.not-ready", cause="component-down")
def postgres_told_down(lab: Lab) -> None:
    _say(lab, READY, 503, POSTGRES_DOWN)
    _say(lab, OVERALL, 503, POSTGRES_DOWN)


@fault("health.not-ready", cause="status-down")
def ready_is_down(lab: Lab) -> None:
    _say(lab, READY, 503, NOTHING_DOWN)


@fault("health.not-ready", cause="not-json")
def ready_is_a_page(lab: Lab) -> None:
    _say(lab, READY, 200, PAGE)


@fault("health.not-ready", cause="wrong-document")
def ready_is_another_document(lab: Lab) -> None:
    _say(lab, READY, 200, OTHER_DOCUMENT)


@fault("health.degraded", cause="component-down")
def notifier_down(lab: Lab) -> None:
    _say(lab, OVERALL, 503, NOTIFIER_DOWN)


@fault("health.degraded", cause="status-down")
def overall_is_down(lab: Lab) -> None:
    _say(lab, OVERALL, 503, NOTHING_DOWN)


@fault("health.degraded", cause="not-json")
def overall_is_a_page(lab: Lab) -> None:
    _say(lab, OVERALL, 200, PAGE)


@fault("health.degraded", cause="wrong-document")
def overall_is_another_document(lab: Lab) -> None:
    _say(lab, OVERALL, 200, OTHER_DOCUMENT)


@fault("health.slow", cause="slow-dns")
def slow_name_server(lab: Lab) -> None:
    lab.dns.behaviour.delays_s[HOST] = SLOW_S


@fault("health.slow", cause="slow-connect")
def first_address_is_dead(lab: Lab) -> Iterator[None]:
    with black_hole(lab.customer_service.front.port) as dead:
        lab.dns.behaviour.records[(HOST, "A")] = [dead, "127.0.0.1"]
        yield


@fault("health.slow", cause="slow-tls")
def slow_handshake(lab: Lab) -> None:
    lab.customer_service.front.behaviour.handshake_delay_s = SLOW_S


@fault("health.slow", cause="slow-server")
def slow_health_answers(lab: Lab) -> None:
    lab.customer_service.service.behaviour.health_delay_s = SLOW_S


@fault("health.wrong-version", cause="old-version-running")
def old_version(lab: Lab) -> None:
    lab.customer_service.service.behaviour.versions = ("1.0.0",)


@fault("health.wrong-version", cause="instances-differ")
def two_versions(lab: Lab) -> None:
    lab.customer_service.service.behaviour.versions = ("1.1.0", "1.0.0")
