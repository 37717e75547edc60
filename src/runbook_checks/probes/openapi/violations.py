"""Find responses of a service that do not match its OpenAPI document.

schemathesis generates the requests, GET only, and the Http probe sends them. All are generated before the first is
sent, so that no library waits for the network, and hypothesis never sees an exception.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.deadline import current
from runbook_checks.probes.core.isolated import run_isolated
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.http.target import HEADER_VALUE
from runbook_checks.probes.openapi.document import base_url, fetch, parse
from runbook_checks.probes.openapi.responses import failures, gravest, lists

if TYPE_CHECKING:
    from pathlib import Path

    import requests
    from hypothesis.strategies import SearchStrategy
    from schemathesis import APIOperation, BaseSchema
    from schemathesis import Case as AnyCase

    from runbook_checks.probes.http.client import Http

    Case = AnyCase[Any]
    Operation = APIOperation[Any, Any, Any, Any]
    Made = tuple[Case, requests.PreparedRequest]

KINDS = ("server-error", "undocumented-status", "schema-mismatch")
MOST_S = 60.0
LEAST_S = 1.0  # with less time left, no further request is sent
MAX_MESSAGE = 200
# Failures of one operation only, and a rate limit, which ends the reading.
OF_ONE = ("bad-request", "body-too-large", "malformed-answer", RATE_LIMITED)
# Headers that a document must not set: they would make it another request, or reach another host.
NOT_SENT = ("host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "expect")
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")


@dataclass(frozen=True)
class Violation:
    """A response that the document does not allow."""

    operation: str  # "GET /path", as the document writes it
    kind: str  # one of KINDS
    status: int
    message: str
    reproduce: str  # a command without the headers that every request carries


def violations(
    document: str | Path,
    http: Http,
    *,
    max_examples: int = 3,
    ignore: tuple[str, ...] = (),
    resource: str = "openapi",
) -> list[Violation]:
    """The violations of the GET operations: one for each operation and kind, in the document's order.

    document  a path below the base address, an absolute address of the same origin, or a file; JSON or YAML
    ignore    operations left out, as "GET /path"

    A response counts once, for the gravest of KINDS. A server error that the document lists by its status is no
    violation; `default` lists none. An operation that requires credentials and refuses the checks with a status not
    listed is unknown.

    NoReading kinds: document-missing (none, or not readable; evidence: status), wrong-status (the document is refused),
    external-reference, nothing-to-look-at (no GET operation), not-looked-at (some operations are unknown, and
    the others match), those of core.isolated; and Http's own.
    """
    source = fetch(document, http, resource)
    document = str(document)
    # Patterns in a document are regular expressions from its author.
    return run_isolated(
        _violations, document, source, http, max_examples, ignore, resource, resource=resource, timeout_s=MOST_S
    )


def _violations(
    document: str,
    source: tuple[str, int | None, Path | None],
    http: Http,
    max_examples: int,
    ignore: tuple[str, ...],
    resource: str,
) -> list[Violation]:
    schema = parse(source[0], document, *source[1:], resource)
    look = _Look(http, schema, base_url(http, schema))
    operations = look.operations({_label(name) for name in ignore})
    if not operations and not look.unseen:
        raise NoReading(resource, f"{document} has no GET operation", kind="nothing-to-look-at")
    try:
        look.at(operations, max(1, max_examples))
    except NoReading:
        if not look.found:
            raise
    if look.unseen and not look.found:
        raise _not_looked_at(look.unseen, len(operations) + len(look.broken), resource)
    return sorted(look.found.values(), key=lambda v: (look.order.index(v.operation), KINDS.index(v.kind)))


@dataclass
class _Look:
    """One reading of the operations of a document."""

    http: Http
    schema: BaseSchema
    base_url: str
    found: dict[tuple[str, str], Violation] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)  # operation: reason
    limit: str | None = None  # the rate limit of the service, once it was met
    broken: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def operations(self, ignored: set[str]) -> list[Operation]:
        from schemathesis.core.result import Ok

        fine = []
        for label, result in self._described():
            if label in ignored:
                continue
            if isinstance(result, Ok):
                fine.append(result.ok())
                self.order.append(label)
            else:
                why = str(result) if isinstance(result, BaseException) else result.err().message
                self.broken.append(label)
                self.unseen[label] = f"its description cannot be used: {one_line(why, 80)}"
        return fine

    def _described(self) -> list[tuple[str, Any]]:
        """Each operation by its name, or the library's error, which may be any."""
        try:
            return list(_all_of(self.schema.include(method="GET")))
        except BaseException as error:
            _but_interrupts(error)
            return [
                named
                for path, item in self.schema.raw_schema["paths"].items()
                if isinstance(item, dict) and ({"get", "$ref"} & set(map(str, item)))
                for named in self._described_at(path)
            ]

    def _described_at(self, path: Any) -> list[tuple[str, Any]]:
        """The operations of one path, so that an error in it does not hide the others."""
        if _is_late():
            return [(f"GET {path}", ValueError("out of time"))]
        try:
            return list(_all_of(self.schema.include(method="GET", path=path)))
        except BaseException as error:
            _but_interrupts(error)
            return [(f"GET {path}", error)]

    def at(self, operations: list[Operation], count: int) -> None:
        """Send one request for each operation, then the others, so that a short time reaches most operations."""
        later: list[tuple[Operation, list[Made]]] = []
        for operation in operations:
            if _is_late():
                self.unseen[operation.label] = "out of time"
                continue
            try:
                made = self._made(operation, count)
            except BaseException as error:  # a library may raise anything for a document written by hand
                _but_interrupts(error)
                self.unseen[operation.label] = f"no request can be generated: {one_line(str(error), 80)}"
                continue
            self._send_in_time(operation, *made[0])
            later.append((operation, made[1:]))
        for operation, made in later:
            for case, request in made:
                if not _is_late():
                    self._send_in_time(operation, case, request)

    def _send_in_time(self, operation: Operation, case: Case, request: requests.PreparedRequest) -> None:
        """Send a request; the deadline of the check and a rate limit leave the operation unknown."""
        if self.limit:
            self.unseen.setdefault(operation.label, self.limit)
            return
        try:
            self._send(operation, case, request)
        except NoReading as gone:
            if gone.kind in OF_ONE:
                address = str(request.url)
                reason = gone.reason.removeprefix(f"{address}: ").removeprefix(f"{address.partition('?')[0]}: ")
                reason = one_line(reason, 80)
                self.limit = reason if gone.kind == RATE_LIMITED else None  # then no further request is sent
                self.unseen.setdefault(operation.label, reason)
            elif not _is_late():
                raise
            else:
                self.unseen.setdefault(operation.label, "out of time")

    def _made(self, operation: Operation, count: int) -> list[Made]:
        made: dict[Any, Made] = {}
        for case in _cases(operation, count):
            request = self._prepared(case)
            if all(HEADER_VALUE.fullmatch(value) for value in request.headers.values()):
                made.setdefault((request.url, tuple(request.headers.items()), request.body), (case, request))
        if not made:
            raise ValueError("none of its allowed values can be sent")
        return list(made.values())

    def _prepared(self, case: Case) -> requests.PreparedRequest:
        """The request with generated headers only; the configured ones take precedence."""
        from requests import Request

        kwargs = case.as_transport_kwargs(base_url=self.base_url)
        ours = self.http.header_names() | {*NOT_SENT, *OVERRIDES}
        wanted = {*(name.lower() for name in case.headers), "content-type"} - ours
        kwargs["headers"] = {
            name: str(value).strip() for name, value in kwargs["headers"].items() if name.lower() in wanted
        }
        request = Request(**kwargs).prepare()
        request.headers.pop("Content-Length", None)
        return request

    def _send(self, operation: Operation, case: Case, request: requests.PreparedRequest) -> None:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = self.http.send("GET", str(request.url), headers=request.headers, body=body)
        if self._is_refused(operation, answer.status):
            self.unseen.setdefault(operation.label, f"refused with {answer.status}, it requires credentials")
            return
        try:
            violated = gravest(operation, answer, failures(case, request, answer))
        except BaseException as error:
            _but_interrupts(error)
            self.unseen.setdefault(operation.label, f"no response can be judged: {one_line(str(error), 80)}")
            return
        if violated is not None:
            kind, message = violated
            violation = Violation(
                operation.label, kind, answer.status, one_line(message, MAX_MESSAGE), _command(request, body)
            )
            self.found.setdefault((operation.label, kind), violation)

    def _is_refused(self, operation: Operation, status: int) -> bool:
        security = operation.definition.raw.get("security", self.schema.raw_schema.get("security"))
        return status in (401, 403) and bool(security) and not lists(operation, status, with_default=True)


def _but_interrupts(error: BaseException) -> None:
    """Raise interrupts again. A panic of a library in Rust is a BaseException, and no Exception (PyO3)."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error


def _all_of(schema: BaseSchema) -> Iterator[tuple[str, Any]]:
    from schemathesis.core.result import Ok

    for result in schema.get_all_operations():
        yield (result.ok() if isinstance(result, Ok) else result.err()).label, result


def _cases(operation: Operation, count: int) -> list[Case]:
    """The document's own examples first, then generated ones."""
    strategies = operation.get_strategies_from_examples()[:count]
    cases = [case for strategy in strategies for case in _drawn(strategy, 1)]
    return cases if len(cases) >= count else cases + _drawn(operation.as_strategy(), count - len(cases))


def _drawn(strategy: SearchStrategy[Case], count: int) -> list[Case]:
    from hypothesis import HealthCheck, Phase, given, settings

    cases: list[Case] = []

    @settings(
        max_examples=count, phases=[Phase.generate], derandomize=True,
        database=None, deadline=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


def _command(request: requests.PreparedRequest, body: bytes) -> str:
    parts = ["curl", "-sS", "-i", "-X", "GET"]
    for name, value in request.headers.items():
        parts += ["-H", f"{name}: {value}"]
    if body:
        parts += ["--data-binary", body.decode("utf-8", "replace")]
    return shlex.join([*parts, str(request.url)])


def _label(name: str) -> str:
    method, _, path = name.strip().partition(" ")
    return f"{method.upper()} {path.strip()}"


def _is_late() -> bool:
    deadline = current.get()
    return deadline is not None and deadline.remaining() < LEAST_S


def _not_looked_at(unseen: Mapping[str, str], total: int, resource: str) -> NoReading:
    named = "; ".join(f"{label} ({why})" for label, why in unseen.items())
    reason = f"{len(unseen)} of {total} operations were not looked at: {named}"
    return NoReading(resource, reason, kind="not-looked-at", evidence={"operations": dict(unseen)})
