"""Does the service answer, in good health, in time, in the right version?"""

from __future__ import annotations

from statistics import median
from typing import Any
from urllib.parse import urlsplit

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.expected_response import mismatch
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
_ABSENT = (404, 405, 410)
_SERVER_ERRORS = {502: "bad-gateway", 503: "service-unavailable", 504: "bad-gateway"}


@symptom("health.unreachable")
def check_health_address_answers(service: Service) -> None:
    """When nothing answers, nobody is served, and nothing else can be looked at."""
    url = service.url
    try:
        service.get(service.settings.health.path)
    except NoReading as silence:
        if silence.kind not in _UNREACHABLE:
            if silence.kind in _NO_DOCUMENT:
                return  # it answers, if not as it should: health.degraded tells
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
    """A 5xx is the service or what stands before it saying that it failed."""
    failing: dict[str, list[Answer]] = {}
    for path in (*service.health_paths(), *service.key_paths()):
        answer = service.get(path)
        if answer.status >= 500 and _state(service, answer) is None:
            failing.setdefault(_SERVER_ERRORS.get(answer.status, "internal-error"), []).append(answer)
    Found.all(
        Found(
            cause,
            seen=", ".join(f"HTTP {a.status} from {a.url}" for a in answers),
            wanted="no answer of 500 or above",
            url=answers[0].url,
            status=answers[0].status,
        )
        for cause, answers in failing.items()
    )


@symptom("health.not-live")
def check_live(service: Service) -> None:
    """A service that isn't live is restarted by its supervisor, again and again."""
    _expect_up(service, service.settings.health.live, "live", names_components=False)


@symptom("health.not-ready")
def check_ready(service: Service) -> None:
    """A service that isn't ready gets no traffic; the component that is down says why."""
    _expect_up(service, service.settings.health.ready, "ready")


@symptom("health.degraded")
def check_overall_health(service: Service) -> None:
    """The overall document is what dashboards and load balancers go by."""
    _expect_up(service, service.settings.health.path, "overall")


def _expect_up(service: Service, path: str | None, name: str, *, names_components: bool = True) -> None:
    if path is None:
        raise NoReading("http", f"the runbook file names no {name} health address", kind="no-source")
    words = " or ".join(service.settings.health.healthy)
    wanted = f"200 with {service.settings.health.status_field} {words}"
    try:
        answer = service.get(path)
        document = answer.json()
    except NotJson as other:
        status = other.evidence.get("status", "")
        raise Found("not-json", seen=other.reason, wanted=wanted, url=path, status=status) from None
    except NoReading as gone:
        if gone.kind not in _NO_DOCUMENT:
            raise
        raise Found("wrong-document", seen=gone.reason, wanted=wanted, url=path, status="") from None
    state = _field(document, service.settings.health.status_field)
    evidence: dict[str, Any] = {
        "url": answer.url,
        "status": answer.status,
        "state": state if state is not None else "none",
    }
    seen = f"HTTP {answer.status}, {service.settings.health.status_field} {evidence['state']}"
    down = _components_down(service, document) if names_components else {}
    if down:
        named = ", ".join(f"{component} {word}" for component, word in down.items())
        raise Found(
            "component-down",
            seen=f"{seen}: {named}",
            wanted=wanted,
            component=", ".join(down),
            **evidence | {"state": ", ".join(dict.fromkeys(down.values()))},
        )
    if state is None:
        raise Found(
            "wrong-document",
            seen=f"HTTP {answer.status}, a document without a state",
            wanted=wanted,
            **evidence,
        )
    if not _is_healthy(service, state):
        raise Found("status-down", seen=seen, wanted=wanted, **evidence)
    if answer.status != 200:
        raise Found("wrong-document", seen=seen, wanted=wanted, **evidence)


def _state(service: Service, answer: Answer) -> str | None:
    """The state that a health document tells, None where the answer is no such document."""
    try:
        return _field(answer.json(), service.settings.health.status_field)
    except NotJson:
        return None


def _field(document: Any, dotted: str) -> str | None:
    for name in dotted.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return str(document) if isinstance(document, str | int | float) and not isinstance(document, bool) else None


def _is_healthy(service: Service, word: str) -> bool:
    return word.casefold() in {healthy.casefold() for healthy in service.settings.health.healthy}


def _components_down(service: Service, document: Any) -> dict[str, str]:
    health = service.settings.health
    components = document.get(health.components_field) if isinstance(document, dict) else None
    if isinstance(components, list):
        components = {str(c.get("name")): c for c in components if isinstance(c, dict)}
    if not isinstance(components, dict):
        return {}
    words = {str(n): c if isinstance(c, str) else _field(c, health.status_field) for n, c in components.items()}
    return {name: word for name, word in words.items() if word is not None and not _is_healthy(service, word)}


@symptom("health.slow", alone=True)
def check_health_answers_in_time(service: Service) -> None:
    """A slow health answer is the first sign of a service, a name server or a network under strain.

    Measured alone: the other checks would be part of the strain.
    """
    path = service.settings.health.path
    service.get(path)  # an address that gave the others no answer is not waited for again
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
    told = ", ".join(f"{name.removesuffix('_ms')} {ms:.0f} ms" for name, ms in zip(names, phases.values(), strict=True))
    milliseconds: dict[str, Any] = {name: round(ms) for name, ms in zip(names, phases.values(), strict=True)}
    raise Found(
        cause,
        seen=f"median of {len(answers)} answers {middle:.0f} ms: {told}",
        wanted=f"below {service.settings.slow_ms:g} ms",
        url=answers[0].url,
        median_ms=round(middle),
        limit_ms=service.settings.slow_ms,
        **milliseconds,
    )


@symptom("health.wrong-version")
def check_expected_version_runs(service: Service) -> None:
    """After a deploy or a rollback the version that answers is the proof that it happened."""
    expected, where = service.expected_version, service.settings.version
    if expected is None:
        pytest.skip("no version is expected: give --expect-version or http.expect_version")
    if where is None:
        raise NoReading(
            "http", "the runbook file does not say where the version is told (http.version)", kind="no-source"
        )
    running = sorted({_version(answer, where.field) for answer in service.samples(where.path)})
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


def _version(answer: Answer, field: str) -> str:
    if answer.status != 200:
        raise NoReading(
            "http",
            f"{answer.url} answered HTTP {answer.status} where the version was due",
            kind="wrong-status",
        )
    version = _field(answer.json(), field)
    if version is None or not version.strip():
        raise NoReading("http", f"{answer.url} has no field {field} that tells the version", kind="field-missing")
    return version


@symptom("health.metrics-unreadable")
def check_metrics_can_be_read(service: Service) -> None:
    """Objectives and alerts are reckoned from the metrics; where they can't be read, nobody is alarmed."""
    path = service.settings.metrics
    if path is None:
        raise NoReading("http", "the runbook file names no address of metrics (http.metrics)", kind="no-source")
    answer, wanted = service.get(path), "200 with metrics in Prometheus' text form"
    evidence: dict[str, Any] = {"url": answer.url, "status": answer.status}
    if answer.status in (401, 403):
        raise NoReading("http", f"{answer.url} answered HTTP {answer.status}: not for us", kind="wrong-status")
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
    """A service can be in the best of health and yet not do what it is there for."""
    functions = service.settings.key_functions
    if not functions:
        raise NoReading("http", "no key function is named (http.key_functions)", kind="no-source")
    found, silent = [], []
    for function in functions:
        try:
            answer = service.call(function)
        except NoReading as gone:
            silent.append(gone)
            continue
        broken = mismatch(answer, function.status, function.fields, function.not_empty)
        if broken is not None:
            subject = f"{function.method} {function.path}"  # as contract.violated names it
            evidence: dict[str, Any] = {"function": function.name, "url": answer.url, "status": answer.status}
            found.append(Found(broken.cause, seen=broken.seen, wanted=broken.wanted, subject=subject, **evidence))
    Found.all(found)
    if silent:
        raise silent[0]
