"""Check that the webhook accepts signed deliveries, refuses all others, and processes each message once.

Where writes are not allowed, the deliveries hold no valid message: a receiver that accepts everything stores nothing.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from runbook_checks.suite.fixtures.deliveries import changed_deliveries, cut_digests

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.postgres import PostgresDatabase
from runbook_checks.handles.receiver import HARMLESS, Receiver
from runbook_checks.handles.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_checks.probes.http.client import Answer

DAY_S = 86400
MARGIN_S = 15
SETTLE_S = 3.0
ABSENT = (404, 405)
# The cause when a correctly signed delivery is refused with the code for this.
CAUSES = {"unsigned": "header-dropped", "stale": "clock-skew", "invalid": "secret-mismatch"}
LIMIT = "skew-limit-too-small"
Why = tuple[str | None, list[str], dict[str, str]]  # the cause, those that fit, why others don't


def _require_meaning(receiver: Receiver, answer: Answer) -> None:
    """NoReading for a response that does not show whether the signature was accepted, such as a page or a failure."""
    if not (receiver.is_refusal(answer) or receiver.is_past(answer) or answer.status in ABSENT):
        raise _no_meaning(receiver, answer)


def _no_meaning(receiver: Receiver, answer: Answer) -> NoReading:
    why = ""
    if answer.is_markup:
        why = ": a page, as a proxy or firewall sends"
    elif answer.status == receiver.settings.refusals.invalid_body_status:
        why = ": bad signatures and bad bodies may both get it (name their codes in webhook.refusals)"
    reason = f"{answer.url} answered HTTP {answer.status}, which does not show whether signatures are checked{why}"
    return NoReading("webhook", reason, kind="wrong-status")


def _require_control(receiver: Receiver) -> None:
    """A receiver that refuses everything also refuses forgeries, which proves nothing."""
    answer = receiver.control()
    _require_meaning(receiver, answer)
    if receiver.is_refusal(answer) or answer.status in ABSENT:
        raise NoReading(
            "webhook",
            f"a correctly signed delivery is refused too ({receiver.shown(answer)})",
            kind="control-refused",
        )
    _require_verdict(receiver, answer)


def _require_verdict(receiver: Receiver, answer: Answer) -> None:
    """NoReading where the runbook file says that the receiver accepts everything and verifies later."""
    if receiver.settings.verifies_later and 200 <= answer.status < 300:
        reason = f"{answer.url} verifies signatures after it answers (webhook.verifies_later)"
        raise NoReading("webhook", reason, kind="verified-later")


@symptom("webhook.signature-rejected")
def check_signed_delivery_gets_through(receiver: Receiver) -> None:
    """A receiver that refuses its own sender loses every message."""
    answer = receiver.control()
    _require_accepted_signature(receiver, answer, "a correctly signed delivery")
    _require_verdict(receiver, answer)
    if receiver.may_write:
        # A clock that clock-drift tolerates must not be reported here.
        skew = max(0, int(receiver.settings.max_skew_s - receiver.clock_tolerance_s - MARGIN_S))
        ages = (0, skew, -skew) if receiver.scheme.has_time else (0,)
        for age_s in ages:
            message = _message(receiver)
            when = f"signed {abs(age_s)} s {'ago' if age_s >= 0 else 'ahead'}"
            [valid] = _offered(receiver, message, when, partial(_once, age_s=age_s))
            _require_accepted_signature(receiver, valid, f"a valid message {when}", age_s)
            _require_accepted(receiver, valid)


def _require_accepted_signature(receiver: Receiver, answer: Answer, what: str, age_s: int = 0) -> None:
    _require_meaning(receiver, answer)
    rule = receiver.settings.refusals
    cause: str | None = "endpoint-missing"
    fitting, ruled_out = list[str](), dict[str, str]()
    if answer.status not in ABSENT:
        if not receiver.is_refusal(answer):
            return
        cause, fitting, ruled_out = _why_late(receiver, answer, age_s) if age_s else _why_refused(receiver, answer)
    raise Found(
        cause,
        seen=f"{what} got {receiver.shown(answer)}",
        wanted=f"past the signature: HTTP {rule.invalid_body_status} for an invalid body, 2xx for a valid message",
        **receiver.evidence(answer),
        what=what,
        sent_s=abs(age_s),
    ).among(fitting, ruled_out)


def _why_refused(receiver: Receiver, answer: Answer) -> Why:
    """Why a delivery of now was refused: by its code, else what remains when its clock rules some out."""
    ruled_out = {"endpoint-missing": f"it answers HTTP {answer.status}", LIMIT: "the delivery was made now"}
    code = receiver.code(answer)
    named = [cause for name, cause in CAUSES.items() if code and receiver.expected_code(name) == code]
    if len(named) == 1:
        return named[0], named, ruled_out
    drift = _drift(answer)
    if not receiver.scheme.has_time:
        ruled_out["clock-skew"] = "no time is signed"
    elif drift is not None and drift < receiver.settings.max_skew_s:
        ruled_out["clock-skew"] = f"its clock is {drift:.0f} s off"
    fitting = named or ["secret-mismatch", "clock-skew", "header-dropped"]
    return None, [cause for cause in fitting if cause not in ruled_out], ruled_out


def _why_late(receiver: Receiver, answer: Answer, age_s: int) -> Why:
    """Why a delivery of another time was refused, after one of now was accepted.

    A limit that is too small refuses the opposite age too. A clock that is off refuses one side only.
    """
    got_through = "a delivery of now was accepted"
    ruled_out = dict.fromkeys(("secret-mismatch", "header-dropped", "endpoint-missing"), got_through)
    if receiver.is_refusal(receiver.deliver(HARMLESS, age_s=-age_s)):
        return LIMIT, [LIMIT], ruled_out
    drift = _drift(answer)
    is_off = drift is not None and drift > receiver.clock_tolerance_s + 1
    return ("clock-skew" if is_off else None), ["clock-skew", LIMIT], ruled_out


def _drift(answer: Answer) -> float | None:
    """How far the clock of the Date header is off, in seconds; None without one."""
    try:
        return abs(parsedate_to_datetime(answer.headers.get("date") or "").timestamp() - answer.received_at)
    except (TypeError, ValueError):
        return None


# ------------------------------------------------------------------ what must be refused
def _must_be_refused(receiver: Receiver, answer: Answer, what: str, code: str | None) -> None:
    """`code` is the expected one; None for any code of a refusal."""
    refusals = receiver.settings.refusals
    if refusals.status is None and answer.status == refusals.invalid_body_status and not receiver.is_refusal(answer):
        # webhook.refusals.status is not given, and this one may be for the body: other deliveries show which.
        if 200 <= receiver.control().status < 300:
            return
        if not receiver.is_refusal(receiver.forgery()):
            raise _no_meaning(receiver, answer)
    _require_meaning(receiver, answer)
    status = refusals.status or "401 or 403"
    wanted = f"HTTP {status} {code or (refusals.prefix and refusals.prefix + '...')}".rstrip()
    told = {"seen": f"{what} got {receiver.shown(answer)}", "wanted": wanted, "what": what}
    if answer.status in ABSENT:
        raise _no_meaning(receiver, answer)
    if not receiver.is_refusal(answer):
        raise Found("accepted", **told, **receiver.evidence(answer))
    given = receiver.code(answer)
    fits = given == code if code else given.startswith(refusals.prefix) and bool(given or not receiver.has_codes)
    if (refusals.status is not None and answer.status != refusals.status) or not fits:
        raise Found("wrong-code", **told, **receiver.evidence(answer))


@symptom("webhook.unsigned-accepted")
def check_unsigned_delivery_is_refused(receiver: Receiver) -> None:
    """Without signatures, anyone can post in a sender's name."""
    _require_control(receiver)
    signed = receiver.signed(HARMLESS)
    header, headers = signed.scheme.signature_header, signed.headers()
    without = {name: value for name, value in headers.items() if name != header}
    expected = receiver.expected_code("unsigned")
    unsigned = receiver.send(HARMLESS, without)
    _must_be_refused(receiver, unsigned, "a delivery without a signature", expected)
    empty = receiver.send(HARMLESS, without | {header: ""})
    _must_be_refused(receiver, empty, "a delivery with an empty signature", None)
    if signed.scheme.has_time:
        timeless = receiver.send(HARMLESS, signed.headers(is_timed=False))
        _must_be_refused(receiver, timeless, "a delivery without a timestamp", None)


@symptom("webhook.tampered-accepted")
def check_changed_delivery_is_refused(receiver: Receiver) -> None:
    """If a change goes unnoticed, the signature protects nothing."""
    _require_control(receiver)
    signed = receiver.signed(HARMLESS)
    original = (HARMLESS, signed.timestamp if signed.scheme.has_time else "", signed.digest)
    for what, body, timestamp, digest in changed_deliveries(original, receiver.settings.examples):
        answer = receiver.send(body, signed.headers(timestamp=timestamp, digest=digest))
        expected = receiver.expected_code("invalid")
        _must_be_refused(receiver, answer, f"a delivery with {what} after signing", expected)
    for what, digest in cut_digests(signed.digest):
        # A receiver may call it malformed.
        answer = receiver.send(HARMLESS, signed.headers(digest=digest))
        _must_be_refused(receiver, answer, f"a delivery with {what}", None)


@symptom("webhook.stale-accepted")
def check_stale_delivery_is_refused(receiver: Receiver) -> None:
    """A receiver that accepts old timestamps accepts recorded deliveries again."""
    if not receiver.scheme.has_time:
        reason = f"signatures of the scheme {receiver.settings.scheme} cover no time: only message ids show a replay"
        raise NoReading("webhook", reason, kind="no-source")
    _require_control(receiver)
    limit, code = receiver.settings.max_skew_s, receiver.expected_code("stale")
    for age_s, far_s in ((2 * limit, DAY_S), (-2 * limit, -DAY_S)):
        answer = receiver.deliver(HARMLESS, age_s=age_s)
        what = f"a delivery {abs(age_s)} s {'old' if age_s > 0 else 'ahead of its time'}"
        try:
            _must_be_refused(receiver, answer, what, code)
        except Found as found:
            found.evidence["age_s"] = age_s
            far = receiver.deliver(HARMLESS, age_s=far_s)
            if found.cause == "accepted" and receiver.is_refusal(far) and code in (None, receiver.code(far)):
                found.cause = "limit-differs"
                found.wanted += f"; one a day {'old' if age_s > 0 else 'ahead'} gets it"
            raise


# ------------------------------------------------------------------------------ the clock
@symptom("webhook.clock-drift")
def check_clocks_agree(service: Service) -> None:
    """Signatures and tokens carry the time: when the clocks differ, correct ones are refused, at first sporadically."""
    allowed, limit = service.clock_limits
    answer, is_own = service.own_clock()
    if not is_own:
        raise NoReading(
            "http", "http.direct_url is not configured, and a proxy may write its own time into the Date header",
            kind="no-source",
        )  # fmt: skip
    date = answer.headers.get("Date", "")
    try:
        theirs = parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise NoReading("http", f"{answer.url} sends no valid Date header", kind="field-missing") from None
    # The header has whole seconds (RFC 9110, 5.6.7): the time is within the second after it.
    drift = theirs + 0.5 - (answer.sent_at + answer.received_at) / 2
    blur = 0.5 + (answer.received_at - answer.sent_at) / 2
    if abs(drift) - blur <= limit:
        return
    ahead = drift > 0
    raise Found(
        "server-ahead" if ahead else "server-behind",
        seen=f"the service's clock is {abs(drift):.0f} s {'ahead of' if ahead else 'behind'} ours",
        wanted=f"within {limit:g} s, a tenth of the skew it allows",
        url=answer.url,
        drift_s=round(abs(drift)),
        limit_s=limit,
        max_skew_s=allowed,
    )


# ---------------------------------------------------------------- messages that are written
def _message(receiver: Receiver) -> dict[str, Any]:
    """Return a valid message that says it is synthetic, with a unique id."""
    settings = receiver.settings
    unique = f"{receiver.run.id}-{uuid.uuid4().hex[:8]}"
    message = {
        name: value.replace("{unique}", unique) if isinstance(value, str) else value
        for name, value in settings.message.items()
    }
    message[settings.message_id_field] = f"runbook-checks-{unique}"
    if settings.timestamp_field:
        message[settings.timestamp_field] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return message


def _body(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def _listed(receiver: Receiver, message: dict[str, Any], what: str) -> str:
    return f"message {message[receiver.settings.message_id_field]} ({what})"


def _offered(
    receiver: Receiver, message: dict[str, Any], what: str, deliver: Callable[[Receiver, bytes], list[Answer]]
) -> list[Answer]:
    """Send a valid message. It is recorded as left on the target before, and removed from there if it is refused."""
    with receiver.leaving(_listed(receiver, message, what)):
        answers = deliver(receiver, _body(message))
    if all(400 <= answer.status < 500 for answer in answers):
        receiver.take_back(_listed(receiver, message, what))
    return answers


def _once(receiver: Receiver, body: bytes, *, age_s: int = 0) -> list[Answer]:
    return [receiver.deliver(body, age_s=age_s)]


def _require_accepted(receiver: Receiver, answer: Answer) -> None:
    """NoReading where a valid message was refused."""
    if not 200 <= answer.status < 300:
        raise NoReading(
            "webhook", f"a valid message was not accepted: {receiver.shown(answer)}", kind="control-refused"
        )


@symptom("webhook.duplicate-processed")
def check_repeated_delivery_is_processed_once(receiver: Receiver, postgres: PostgresDatabase) -> None:
    """Senders repeat deliveries without a response; if both are processed, the customer gets two replies."""
    settings = receiver.settings
    if settings.processed_table is None:
        raise NoReading("webhook", "webhook.processed_table is not configured", kind="no-source")
    for what, deliver in (("twice", _one_after_another), ("twice at once", _together)):
        message = _message(receiver)
        answers = _offered(receiver, message, f"delivered {what}", deliver)
        _require_accepted(receiver, answers[0])
        message_id = str(message[settings.message_id_field])
        rows = _settled(
            partial(postgres.count, settings.processed_table, settings.processed_column, message_id), wanted=1
        )
        if rows == 0:
            raise NoReading(
                "postgres",
                f"the accepted message {message_id} is not in {settings.processed_table}",
                kind="row-missing",
            )
        if rows > 1:
            raise Found(
                "processed-twice",
                seen=f"a message delivered {what} is in {settings.processed_table} {rows} times",
                wanted="once",
                **receiver.evidence(answers[0]),
                message_id=message_id,
                rows=rows,
                table=settings.processed_table,
            )


def _one_after_another(receiver: Receiver, body: bytes) -> list[Answer]:
    return [receiver.deliver(body), receiver.deliver(body)]


def _together(receiver: Receiver, body: bytes) -> list[Answer]:
    """Deliver twice at the same time; return the accepted response first."""
    answers: list[Answer] = []
    failures: list[NoReading] = []
    gate = threading.Barrier(2)

    def deliver() -> None:
        gate.wait(5)
        try:
            answers.append(receiver.deliver(body))
        except NoReading as gone:
            failures.append(gone)

    threads = [threading.Thread(target=copy_context().run, args=(deliver,), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sorted(answers, key=lambda answer: answer.status)


def _settled(count: Callable[[], int], *, wanted: int) -> int:
    """Count rows once their number is stable; a service may process a message after its response."""
    end, rows = time.monotonic() + SETTLE_S, 0
    while rows < wanted and time.monotonic() < end:
        rows = count()
        time.sleep(0.05)
    time.sleep(0.2)
    return count()


@symptom("webhook.chain-broken")
def check_message_goes_its_whole_way(receiver: Receiver, postgres: PostgresDatabase) -> None:
    """A message that is accepted but never assigned, resolved or audited is lost unnoticed."""
    chain = receiver.settings.chain
    if chain is None:
        raise NoReading("webhook", "webhook.chain is not configured", kind="no-source")
    message = _message(receiver)
    message_id = str(message[receiver.settings.message_id_field])
    [answer] = _offered(receiver, message, "sent the whole way", _once)
    _require_accepted(receiver, answer)
    known = {**message, **_object(answer)}
    try:
        _walk(receiver, postgres, known, message_id)
    except BaseException:
        # A message that failed on its way is removed as well if time allows; else it stays recorded.
        with suppress(Found, NoReading):
            _clean_up(receiver, known, message, message_id)
        raise
    _clean_up(receiver, known, message, message_id)


def _clean_up(receiver: Receiver, known: dict[str, Any], message: dict[str, Any], message_id: str) -> None:
    chain = receiver.settings.chain
    if chain is not None and chain.clean_up is not None:
        _step(receiver, chain.clean_up, known, message_id)
        receiver.take_back(_listed(receiver, message, "sent the whole way"))


def _walk(receiver: Receiver, postgres: PostgresDatabase, known: dict[str, Any], message_id: str) -> None:
    """Take each step with the values of the responses before it, then count the audit rows."""
    chain = receiver.settings.chain
    assert chain is not None
    # Every step may write audit rows: they are recorded before the first step and counted after the last.
    some = f"rows in {chain.audit_table} with {chain.audit_match} {known.get(chain.match_field, message_id)}"
    receiver.leave(some)
    for step in chain.steps:
        answer = _step(receiver, step, known, message_id)
        known |= _object(answer)
    key = known.get(chain.match_field)
    if key is None:
        raise NoReading("webhook", f"no response of the chain has the field {chain.match_field}", kind="field-missing")
    count = partial(postgres.count, chain.audit_table, chain.audit_match, str(key))
    rows = _settled(count, wanted=chain.audit_rows)
    receiver.take_back(some)
    receiver.leave(f"{rows} rows in {chain.audit_table} with {chain.audit_match} {key}")
    which = ""
    if chain.audit_id is not None:
        rows, which = count(uuid=chain.audit_id), f" with a UUID of its own in {chain.audit_id}"
    if rows < chain.audit_rows:
        raise Found(
            "audit-rows-missing",
            seen=f"{rows} rows{which} in {chain.audit_table} for the message",
            wanted=f"{chain.audit_rows} or more",
            which=which,
            message_id=message_id,
            step="audit",
            status=answer.status,
            rows=rows,
            wanted_rows=chain.audit_rows,
            table=chain.audit_table,
        )


def _object(answer: Answer) -> dict[str, Any]:
    if not answer.body.strip():
        return {}
    document = answer.json()
    return document if isinstance(document, dict) else {}


def _step(receiver: Receiver, step: Any, known: dict[str, Any], message_id: str) -> Answer:
    chain = receiver.settings.chain
    assert chain is not None
    answer = receiver.step(step, known)
    if not 200 <= answer.status < 300:
        raise Found(
            "step-failed",
            seen=f"{step.name} got {receiver.shown(answer)}",
            wanted="2xx",
            **receiver.evidence(answer),
            step=step.name,
            message_id=message_id,
            rows="not counted",
            which="",
            wanted_rows=chain.audit_rows,
            table=chain.audit_table,
        )
    return answer
