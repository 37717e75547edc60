"""Does the webhook take what is signed, refuse what isn't, and process each message once?

Where writes are not allowed, what is sent is no message: past the signature it is refused for its body, so
that nothing is stored even by a receiver whose door stands open.
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

from runbook_checks.suite.fixtures.deliveries import changed_deliveries

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


def _must_be_the_receivers(receiver: Receiver, answer: Answer) -> None:
    """NoReading for an answer that says nothing about signatures: failure, rate limits, redirects, pages."""
    if not (receiver.is_refusal(answer) or receiver.is_past(answer) or answer.status in ABSENT):
        raise _says_nothing(answer)


def _says_nothing(answer: Answer) -> NoReading:
    what = " with a page" if 200 <= answer.status < 300 else ""
    reason = f"{answer.url} answered HTTP {answer.status}{what}, which says nothing about signatures"
    return NoReading("webhook", reason, kind="wrong-status")


def _require_control(receiver: Receiver) -> None:
    """A receiver that refuses everything refuses what is forged as well, and proves nothing by it."""
    answer = receiver.control()
    _must_be_the_receivers(receiver, answer)
    if receiver.is_refusal(answer) or answer.status in ABSENT:
        raise NoReading(
            "webhook",
            f"a correctly signed delivery is refused too ({receiver.told(answer)})",
            kind="control-refused",
        )


@symptom("webhook.signature-rejected")
def check_signed_delivery_gets_through(receiver: Receiver) -> None:
    """A receiver that refuses its own sender loses every message."""
    answer = receiver.control()
    _must_be_signed_for(receiver, answer, "a correctly signed delivery")
    if receiver.may_write:
        skew = receiver.settings.max_skew_s - MARGIN_S
        for age_s in (0, skew, -skew):
            message = _message(receiver)
            [valid] = _offered(receiver, message, f"signed {age_s} s ago", partial(_once, age_s=age_s))
            _must_be_signed_for(receiver, valid, f"a valid message signed {age_s} s ago")
            _require_accepted(receiver, valid)


def _must_be_signed_for(receiver: Receiver, answer: Answer, what: str) -> None:
    _must_be_the_receivers(receiver, answer)
    refusals, code = receiver.settings.refusals, receiver.code(answer)
    cause = None
    if answer.status in ABSENT:
        cause = "endpoint-missing"
    elif receiver.is_refusal(answer):
        cause = {refusals.stale: "clock-skew", refusals.invalid: "secret-mismatch"}.get(code)
    else:
        return
    fitting, ruled_out = _why_refused(receiver, answer)
    raise Found(
        cause,
        seen=f"{what} got {receiver.told(answer)}",
        wanted=f"past the signature: HTTP {refusals.invalid_body_status} for what is no message, 2xx for what is one",
        **receiver.evidence(answer),
    ).among(fitting, ruled_out)


def _why_refused(receiver: Receiver, answer: Answer) -> tuple[list[str], dict[str, str]]:
    """Where the refusal's code tells nothing: what would be refused like this, and what its clock rules out."""
    ruled_out = {"endpoint-missing": f"it answers HTTP {answer.status}"}
    try:
        drift = parsedate_to_datetime(answer.headers.get("date") or "").timestamp() - answer.received_at
    except (TypeError, ValueError):
        return ["secret-mismatch", "clock-skew"], ruled_out
    if abs(drift) < receiver.settings.max_skew_s:
        return ["secret-mismatch"], ruled_out | {"clock-skew": f"its clock is {abs(drift):.0f} s off"}
    return ["secret-mismatch", "clock-skew"], ruled_out


# ------------------------------------------------------------------ what must be refused
def _must_be_refused(receiver: Receiver, answer: Answer, what: str, code: str | None) -> None:
    """`code` is the one due; None: any of the receiver's own."""
    _must_be_the_receivers(receiver, answer)
    refusals = receiver.settings.refusals
    wanted = f"HTTP {refusals.status} {code or refusals.prefix + '...'}"
    seen = f"{what} got {receiver.told(answer)}"
    if answer.status in ABSENT:
        raise _says_nothing(answer)
    if not receiver.is_refusal(answer):
        raise Found("accepted", seen=seen, wanted=wanted, **receiver.evidence(answer))
    given = receiver.code(answer)
    fits = given == code if code else bool(given) and given.startswith(refusals.prefix)
    if answer.status != refusals.status or not fits:
        raise Found("wrong-code", seen=seen, wanted=wanted, **receiver.evidence(answer))


@symptom("webhook.unsigned-accepted")
def check_unsigned_delivery_is_refused(receiver: Receiver) -> None:
    """Whoever needs no signature can speak in anybody's name."""
    _require_control(receiver)
    timestamp = str(int(time.time()))
    signed = receiver.signed(timestamp, HARMLESS)
    settings = receiver.settings
    unsigned = receiver.send(HARMLESS, {settings.timestamp_header: timestamp})
    _must_be_refused(receiver, unsigned, "a delivery without a signature", settings.refusals.unsigned)
    timeless = receiver.send(HARMLESS, {settings.signature_header: signed[settings.signature_header]})
    _must_be_refused(receiver, timeless, "a delivery without a timestamp", None)


@symptom("webhook.tampered-accepted")
def check_changed_delivery_is_refused(receiver: Receiver) -> None:
    """If a change goes unnoticed, the signature protects nothing."""
    _require_control(receiver)
    now, settings = int(time.time()), receiver.settings
    headers = receiver.signed(str(now), HARMLESS)
    original = (HARMLESS, headers[settings.timestamp_header], headers[settings.signature_header])
    for what, body, timestamp, signature in changed_deliveries(original, settings.examples):
        answer = receiver.send(body, {settings.timestamp_header: timestamp, settings.signature_header: signature})
        _must_be_refused(receiver, answer, f"a delivery with {what} changed after signing", settings.refusals.invalid)


@symptom("webhook.stale-accepted")
def check_stale_delivery_is_refused(receiver: Receiver) -> None:
    """A receiver that takes old timestamps can be replayed by whoever once overheard a delivery."""
    _require_control(receiver)
    limit, code = receiver.settings.max_skew_s, receiver.settings.refusals.stale
    for age_s, far_s in ((2 * limit, DAY_S), (-2 * limit, -DAY_S)):
        answer = receiver.deliver(HARMLESS, age_s=age_s)
        what = f"a delivery {abs(age_s)} s {'old' if age_s > 0 else 'ahead of its time'}"
        try:
            _must_be_refused(receiver, answer, what, code)
        except Found as found:
            found.evidence["age_s"] = age_s
            far = receiver.deliver(HARMLESS, age_s=far_s)
            if found.cause == "accepted" and receiver.code(far) == code:
                found.cause = "limit-differs"
                found.wanted += f"; one a day {'old' if age_s > 0 else 'ahead'} gets it"
            raise


# ------------------------------------------------------------------------------ the clock
@symptom("webhook.clock-drift")
def check_clocks_agree(service: Service) -> None:
    """Signatures and tokens carry the time: when the clocks part, correct ones are refused, first now and then."""
    allowed, limit = service.clock_limits
    answer, is_own = service.own_clock()
    if not is_own:
        raise NoReading(
            "http", "no direct address is named (http.direct_url), and a proxy may put its own time in the Date header",
            kind="no-source",
        )  # fmt: skip
    told = answer.headers.get("Date", "")
    try:
        theirs = parsedate_to_datetime(told).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise NoReading("http", f"{answer.url} sends no Date header that can be read", kind="field-missing") from None
    # The header has whole seconds (RFC 9110, 5.6.7): the moment lies within the second after it.
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
    """A valid message that says it is synthetic, under an id of its own."""
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
    """The answers to a valid message. It counts as left on the target before it is sent, unless all refuse it."""
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
        raise NoReading("webhook", f"a valid message was not accepted: {receiver.told(answer)}", kind="control-refused")


@symptom("webhook.duplicate-processed")
def check_repeated_delivery_is_processed_once(receiver: Receiver, postgres: PostgresDatabase) -> None:
    """Senders repeat what they got no answer to; processed twice, a customer is answered twice."""
    settings = receiver.settings
    if settings.processed_table is None:
        raise NoReading("webhook", "the runbook file names no table of processed messages", kind="no-source")
    for what, deliver in (("twice", _one_after_another), ("twice at once", _together)):
        message = _message(receiver)
        answers = _offered(receiver, message, f"delivered {what}", deliver)
        _require_accepted(receiver, answers[0])
        message_id = str(message[settings.message_id_field])
        rows = _settled(postgres, settings.processed_table, settings.processed_column, message_id, wanted=1)
        if rows == 0:
            raise NoReading(
                "postgres",
                f"the accepted message {message_id} is not in {settings.processed_table}",
                kind="row-missing",
            )
        if rows > 1:
            raise Found(
                "processed-twice",
                seen=f"a message delivered {what} stands {rows} times in {settings.processed_table}",
                wanted="once",
                **receiver.evidence(answers[0]),
                message_id=message_id,
                rows=rows,
                table=settings.processed_table,
            )


def _one_after_another(receiver: Receiver, body: bytes) -> list[Answer]:
    return [receiver.deliver(body), receiver.deliver(body)]


def _together(receiver: Receiver, body: bytes) -> list[Answer]:
    """Both at once; the accepted answer first."""
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


def _settled(database: PostgresDatabase, table: str, column: str, value: str, *, wanted: int) -> int:
    """How many rows there are once no more come; a service may process after it answered."""
    end, rows = time.monotonic() + SETTLE_S, 0
    while rows < wanted and time.monotonic() < end:
        rows = database.count(table, column, value)
        time.sleep(0.05)
    time.sleep(0.2)
    return database.count(table, column, value)


@symptom("webhook.chain-broken")
def check_message_goes_its_whole_way(receiver: Receiver, postgres: PostgresDatabase) -> None:
    """A message that is taken but never assigned, resolved or audited is lost where nobody looks."""
    chain = receiver.settings.chain
    if chain is None:
        raise NoReading("webhook", "the runbook file names no chain (webhook.chain)", kind="no-source")
    message = _message(receiver)
    message_id = str(message[receiver.settings.message_id_field])
    [answer] = _offered(receiver, message, "sent the whole way", _once)
    _require_accepted(receiver, answer)
    known = {**message, **_object(answer)}
    try:
        _walk(receiver, postgres, known, message_id)
    except BaseException:
        # What failed on its way is removed as well, as far as there is time; else it stays on the list.
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
    """Step by step, each with what the answers before have told; then the audit rows."""
    chain = receiver.settings.chain
    assert chain is not None
    # Every step may write some: they are listed from the first on, and counted at the end.
    some = f"rows in {chain.audit_table} with {chain.audit_match} {known.get(chain.match_field, message_id)}"
    receiver.leave(some)
    for step in chain.steps:
        answer = _step(receiver, step, known, message_id)
        known |= _object(answer)
    key = known.get(chain.match_field)
    if key is None:
        raise NoReading("webhook", f"no answer of the chain has a field {chain.match_field}", kind="field-missing")
    rows = _settled(postgres, chain.audit_table, chain.audit_match, str(key), wanted=chain.audit_rows)
    receiver.take_back(some)
    receiver.leave(f"{rows} rows in {chain.audit_table} with {chain.audit_match} {key}")
    if rows < chain.audit_rows:
        raise Found(
            "audit-rows-missing",
            seen=f"{rows} rows in {chain.audit_table} for the message",
            wanted=f"{chain.audit_rows} or more",
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
            seen=f"{step.name} got {receiver.told(answer)}",
            wanted="2xx",
            **receiver.evidence(answer),
            step=step.name,
            message_id=message_id,
            rows="not counted",
            wanted_rows=chain.audit_rows,
            table=chain.audit_table,
        )
    return answer
