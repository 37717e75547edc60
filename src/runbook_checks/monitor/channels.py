"""Hand messages to people's channels through Apprise, which knows mail, Slack, PagerDuty and a hundred others."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.config.secrets import Unresolved
from runbook_checks.monitor.answers import kind_of_refusal, watched
from runbook_checks.monitor.delivery import FINAL, PASSING, UNCLEAR, NotDelivered
from runbook_checks.monitor.limits import in_time
from runbook_checks.monitor.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.config.secrets import Vault
    from runbook_checks.monitor.answers import Answer

_TYPES = {"alert": "failure", "graver": "failure", "escalation": "failure", "resolved": "success"}
_WEB = re.compile(r"(?:json|xml|form|apprise)s?://(.*)", re.IGNORECASE | re.DOTALL)  # web hooks of one's own
CONNECT_S, ANSWER_S = 5.0, 10.0
MOST_TITLE, MOST_BODY, KEPT_END = 250, 8000, 300


class Channels:
    """The channels of an environment, each opened when it first has something to take."""

    def __init__(self, rules: Monitoring, vault: Vault) -> None:
        self.rules, self.vault = rules, vault
        self._taken: set[tuple[str, str, str]] = set()

    def send(self, channel: str, kind: str, title: str, body: str) -> None:
        """Hand a message over, once in a round; NotDelivered where the channel doesn't take it.

        All titles and bodies pass here: what a far end says in them is made plain text.
        """
        message = (channel, title, body)
        if message not in self._taken:
            line = shortened(plain(title).replace("\n", " "), MOST_TITLE, 0)
            self._send(channel, kind, line, plain(body))
            self._taken.add(message)

    def _send(self, channel: str, kind: str, title: str, body: str) -> None:
        address = self._address(channel)
        try:
            is_taken, answers, last = in_time(lambda: _watched(address, kind, title, body))
        except TimeoutError as late:
            raise NotDelivered(str(late), PASSING) from None
        redirected = [answer for answer in answers if answer.is_dropped]
        if redirected:
            raise NotDelivered(f"it redirects (HTTP {redirected[0].status}), and the message is dropped", UNCLEAR)
        if not is_taken:
            reason = self.vault.redaction.text(last or "it gave no reason")
            raise NotDelivered(reason, kind_of_refusal(answers), max((a.wait_s for a in answers), default=0.0))

    def _address(self, channel: str) -> str:
        reference = self.rules.channels.get(channel)
        if reference is None:
            raise NotDelivered("the environment has no such channel any more", FINAL, is_gone=True)
        try:
            address = self.vault.value(reference)
        except Unresolved as unresolved:
            raise NotDelivered(str(unresolved), PASSING) from None
        web = _WEB.fullmatch(address.strip())
        if web and not is_address(f"http://{web[1]}"):
            raise NotDelivered(f"its address {NO_ADDRESS}", FINAL)
        # A service that hangs must not hold up the other channels. What is too long is better cut than refused.
        for name, setting in (("cto=", f"cto={CONNECT_S:g}&rto={ANSWER_S:g}"), ("overflow=", "overflow=truncate")):
            if name not in address:
                address += f"{'&' if '?' in address else '?'}{setting}"
        return address


def _watched(address: str, kind: str, title: str, body: str) -> tuple[bool, list[Answer], str]:
    """Whether it is taken, what was answered, and what Apprise says of it."""
    with said() as words, watched() as answers:
        is_taken = _handed_over(address, kind, title, body)
    return is_taken, answers, words[-1] if words else ""


def _handed_over(address: str, kind: str, title: str, body: str) -> bool:
    try:
        import apprise
    except ImportError:
        raise NotDelivered("Apprise is not installed: pip install 'runbook-checks[alerts]'", PASSING) from None
    asset = apprise.AppriseAsset(app_id="runbook-checks", app_desc="runbook-checks", app_url="", async_mode=False)
    sender = apprise.Apprise(asset=asset)
    if not sender.add(address):  # what Apprise says of it quotes it
        raise NotDelivered("Apprise does not understand its address", FINAL)
    body = _fit(body, title, sender[0])
    looks, text = _TYPES.get(kind, "warning"), apprise.NotifyFormat.TEXT
    try:
        return bool(sender.notify(title=title, body=body, notify_type=looks, body_format=text))
    except Exception as error:  # a plugin's own mistake must not keep the others from being told
        raise NotDelivered(f"Apprise failed with {type(error).__name__}", UNCLEAR) from None


def _fit(body: str, title: str, service: Any) -> str:
    """As much as the service takes; the end stays, for it holds the numbers of incident and message."""
    most = min(MOST_BODY, int(service.body_maxlen)) - (0 if service.title_maxlen > 0 else len(title) + 2)
    return shortened(body, max(most, 1), KEPT_END if most > 3 * KEPT_END else 0) + "\n"


def shortened(text: str, most: int, end: int) -> str:
    """At most so many characters, with a mark where some are left out before the last `end`."""
    if len(text) <= most:
        return text
    return f"{text[: most - end - 3]}\n…\n{text[-end:]}" if end else f"{text[: most - 1]}…"


_words: ContextVar[list[str] | None] = ContextVar("words", default=None)


@contextmanager
def said() -> Iterator[list[str]]:
    """What Apprise says meanwhile to this thread went wrong."""
    _listen()
    words: list[str] = []
    before = _words.set(words)
    try:
        yield words
    finally:
        _words.reset(before)


@cache
def _listen() -> None:
    """From now on nothing that Apprise says goes anywhere else: it must go through redaction first."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(_Listener(logging.WARNING))


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        words = _words.get()
        if words is not None:
            words.append(" ".join(record.getMessage().split()))
