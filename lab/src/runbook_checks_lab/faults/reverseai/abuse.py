"""Abuse by anonymous visitors, and missing protection against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.names import DATABASE, WORKSPACES
from runbook_checks_lab.reverseai.seeds import at

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

EVENTS = f"{DATABASE}.what_reverse_runtime_events"
OPEN = WORKSPACES[0]
MARK = "surge-"  # sessions that a fault adds
COUNT, EVERY_S = 80, 8


def surge(lab: Lab, event: str, source: Callable[[int], str]) -> Iterator[None]:
    server = system(lab).mariadb
    rows = [
        {
            "event_type": event,
            "payload_json": json.dumps(
                {"workspace_id": OPEN, "ip": source(number), "session_id": f"{MARK}{number}", "path": "/run"}
            ),
            "created_at": at(5 + number * EVERY_S),
        }
        for number in range(COUNT)
    ]
    server.insert(EVENTS, rows)
    yield
    server.run(f"DELETE FROM {EVENTS} WHERE payload_json LIKE '%{MARK}%'")  # noqa: S608  constants


@fault("abuse.surge", cause="rate-limited-surge")
def many_over_the_limit(lab: Lab) -> Iterator[None]:
    yield from surge(lab, "runtime_rate_limited", lambda number: f"198.51.100.{number + 1}")


@fault("abuse.surge", cause="risk-surge")
def many_send_prompts(lab: Lab) -> Iterator[None]:
    yield from surge(lab, "runtime_risk_detected", lambda number: f"198.51.100.{number + 1}")


@fault("abuse.surge", cause="single-source")
def one_source_retries(lab: Lab) -> Iterator[None]:
    yield from surge(lab, "runtime_rate_limited", lambda number: "192.0.2.66" if number % 5 else f"192.0.2.{number}")


@fault("abuse.surge", cause="traffic-surge")
def many_visit(lab: Lab) -> None:
    system(lab).prometheus.behaviour.anonymous = 20.0


def rules(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = system(lab).service.behaviour.policies[OPEN]["rate_limit_json"]
    return found


@fault("abuse.policy-open", cause="no-limits")
def no_limit_for_a_session(lab: Lab) -> None:
    rules(lab)["per_session"] = None


@fault("abuse.policy-open", cause="limit-not-positive")
def limit_of_zero(lab: Lab) -> None:
    rules(lab)["per_ip"] = {"max_requests": 0, "window_seconds": 60}


@fault("abuse.policy-open", cause="captcha-off-in-surge")
def captcha_off_in_surge(lab: Lab) -> Iterator[None]:
    rules(lab).update(require_captcha=False, graylist_policy=None)
    yield from surge(lab, "runtime_risk_detected", lambda number: f"198.51.100.{number + 1}")


@fault("abuse.list-malformed", cause="not-an-address")
def name_in_the_list(lab: Lab) -> None:
    rules(lab)["blacklist"].append("bad-guy.example.com")


@fault("abuse.list-malformed", cause="bad-digest")
def half_a_digest(lab: Lab) -> None:
    rules(lab)["graylist"].append("sha256:5e5e5e")
