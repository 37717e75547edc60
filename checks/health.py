"""Check that the service answers, is healthy, answers in time, and runs the expected version."""

from __future__ import annotations

from statistics import median
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.expected_response import mismatch, summary
from runbook_checks.handles.health_document import State, is_plain_word
from runbook_checks.handles.service import Service
from runbook_checks.probes.http.client import Answer, NotJson

_UNREACHABLE = (
    "name-not-resolved",
    "connection-refused",
    "connect-timeout",
    "read-timeout",
    "tls-failed",
    "connection-reset",
)
_NO_DOCUMENT = ("body-too-large", "malformed-answer", "redirect-loop")
_ANSWERED = ("wrong-status", "wrong-body", "empty-result")
_ABSENT = (404, 405, 410)
_SERVER_ERRORS = {502: "bad-gateway", 503: "service-unavailable", 504: "bad-gateway"}


@symptom("health.unreachable")
def check_health_address_answers(service: Service) -> None:
    """Users get no response either, and no other check of the service can tell anything."""
    url = service.url
    try:
        service.get(service.settings.health.path)
    except NoReading as silence:
        if silence.kind not in _UNREACHABLE:
            if silence.kind in _NO_DOCUMENT:
                return  # something answers, and health.degraded reports what is wrong with it
            raise
        parts = urlsplit(url)
        evidence: dict[str, Any] = {
            "host": parts.hostname,
            "port": parts.port or (443 if parts.scheme == "https" else 80),
        }
        evidence |= {**silence.evidence, "url": url}
        raise Found(silence.kind, seen=silence.reason, wanted="an answer", **evidence) from None


@symptom("health.server-error")
def check_no_address_answers_5xx(service: Service) -> None:
    """A 5xx means that the service, or a proxy before it, failed to handle the request."""
    failing: dict[str, list[Answer]] = {}
    for path in (*service.health_paths(), *service.key_paths()):
        answer = service.get(path)
        if answer.status >= 500 and not service.is_health_document(answer):
            failing.setdefault(_SERVER_ERRORS.get(answer.status, "internal-error"), []).append(answer)
    Found.all(
        Found(
            cause,
            seen=", ".join(f"{a.url} answers {summary(a)}" for a in answers),
            wanted="no answer of 500 or above",
            url=answers[0].url,
            status=answers[0].status,
        )
        for cause, answers in failing.items()
    )


@symptom("health.not-live")
def check_live(service: Service) -> None:
    """The orchestrator restarts a service that is not live again and again."""
    _expect_up(service, service.settings.health.live, "live", names_components=False)


@symptom("health.not-ready")
def check_ready(service: Service) -> None:
    """A load balancer sends no traffic to a service that is not ready; the component that is down is the reason."""
    _expect_up(service, service.settings.health.ready, "ready")


@symptom("health.degraded")
def check_overall_health(service: Service) -> None:
    """Dashboards and load balancers read the overall health document."""
    _expect_up(service, service.settings.health.path, "overall")


def _expect_up(service: Service, path: str | None, name: str, *, names_components: bool = True) -> None:
    health = service.settings.health
    if path is None:
        raise NoReading("http", f"http.health.{name} is not configured", kind="no-source")
    place = "as plain text" if health.format == "text" else f"in {health.status_field}"
    wanted = f"200 with {' or '.join(health.healthy)} {place}"
    answer, state = _state_at(service, path, wanted)
    evidence: dict[str, Any] = {"url": answer.url, "status": answer.status, "state": state.word or "none"}
    seen = f"HTTP {answer.status}, {'text' if health.format == 'text' else health.status_field} {evidence['state']}"
    down = (state.down or ({} if state.is_up else state.unclear)) if names_components else {}
    if down:
        words = ", ".join(dict.fromkeys(down.values()))
        named = ", ".join(f"{component} {word}" for component, word in down.items())
        evidence |= {"state": words, "component": ", ".join(down)}
        raise Found("component-down", seen=f"{seen}: {named}", wanted=wanted, **evidence)
    if state.word is None:
        if state.claim:
            _unclear(answer, f"has no {health.status_field}, but {state.claim}: set http.health.status_field")
        seen = f"{summary(answer)}, no field {health.status_field}"
        raise Found("wrong-document", seen=seen, wanted=wanted, **evidence)
    if state.is_up is False or answer.status != 200:
        raise Found("status-down", seen=seen, wanted=wanted, **evidence)
    if state.is_up is None:
        _unclear(answer, f"has the state {state.word!r}: add the word to http.health.healthy or http.health.unhealthy")
    if names_components and state.unclear:
        named = ", ".join(f"{field} {word}" for field, word in state.unclear.items())
        _unclear(answer, f"has {named}: add a word to http.health's lists, or a field to http.health.ignore")


def _state_at(service: Service, path: str, wanted: str) -> tuple[Answer, State]:
    try:
        answer = service.get(path)
    except NoReading as gone:
        if gone.kind not in _NO_DOCUMENT:
            raise
        raise Found(None, seen=gone.reason, wanted=wanted, url=path, status="none") from None
    health = service.settings.health
    evidence: dict[str, Any] = {"url": answer.url, "status": answer.status}
    if health.format == "text" and answer.is_html:
        raise Found("not-json", seen=f"HTTP {answer.status} with a page of HTML", wanted=wanted, **evidence)
    try:
        return answer, service.health_state(answer)
    except NotJson as other:
        if answer.status == 200 and is_plain_word(answer, health):
            _unclear(answer, f"answers {answer.text.strip()!r} as plain text: set http.health.format to text")
        seen = f"{summary(answer)}: {other.reason}" if answer.status >= 300 else other.reason
        raise Found("not-json", seen=seen, wanted=wanted, **evidence) from None


def _unclear(answer: Answer, what: str) -> NoReturn:
    raise NoReading("http", f"{answer.url} {what}", kind="not-understood")


@symptom("health.slow", alone=True)
def check_health_answers_in_time(service: Service) -> None:
    """A slow health response is the first sign of an overloaded service, name server or network.

    It runs alone, because the load of other checks would be measured too.
    """
    path = service.settings.health.path
    service.get(path)  # without a response there, the samples are not tried
    answers = list(service.samples(path))
    middle = median(answer.timings.total_ms for answer in answers)
    if middle <= service.settings.slow_ms:
        return
    phases = {
        "slow-dns": median(answer.timings.dns_ms or 0 for answer in answers),
        "slow-connect": median(answer.timings.connect_ms or 0 for answer in answers),
        "slow-tls": median(answer.timings.tls_ms or 0 for answer in answers),
        "slow-server": median(answer.timings.first_byte_ms for answer in answers),
    }
    cause = max(phases, key=lambda name: phases[name])
    names = ("dns_ms", "connect_ms", "tls_ms", "server_ms")
    parts = ", ".join(
        f"{name.removesuffix('_ms')} {ms:.0f} ms" for name, ms in zip(names, phases.values(), strict=True)
    )
    milliseconds: dict[str, Any] = {name: round(ms) for name, ms in zip(names, phases.values(), strict=True)}
    raise Found(
        cause,
        seen=f"median of {len(answers)} responses {middle:.0f} ms: {parts}",
        wanted=f"below {service.settings.slow_ms:g} ms",
        url=answers[0].url,
        median_ms=round(middle),
        limit_ms=service.settings.slow_ms,
        **milliseconds,
    )


@symptom("health.wrong-version")
def check_expected_version_runs(service: Service) -> None:
    """The version that responds proves that a deploy or a rollback happened."""
    expected, where = service.expected_version, service.settings.version
    if expected is None:
        pytest.skip("no expected version: give --expect-version or http.expect_version")
    if where is None:
        raise NoReading("http", "http.version is not configured", kind="no-source")
    running = sorted({service.version(answer) for answer in service.samples(where.path)})
    if running == [expected]:
        return
    raise Found(
        "instances-differ" if len(running) > 1 else "old-version-running",
        seen=f"{' and '.join(running)} running",
        wanted=f"{expected} on every instance",
        url=where.path,
        expected=expected,
        running=", ".join(running),
    )


@symptom("health.metrics-unreadable")
def check_metrics_can_be_read(service: Service) -> None:
    """Objectives and alerts are calculated from the metrics; without them no alert fires."""
    path = service.settings.metrics
    if path is None:
        raise NoReading("http", "http.metrics is not configured", kind="no-source")
    answer, wanted = service.get(path), "200 with metrics in Prometheus' text format"
    evidence: dict[str, Any] = {"url": answer.url, "status": answer.status}
    if answer.status in (401, 403):
        raise NoReading(
            "http", f"{answer.url} answers HTTP {answer.status}: the checks may not read it", kind="wrong-status"
        )
    if answer.status != 200:
        cause = "not-found" if answer.status in _ABSENT else None
        found = Found(cause, seen=f"HTTP {answer.status}", wanted=wanted, **evidence)
        answered = f"it answers HTTP {answer.status}"
        raise found.among((), {"not-found": answered, "not-parseable": answered})
    try:
        service.metrics(answer)
    except NoReading as other:
        raise Found("not-parseable", seen=other.reason, wanted=wanted, **evidence, **other.evidence) from None


@symptom("health.key-function")
def check_key_functions_work(service: Service) -> None:
    """A service can be healthy and still fail at its job."""
    functions = service.settings.key_functions
    if not functions:
        raise NoReading("http", "http.key_functions is not configured", kind="no-source")
    found: list[Found] = []
    silent: list[NoReading] = []
    evidence: dict[str, Any]
    for function in functions:
        subject = f"{function.method} {function.path}"  # as contract.violated names it
        try:
            answer = service.call(function)
        except NoReading as gone:
            if gone.kind in _UNREACHABLE and _is_reachable(service):
                wanted, ruled_out = f"HTTP {function.status}", dict.fromkeys(_ANSWERED, "no response came")
                evidence = {"function": function.name, "url": function.path, "status": "none"}
                silence = Found(None, seen=gone.reason, wanted=wanted, subject=subject, **evidence)
                found.append(silence.among((), ruled_out))
            else:
                silent.append(gone)
            continue
        broken = mismatch(answer, function.status, function.fields, function.not_empty)
        if broken is not None:
            evidence = {"function": function.name, "url": answer.url, "status": answer.status}
            found.append(Found(broken.cause, seen=broken.seen, wanted=broken.wanted, subject=subject, **evidence))
    Found.all(found)
    if silent:
        raise silent[0]


def _is_reachable(service: Service) -> bool:
    """Whether the service answers at its health address, so that a silent function is the function's own fault."""
    try:
        return service.get(service.settings.health.path).status < 500
    except NoReading:
        return False
